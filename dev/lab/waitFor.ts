import { setTimeout as sleep } from "node:timers/promises";

/** How long and how often to look. */
export interface WaitOptions {
  timeoutMs: number;
  /** Default: 200 ms. */
  intervalMs?: number;
}

/**
 * Looks until `look` gives something other than undefined, and gives that.
 * @throws what `late` makes when the time is over
 */
export async function waitFor<T>(
  look: () => T | undefined | Promise<T | undefined>,
  late: () => Error,
  options: WaitOptions,
): Promise<T> {
  const end = Date.now() + options.timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() >= end) throw late();
    await sleep(options.intervalMs ?? 200);
  }
}
