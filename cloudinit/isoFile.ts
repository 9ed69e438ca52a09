import { createHash, randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { lstat, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UserError } from "../common/errors";
import { type HostKey, hostKeyIn } from "./hostKey";
import { isOurImage, publisherOf, unpublished } from "./iso9660/image";
import { isTrusted, makeFolder, removeOurFolders } from "./isoFolder";
import { instanceIdIn, type LaterBoots, laterBootsIn } from "./laterBoots";

/** The image holds a private key: it is its owner's alone. */
const fileMode = 0o600;

/** Between an ISO's path and something random, as long as it is not whole. */
const PART = ".part-";

/** An image's identity: SHA-256 of its bytes but for whose it is, hexadecimal. */
export const sha256 = (image: Buffer) =>
  createHash("sha256")
    .update(isOurImage(image) ? unpublished(image) : image)
    .digest("hex");

/** An image on disk. */
export interface IsoFile {
  sha256: string;
  /** Id of the stack that wrote it; empty for version 0.1.0's. */
  stackId: string;
  /** The host key in it. */
  hostKey?: HostKey;
  /** cloud-init's; undefined where it cannot be told. */
  instanceId?: string;
  /** In the image of the boots after the first, what it tells. */
  later?: LaterBoots;
}

/**
 * The image of ours at a path, or undefined where there is none, or what others can read, own, or put into its place.
 * @throws UserError when it cannot be read
 */
export async function observeIso(path: string): Promise<IsoFile | undefined> {
  const there = await lookAt(path);
  if (there?.image === undefined || !there.isPrivate || !(await isTrusted(dirname(path)))) return undefined;
  const { image } = there;
  const text = image.toString("latin1");
  const hostKey = hostKeyIn(text);
  return {
    ...identityOf(image),
    hostKey,
    instanceId: instanceIdIn(text),
    later: hostKey ? undefined : laterBootsIn(text),
  };
}

/** By what an image is told from others. */
export type IsoIdentity = Pick<IsoFile, "sha256" | "stackId">;

/** Whether an image on disk may be written over, or removed. */
export type IsOurs = (there: IsoIdentity) => boolean;

/**
 * Whether an image is a state's own: by its stack's id, or, where one of the two has none as in version 0.1.0, by its
 * content.
 */
export const isIsoOf = (stackId: string, contents: () => readonly string[]) => (there: IsoIdentity) =>
  there.stackId === stackId || ((there.stackId === "" || stackId === "") && contents().includes(there.sha256));

/**
 * Brings an image to a path: whole or not at all.
 * @param isOurs whether one that is there may be written over
 * @throws UserError when another program's or another stack's file is there, or the folder cannot be written
 */
export async function writeIso(path: string, image: Buffer, isOurs: IsOurs = () => true): Promise<void> {
  const there = await lookAt(path);
  if (there && !(there.image && isOurImage(there.image))) {
    throw new UserError(`${path} is there already, and was not made by this program`, {
      output: there.foreign,
      hint: "move it away, or give another `isoFolder`",
    });
  }
  if (there?.image && !isOurs(identityOf(there.image))) throw anotherStacks(path, publisherOf(there.image));
  await removeParts(path);
  if (there?.image?.equals(image) && there.isPrivate && (await isTrusted(dirname(path)))) return;
  const part = `${path}${PART}${randomBytes(8).toString("hex")}`;
  try {
    await makeFolder(dirname(path));
    await writeFile(part, image, { mode: fileMode, flag: "wx" });
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true }).catch(() => undefined);
    await removeOurFolders(dirname(path));
    if (cause instanceof UserError) throw cause;
    throw new UserError(`the ISO ${path} could not be written`, {
      output: (cause as Error).message,
      hint: "make room there, or give another `isoFolder`",
      cause,
    });
  }
}

const identityOf = (image: Buffer): IsoIdentity => ({
  sha256: sha256(image),
  stackId: isOurImage(image) ? publisherOf(image) : "",
});

/** Nobody can tell a lost state from another stack of the same names. */
const anotherStacks = (path: string, stackId: string) =>
  new UserError(`the ISO ${path} belongs to another stack, or to this one's lost state; nothing was changed`, {
    output: stackId ? `the id of its stack is ${stackId}` : "version 0.1.0 wrote it, without its stack's id",
    hint:
      "bring the stack's state back (`pulumi stack import`), or take the ISO and its machine over (`pulumi config set adopt true`); " +
      "if another stack has the same names, give this one another `clusterName`; if no machine needs the file, remove it",
  });

/**
 * Removes an image of ours, and its folders as long as they are empty, and private as we make them.
 * @returns whether there is nothing of ours left; false where another program's or stack's file has taken its place,
 * which stays
 */
export async function removeIso(path: string, isOurs: IsOurs = () => true): Promise<boolean> {
  const there = await lookAt(path);
  if (there && !(there.image && isOurImage(there.image) && isOurs(identityOf(there.image)))) return false;
  await removeParts(path);
  await rm(path, { force: true });
  await removeOurFolders(dirname(path));
  return true;
}

/** Removes what a process that was killed left half-written. */
async function removeParts(path: string): Promise<void> {
  const names = await readdir(dirname(path)).catch(() => []);
  for (const name of names)
    if (name.startsWith(basename(path) + PART)) await rm(join(dirname(path), name), { force: true });
}

/** What is at an ISO's place: an image, or what is nobody's image of ours, and why. */
interface There {
  image?: Buffer;
  isPrivate: boolean;
  foreign?: string;
}

/** Looks at what is there, and never through a link: that would be another file, of whomever. */
async function lookAt(path: string): Promise<There | undefined> {
  try {
    const is = await lstat(path);
    const foreign = foreignIn(is);
    if (foreign) return { isPrivate: false, foreign };
    return { image: await readFile(path), isPrivate: process.platform === "win32" || (is.mode & 0o077) === 0 };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new UserError(`the ISO ${path} could not be read`, {
      output: (cause as Error).message,
      hint: "give another `isoFolder`, or fix this one",
      cause,
    });
  }
}

function foreignIn(is: Stats): string | undefined {
  if (is.isSymbolicLink()) return "it is a symbolic link";
  if (!is.isFile()) return "it is no regular file";
  const isOurs = process.platform === "win32" || is.uid === process.getuid!();
  return isOurs ? undefined : `it belongs to the user with the id ${is.uid}`;
}
