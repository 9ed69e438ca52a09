import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import pLimit, { type LimitFunction } from "p-limit";
import { lock, unlockSync } from "proper-lockfile";
import { cacheFolder } from "./cacheFolder";
import { UserError } from "./errors";

/** A lock whose holder has given no sign of life for so long is taken over: its process has ended. */
const STALE_MS = 20_000;

/** One full clone of a large image takes minutes, and several may wait in a row. */
const WAIT_SECONDS = 3600;

const limits = new Map<string, LimitFunction>();

/**
 * Runs `work` while nobody else of this user, in this process or another, has the lock of this key.
 * @param what names it in the error
 * @throws UserError when the lock is held for an hour
 */
export function whileLocked<T>(key: readonly unknown[], what: string, work: () => Promise<T>): Promise<T> {
  const file = lockFile(key);
  const limit = limits.get(file) ?? pLimit(1);
  limits.set(file, limit);
  return limit(() => whileFileLocked(file, what, work));
}

/**
 * Whether somebody has the lock of this key, or was killed with it: who comes next and takes it gives that one back
 * too.
 */
export const isLocked = (key: readonly unknown[]): boolean => existsSync(`${lockFile(key)}.lock`);

async function whileFileLocked<T>(file: string, what: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  const release = await lock(file, {
    realpath: false,
    stale: STALE_MS,
    retries: { retries: WAIT_SECONDS, factor: 1, minTimeout: 1000, maxTimeout: 1000 },
    // After this machine slept, say. VirtualBox may then refuse one of two clones, which is no reason to end the
    // process.
    onCompromised: () => {},
  }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "ELOCKED") throw cause;
    throw new UserError(`the lock on ${what} was held for an hour`, {
      hint: `see what uses it; if nothing does, remove ${file}.lock`,
      cause,
    });
  });
  const releaseAtExit = () => releaseNow(file);
  process.once("exit", releaseAtExit);
  try {
    return await work();
  } finally {
    process.off("exit", releaseAtExit);
    await release().catch(() => {}); // Someone took it over.
  }
}

/**
 * What proper-lockfile would do by itself at a process's exit: its hook is lost, as both it and execa patch
 * `process.emit` (by signal-exit 3 and 4), and execa, when its command is over, takes both patches back.
 */
function releaseNow(file: string): void {
  try {
    unlockSync(file, { realpath: false });
  } catch {
    // Someone took it over.
  }
}

/** In the user's cache folder; one file per key. */
function lockFile(key: readonly unknown[]): string {
  const id = createHash("sha256").update(JSON.stringify(key)).digest("hex");
  return join(cacheFolder(), "locks", id.slice(0, 16));
}
