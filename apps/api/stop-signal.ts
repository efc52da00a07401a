/** Resolves at SIGTERM or Ctrl-C; a second one ends the process at once. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let isSecond = false;
    const stop = () => {
      if (isSecond) process.exit(130);
      isSecond = true;
      resolve();
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
  });
}
