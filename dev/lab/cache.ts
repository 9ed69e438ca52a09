import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { lock } from "proper-lockfile";
import { cacheDir } from "./paths";
import type { Log } from "./progress";

/** A lock whose holder has given no sign of life for so long is taken over. */
const staleMs = 20_000;

/**
 * A folder of the cache, made first when it is missing.
 *
 * `make` fills a part folder beside it, which gets its name when it is complete: a folder under its own name is always
 * whole, and what an interrupted run left behind is thrown away. Of several processes that want the same folder one
 * makes it and the others wait.
 *
 * @param name the folder's name, with all that decides over its contents in it: a version, or a hash
 * @param make fills the folder that it is given
 * @returns the folder's path
 */
export async function cached(name: string, make: (part: string) => Promise<void>, log: Log): Promise<string> {
  const folder = join(cacheDir(), name);
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const release = await waitForLock(folder, log);
  try {
    if (!existsSync(folder)) await makeWhole(folder, make);
  } finally {
    await release();
  }
  return folder;
}

async function waitForLock(folder: string, log: Log) {
  const options = { realpath: false, stale: staleMs };
  try {
    return await lock(folder, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ELOCKED") throw error;
    log(`${basename(folder)} is being made by another process, or was when that was killed: waiting`);
    return await lock(folder, { ...options, retries: { forever: true, factor: 1, minTimeout: 1_000 } });
  }
}

/** Only under the lock: every part folder that is there was left by an interrupted run. */
async function makeWhole(folder: string, make: (part: string) => Promise<void>): Promise<void> {
  const parent = dirname(folder);
  const leftovers = (await readdir(parent)).filter((name) => name.startsWith(`${basename(folder)}.part-`));
  for (const name of leftovers) await rm(join(parent, name), { recursive: true, force: true });
  const part = `${folder}.part-${process.pid}`;
  await mkdir(part);
  try {
    await make(part);
    await rename(part, folder);
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
}
