import { randomUUID } from "node:crypto";
import type { Machine, VirtualBoxState } from "../state";
import { blankMachine } from "./blankMachine";
import { isAccessible } from "./machines";
import { checkFree, deleteSettings, settingsFileIn, writeSettings } from "./machineFiles";
import { childrenOf, closeMedium, deleteMedium, lookUpMedium, mediaOf, mediumOf, usersOf } from "./media";
import { randomMac } from "./nics";
import { osTypes } from "./osTypes";
import { failed, misused, type Refusal, refused } from "./refusal";

/** Options of `createvm`. */
export interface Created {
  name: string | undefined;
  osType: string | undefined;
  baseFolder: string | undefined;
  uuid: string | undefined;
  register: boolean;
}

/** `createvm`: the folder with its settings, and the machine. @returns what it prints. @throws Refusal */
export function createMachine(
  box: VirtualBoxState,
  { name, osType = "", baseFolder = box.machineFolder, uuid = randomUUID(), register }: Created,
): string {
  if (!name) throw misused("Parameter --name is required", 2);
  if (osType !== "" && !Object.hasOwn(osTypes, osType)) throw misused("Unknown or invalid guest OS type given.");
  const settingsFile = settingsFileIn(baseFolder, name);
  checkFree(settingsFile);
  const machine = blankMachine({ uuid, name, settingsFile, osType });
  // The template of an unknown guest has no network.
  if (osType !== "") machine.nics["1"] = { type: "nat", mac: randomMac() };
  writeSettings(machine);
  if (register) registerMachine(box, machine);
  return `Virtual machine '${name}' is created${register ? " and registered" : ""}.\nUUID: ${uuid}\nSettings file: '${settingsFile}'\n`;
}

/** @throws Refusal where another machine has its UUID */
export function registerMachine({ machines }: VirtualBoxState, machine: Machine): void {
  const other = machines.find(({ uuid }) => uuid === machine.uuid);
  if (other)
    throw refused(
      `Registered machine with UUID {${other.uuid}} ('${other.settingsFile}') already exists`,
      "NS_ERROR_INVALID_ARG",
      "VirtualBox",
    );
  machines.push(machine);
}

/** A machine that is registered no more, and the disks that were its own, those with differences first. */
export interface Unregistered {
  machine: Machine;
  disks: string[];
}

/** The first phase of `unregistervm`: the machine is gone. */
export function unregister(box: VirtualBoxState, machine: Machine): Unregistered {
  box.machines = box.machines.filter(({ uuid }) => uuid !== machine.uuid);
  const own = mediaOf(machine).flatMap((uuid) => lookUpMedium(box, uuid) ?? []);
  return {
    machine,
    disks: own.filter((medium) => medium.kind === "disk" && usersOf(box, medium).length === 0).map(({ uuid }) => uuid),
  };
}

/** The second phase where files stay: disks were registered in the machine's settings, and go with them. ISOs stay. */
export function forgetDisks(box: VirtualBoxState, { disks }: Unregistered): void {
  for (const medium of disks.map((uuid) => mediumOf(box, uuid))) {
    if (childrenOf(box, medium).length > 0) continue;
    closeMedium(box, medium);
  }
}

/**
 * The second phase where files are deleted: disks, wherever they lie, then the settings.
 * @returns how it failed, on its way; what was deleted by then is
 */
export function deleteFiles(box: VirtualBoxState, { machine, disks }: Unregistered): Refusal | undefined {
  if (!isAccessible(machine)) {
    forgetDisks(box, { machine, disks });
    return refused("The object is not ready", "E_ACCESSDENIED", "Machine");
  }
  for (const medium of disks.map((uuid) => mediumOf(box, uuid))) {
    const children = childrenOf(box, medium).length;
    const words = `Cannot close medium '${medium.location}' because it has ${children} child media`;
    if (children > 0) return failed("Machine delete failed", [words], "VBOX_E_OBJECT_IN_USE", "Medium");
    deleteMedium(box, medium);
  }
  deleteSettings(machine);
  return undefined;
}
