import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Machine } from "../state";
import { refused } from "./refusal";

/** Where a machine's settings come to be, in a folder of its name. */
export const settingsFileIn = (baseFolder: string, name: string) => join(baseFolder, name, `${name}.vbox`);

/** @throws Refusal where a file is there already, also one that belongs to no registered machine */
export function checkFree(settingsFile: string): void {
  if (existsSync(settingsFile))
    throw refused(`Machine settings file '${settingsFile}' already exists`, "VBOX_E_FILE_ERROR", "Machine");
}

/** Whether a settings file is there, and whole: a loss of power may leave half of one, or nothing in it. */
export const isWhole = (settingsFile: string) =>
  existsSync(settingsFile) && /<\/VirtualBox>\s*$/.test(readFileSync(settingsFile, "utf8"));

/** The settings from before the last change, which VirtualBox keeps. */
export const before = (settingsFile: string) => `${settingsFile}-prev`;

/** A machine's settings file: its name, UUID and extra data, for whoever looks. */
export function settingsOf({ uuid, name, extraData }: Machine): string {
  const plain = (text: string) => text.replace(/[&<"]/g, "_");
  const items = Object.entries(extraData).map(
    ([key, value]) => `      <ExtraDataItem name="${plain(key)}" value="${plain(value)}"/>\n`,
  );
  const machine = `  <Machine uuid="{${uuid}}" name="${plain(name)}">\n    <ExtraData>\n${items.join("")}    </ExtraData>\n  </Machine>\n`;
  return `<?xml version="1.0"?>\n<VirtualBox version="1.19-linux">\n${machine}</VirtualBox>\n`;
}

/** Writes it. */
export function writeSettings(machine: Machine): void {
  const { settingsFile } = machine;
  mkdirSync(dirname(settingsFile), { recursive: true, mode: 0o700 });
  if (existsSync(settingsFile)) renameSync(settingsFile, before(settingsFile));
  writeFileSync(settingsFile, settingsOf(machine), { mode: 0o600 });
}

/** Deletes a machine's settings and logs, and its folder where nothing else is in it. */
export function deleteSettings(machine: Machine): void {
  const folder = folderOf(machine);
  for (const file of [machine.settingsFile, before(machine.settingsFile)]) rmSync(file, { force: true });
  rmSync(join(folder, "Logs"), { recursive: true, force: true });
  for (const path of [join(folder, "Snapshots"), folder])
    if (existsSync(path) && readdirSync(path).length === 0) rmdirSync(path);
}

/** Writes the log of a start. */
export function writeLog(machine: Machine, lastWords: string): void {
  const folder = join(folderOf(machine), "Logs");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "VBox.log"), `00:00:00.000000 VirtualBox VM, simulated\n00:00:00.100000 ${lastWords}\n`, {
    mode: 0o600,
  });
}

/** The folder of a machine. */
export const folderOf = ({ settingsFile }: Machine) => dirname(settingsFile);
