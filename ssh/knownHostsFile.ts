import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { UserError } from "../common/errors";
import { entriesFor, type Entry, knownHostsName, newLine } from "./knownHosts";
import { readUserFile } from "../common/userFile";

/** A known_hosts file. One that is not there knows nobody. */
export interface KnownHostsFile {
  path: string;
  text: string;
}

/** @throws Error with the reason alone */
export const readKnownHosts = (path: string): KnownHostsFile => ({
  path,
  text: existsSync(path) ? readUserFile(path).toString("utf8") : "",
});

/** Where a machine's entries are, `FILE:LINE`, as OpenSSH names them. */
export const placesOf = (
  files: readonly KnownHostsFile[],
  name: string,
  isMeant: (entry: Entry) => boolean,
): string[] =>
  files.flatMap(({ path, text }) =>
    entriesFor(text, name)
      .filter(isMeant)
      .map(({ line }) => `${path}:${line}`),
  );

/**
 * Adds a machine's key to a known_hosts file, behind what is there, in one write: whole or not at all. Owner, mode and
 * links of a file that is there stay; a new one is the user's alone.
 * @throws UserError where it cannot be written
 */
export function addKnownHost(
  path: string,
  { address, port, key }: { address: string; port?: number; key: string },
): void {
  try {
    const { text } = readKnownHosts(path);
    const line = newLine(text, knownHostsName(address, port), key);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    append(path, `${text === "" || text.endsWith("\n") ? "" : "\n"}${line}\n`);
  } catch (cause) {
    throw new UserError(`the host key of ${address} could not be added to ${path}, which is as it was`, {
      output: (cause as Error).message,
      hint: "let this user write the file, or give another `sshKnownHostsFile`",
      cause,
    });
  }
}

function append(path: string, text: string): void {
  const file = openSync(path, "a", 0o600);
  try {
    const { size } = fstatSync(file);
    try {
      const bytes = Buffer.from(text);
      if (writeSync(file, bytes) !== bytes.length) throw new Error("the disk is full");
      fsyncSync(file);
    } catch (error) {
      ftruncateSync(file, size);
      throw error;
    }
  } finally {
    closeSync(file);
  }
}
