import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** No key, known_hosts file or template is larger; what is, such as a disk image, was given by mistake. */
const MOST_MB = 16;

/** `~` is the user's home, as in a shell. */
export const expandHome = (path: string) =>
  path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;

/**
 * Reads a file that the user has named. A device or a pipe might never end, so only a regular file will do.
 * @throws Error with the reason alone
 */
export function readUserFile(path: string): Buffer {
  const file = statSync(path);
  if (file.isDirectory()) throw new Error("it is a directory");
  if (!file.isFile()) throw new Error("it is no regular file");
  if (file.size > MOST_MB * 1024 * 1024) throw new Error(`it has more than ${MOST_MB} MB`);
  return readFileSync(path);
}
