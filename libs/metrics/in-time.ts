/** null where it failed or took too long: for what others have to say, which must not keep our own answer waiting. */
export async function inTime<T>(work: Promise<T>, patienceMs: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, patienceMs, null);
  });
  try {
    return await Promise.race([work, tooLong]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
