/** Takes one line of progress, without its line feed. */
export type Log = (line: string) => void;

/** Between two signs of life. */
const intervalMs = 30_000;

/** Does `work`, and says when it starts, every 30 s that it still runs, and how long it took. */
export async function withProgress<T>(what: string, log: Log, work: () => Promise<T>): Promise<T> {
  const start = Date.now();
  const elapsed = () => `${Math.round((Date.now() - start) / 1000)} s`;
  log(`${what} …`);
  const timer = setInterval(() => log(`${what} … ${elapsed()}`), intervalMs);
  try {
    const result = await work();
    log(`${what}: done in ${elapsed()}`);
    return result;
  } finally {
    clearInterval(timer);
  }
}
