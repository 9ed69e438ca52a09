import { dirname, join } from "node:path";
import type { Door, OpenDoor } from "../doors";
import type { Owner } from "../../common/mark";
import type { VBoxManage } from "../vboxManage";
import type { VmInfo } from "../vmInfo";
import { isInStackFolder } from "./owner";
import type { Log } from "../../common/log";

/** The doors to the host that a machine keeps. */
export interface KeptDoors extends Owner {
  keepOpen: readonly Door[];
  /** The network adapters that it is to have. */
  nics: readonly unknown[];
}

/** Whether a machine was cloned by its owner, not adopted: its folder tells, as the one mark that 0.1.0 left too. */
export const isOwnClone = (vm: VmInfo, owner: Owner) => isInStackFolder(dirname(vm.settingsFile), owner);

/**
 * What a machine has open against its owner's will. A serial port that is kept is port 1, and ends in a file in the
 * machine's own folder: where it does not, that counts too.
 */
export function strayDoors(vm: VmInfo, { keepOpen }: KeptDoors): OpenDoor[] {
  const stray = vm.doors.filter(({ door }) => door !== "serial" && !keepOpen.includes(door));
  const ports = vm.doors.filter(({ door }) => door === "serial");
  return [...(keepOpen.includes("serial") ? strayPorts(vm, ports) : ports), ...stray];
}

function strayPorts(vm: VmInfo, ports: readonly OpenDoor[]): OpenDoor[] {
  const console = consoleOf(vm);
  const isThere = ports.some(({ shown }) => shown === console.shown);
  return [...(isThere ? [] : [console]), ...ports.filter(({ shown }) => !shown.startsWith("uart1="))];
}

/** The serial port of a machine that keeps one. */
function consoleOf({ settingsFile, name }: VmInfo): OpenDoor & { flags: string[] } {
  const file = join(dirname(settingsFile), `${name}-console.log`);
  return {
    door: "serial",
    shown: `uart1=0x03f8,4 file,${file}`,
    flags: ["--uart1", "0x3F8", "4", "--uartmode1", "file", file],
  };
}

/**
 * `modifyvm`'s flags for what a clone's birth closes unseen, as VirtualBox does not print it; 6.1 does not know the
 * last two.
 */
export async function blindFlags(vbox: VBoxManage, { keepOpen, nics }: KeptDoors): Promise<string[]> {
  const isKept = (door: Door) => keepOpen.includes(door);
  const old: [Door, string[]][] = [
    ["audio", ["--audioout", "off"]],
    ["smartCardReader", ["--usbcardreader", "off"]],
    ["networkTrace", nics.flatMap((_nic, i) => [`--nictrace${i + 1}`, "off"])],
  ];
  const since7: [Door, string[]][] = [
    ["tpm", ["--tpm-type", "none"]],
    ["guestDebugging", ["--guest-debug-provider", "none"]],
  ];
  const known = (await vbox.version()).major >= 7 ? [...old, ...since7] : old;
  return known.flatMap(([door, flags]) => (isKept(door) ? [] : flags));
}

/** The flags of `modifyvm` that close doors. */
export const closingFlags = (doors: readonly OpenDoor[]) =>
  doors.flatMap((door) => ("flags" in door ? door.flags : []));

/** Closes what `modifyvm` does not: the machine must be off. */
export async function closeOthers(vbox: VBoxManage, vm: string, doors: readonly OpenDoor[]): Promise<void> {
  for (const door of doors) {
    if ("folder" in door) await vbox.removeSharedFolder(vm, door.folder);
    if ("usbFilter" in door) await vbox.removeUsbFilter(vm, door.usbFilter);
  }
}

/** The names of some doors, each once. */
export const namesOf = (doors: readonly OpenDoor[]): Door[] => [...new Set(doors.map(({ door }) => door))];

/** Logs an adopted machine's open doors, which are its user's. */
export function reportDoors(vm: VmInfo, doors: KeptDoors, log: Log): void {
  const open = isOwnClone(vm, doors) ? [] : vm.doors.filter(({ door }) => !doors.keepOpen.includes(door));
  if (open.length > 0)
    log(
      `keeps its doors to the host, as it was adopted: ${open.map(({ door, shown }) => `${door} (${shown})`).join(", ")}`,
      "warning",
    );
}
