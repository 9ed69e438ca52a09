import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UserError } from "../host/errors";
import { isOurImage } from "./iso9660";

/** The image holds a private key: it is its owner's alone. */
const fileMode = 0o600;
const folderMode = 0o700;

/** Between an ISO's path and the writing process's id, as long as it is not whole. */
const PART = ".part-";

/** An image's identity: SHA-256 of its bytes, hexadecimal. */
export const sha256 = (image: Buffer) => createHash("sha256").update(image).digest("hex");

/**
 * The identity of the file at a path, or undefined where there is none, or one that others can read.
 * @throws UserError when it cannot be read
 */
export async function observeIso(path: string): Promise<string | undefined> {
  const image = await readIfThere(path);
  if (image === undefined || (process.platform !== "win32" && ((await stat(path)).mode & 0o077) !== 0)) return undefined;
  return sha256(image);
}

/**
 * Brings an image to a path: whole or not at all.
 * @throws UserError when another program's file is there, or the folder cannot be written
 */
export async function writeIso(path: string, image: Buffer): Promise<void> {
  await removeParts(path);
  if ((await observeIso(path)) === sha256(image)) return;
  const there = await readIfThere(path);
  if (there && !isOurImage(there)) {
    throw new UserError(`${path} is there already, and was not made by this program`, { todo: "move it away, or give another path" });
  }
  const part = `${path}${PART}${process.pid}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: folderMode });
    await writeFile(part, image, { mode: fileMode });
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true }).catch(() => undefined);
    await removeOurFolders(path);
    throw new UserError(`the ISO ${path} could not be written`, { said: (cause as Error).message, todo: "make room there, or give another `isoFolder`", cause });
  }
}

/**
 * Removes an image of ours, and its folders as long as they are empty, and private as we make them.
 * @returns whether there is nothing of ours left; false where another program's file has taken its place, which stays
 */
export async function removeIso(path: string): Promise<boolean> {
  await removeParts(path);
  const image = await readIfThere(path);
  if (image && !isOurImage(image)) return false;
  await rm(path, { force: true });
  await removeOurFolders(path);
  return true;
}

/** Removes what a process that was killed left half-written. */
async function removeParts(path: string): Promise<void> {
  const names = await readdir(dirname(path)).catch(() => []);
  for (const name of names) if (name.startsWith(basename(path) + PART)) await rm(join(dirname(path), name), { force: true });
}

async function removeOurFolders(path: string): Promise<void> {
  for (let folder = dirname(path); await removeOurFolder(folder);) folder = dirname(folder);
}

async function removeOurFolder(folder: string): Promise<boolean> {
  try {
    if (((await stat(folder)).mode & 0o777) !== folderMode) return false;
    await rmdir(folder);
    return true;
  } catch {
    return false; // not empty, or gone, or not ours to remove: nothing of ours is in it
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new UserError(`the ISO ${path} could not be read`, { said: (cause as Error).message, todo: "give another `isoFolder`, or mend this one", cause });
  }
}
