/** A promise for synchronous work; what it throws rejects. */
export function settle<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(work());
  });
}

/** Lets timers, signals and sockets have their turn between two pieces of synchronous work. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
