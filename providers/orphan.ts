/** How often to look, in milliseconds. */
const LOOK_MS = 1_000;

let isWatching = false;

/**
 * Ends this process soon after the one that started it was killed. The engine cannot tell a provider of its own death,
 * and a provider that went on would be in the way of the next run. What it leaves half-done is taken up there, as after
 * any interruption. (On Windows a process keeps its dead parent's id: there it goes on to the end of its operation.)
 */
export function endWithParent(): void {
  if (isWatching) return;
  isWatching = true;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.exit(1);
  }, LOOK_MS).unref();
}
