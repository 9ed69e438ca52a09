import { existsSync, renameSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import type { Machine, VirtualBoxState } from "../state";
import { before, writeSettings } from "./machineFiles";
import { folderOf } from "./machineFiles";
import { refused } from "./refusal";

/**
 * `modifyvm --name`. A folder that is called as the machine was moves with it, and all media in it; another machine may
 * have the same name elsewhere.
 * @throws Refusal where something is in the way of the folder
 */
export function rename(box: VirtualBoxState, machine: Machine, name: string): void {
  if (name === machine.name) return;
  const [from, old] = [folderOf(machine), basename(machine.settingsFile)];
  const to = basename(from) === machine.name ? join(dirname(from), name) : from;
  if (to !== from) moveFolder(box, from, to);
  const settingsFile = join(to, `${name}.vbox`);
  renameSync(join(to, old), settingsFile);
  if (existsSync(before(join(to, old)))) renameSync(before(join(to, old)), before(settingsFile));
  Object.assign(machine, { name, settingsFile });
  writeSettings(machine);
}

function moveFolder(box: VirtualBoxState, from: string, to: string): void {
  if (existsSync(to))
    throw refused(
      `Could not rename the directory '${from}' to '${to}' to save the settings file (VERR_ALREADY_EXISTS)`,
      "NS_ERROR_FAILURE",
      "Machine",
    );
  renameSync(from, to);
  for (const medium of box.media)
    if (medium.location.startsWith(`${from}${sep}`)) medium.location = join(to, medium.location.slice(from.length));
}
