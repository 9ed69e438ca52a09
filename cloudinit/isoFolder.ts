import type { Stats } from "node:fs";
import { lstat, mkdir, realpath, rmdir, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { UserError } from "../common/errors";
import { shellCommand } from "../common/shell";

/** A folder that we make is its owner's alone. */
const folderMode = 0o700;

/** Of a folder in which only the owner of a thing, or of the folder, may rename and remove it. */
const STICKY = 0o1000;

/**
 * Makes the folder of an ISO, private, where there is none.
 * @throws UserError where others could put another file in its place; the system's own words where it cannot be made
 */
export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: folderMode });
  const doubt = await doubtOf(folder);
  if (doubt) throw doubt;
}

/** Whether nobody else can put a file into a folder, or another folder into its place. */
export async function isTrusted(folder: string): Promise<boolean> {
  return (await doubtOf(folder)) === undefined;
}

/**
 * Looks at a folder and all above it. One of these may be open to all, as /tmp is, where it is sticky and the system's,
 * and where what is in it, on the way to the ISO, is ours or the system's.
 */
async function doubtOf(folder: string): Promise<UserError | undefined> {
  if (process.platform === "win32") return undefined;
  return (await doubtOnTheWayTo(folder)) ?? doubtOnTheWayTo(await realpath(folder));
}

async function doubtOnTheWayTo(folder: string): Promise<UserError | undefined> {
  let below = await lookAt(folder);
  if (!isOurs(below)) return anothers(below);
  if (isOpen(below)) return openToOthers(below);
  for (let path = dirname(folder); path !== below.path; path = dirname(path)) {
    const each = await lookAt(path);
    if (isOpen(each) && (each.is.mode & STICKY) === 0) return openToOthers(each);
    const foreign = isOpen(each) ? [each, below].find(isForeign) : undefined;
    if (foreign) return anothers(foreign);
    below = each;
  }
  return undefined;
}

/** A folder, and what has its name: a link to it, or the folder itself. */
interface Folder {
  path: string;
  is: Stats;
  link: Stats;
}

const lookAt = async (path: string): Promise<Folder> => ({ path, is: await stat(path), link: await lstat(path) });

const isOurs = ({ is }: Folder) => is.uid === process.getuid!();

const isForeign = ({ is, link }: Folder) => [is, link].some(({ uid }) => uid !== process.getuid!() && uid !== 0);

/** Who is in the group of a folder of the system's is the system's business. */
const isOpen = (folder: Folder) =>
  (folder.is.mode & 0o002) !== 0 ||
  (isOurs(folder) && (folder.is.mode & 0o020) !== 0 && folder.is.gid !== process.getgid!());

const anothers = ({ path, is }: Folder) =>
  unsafe(path, `it belongs to the user with the id ${is.uid}`, "give another `isoFolder`, in a folder of your own");

const openToOthers = (folder: Folder) =>
  unsafe(
    folder.path,
    "others may write in it",
    `${isOurs(folder) ? `${shellCommand(["chmod", "go-w", folder.path])}, or ` : ""}give another \`isoFolder\``,
  );

const unsafe = (path: string, output: string, hint: string) =>
  new UserError(`the folder ${path} is not safe for an ISO, which holds a private key`, { output, hint });

/** The name of the default `isoFolder`, which is ours. Another one is its user's, and stays, also where we made it. */
const DEFAULT_NAME = ".vbox-kubeadm";

/** Removes an ISO's folders, of its stack and its cluster, as long as they are empty, and private as we make them. */
export async function removeOurFolders(folder: string): Promise<void> {
  const isoFolder = dirname(dirname(folder));
  const ours = [folder, dirname(folder), ...(basename(isoFolder) === DEFAULT_NAME ? [isoFolder] : [])];
  for (const each of ours) if (!(await removeOurFolder(each))) return;
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
