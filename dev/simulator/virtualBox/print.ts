import { join } from "node:path";
import type { Drive, Machine, Medium, VirtualBoxState } from "../state";
import { printDoors, printEarlyDoors, printNat } from "./doors";
import { isAccessible } from "./machines";
import { folderOf } from "./machineFiles";
import { childrenOf, mediumOf, usersOf } from "./media";
import { hasFile, sizeMbOf } from "./mediumFile";
import { nicNumbers, nicTypes } from "./nics";
import { osTypes } from "./osTypes";

const lines = (all: readonly string[]) => all.map((line) => `${line}\n`).join("");

/** `list vms` and `list runningvms`. */
export const printMachines = (machines: readonly Machine[]) =>
  lines(machines.map((machine) => `"${isAccessible(machine) ? machine.name : "<inaccessible>"}" {${machine.uuid}}`));

/** `list vms --long`: as much of it as describes machines whose settings VirtualBox cannot read. */
export const printInaccessible = (machines: readonly Machine[]) =>
  lines(
    machines
      .filter((machine) => !isAccessible(machine))
      .flatMap(({ uuid, settingsFile }) => [
        "Name:            <inaccessible!>",
        `UUID:            ${uuid}`,
        `Config file:     ${settingsFile}`,
        "Encryption:     disabled",
        "Access error details:",
        "",
      ]),
  );

/**
 * `showvminfo --machinereadable`: as much of it as describes the hardware, in VirtualBox's order and with its
 * omissions.
 */
export function printMachine(box: VirtualBoxState, machine: Machine): string {
  const { name, uuid, settings, settingsFile, description, snapshots } = machine;
  const folder = folderOf(machine);
  return lines([
    `name="${escape(name)}"`,
    `platformArchitecture="${settings["platform-architecture"] ?? "x86"}"`,
    `ostype="${osTypes[settings.ostype ?? ""] ?? "Other/Unknown"}"`,
    `UUID="${uuid}"`,
    `CfgFile="${escape(settingsFile)}"`,
    `SnapFldr="${escape(join(folder, "Snapshots"))}"`,
    `LogFldr="${escape(join(folder, "Logs"))}"`,
    `hardwareuuid="${uuid}"`,
    ...["memory", "vram", "cpus"].map((key) => `${key}=${settings[key]}`),
    ...["boot1", "boot2", "boot3", "boot4"].map((key) => `${key}="${settings[key]}"`),
    // Nobody but the guest knows that it is on its way down.
    `VMState="${machine.state === "stopping" ? "running" : machine.state}"`,
    ...printEarlyDoors(machine),
    ...machine.controllers.flatMap(({ name, type, portCount }, i) => [
      `storagecontrollername${i}="${escape(name)}"`,
      `storagecontrollertype${i}="${type}"`,
      `storagecontrollerportcount${i}="${portCount}"`,
    ]),
    ...machine.controllers.flatMap((controller) => printDrives(box, machine, controller)),
    ...nicNumbers.flatMap((number) => printNic(machine, number)),
    ...printDoors(machine),
    ...(description ? [`description="${escape(description)}"`] : []),
    ...printSnapshots(snapshots),
    "GuestMemoryBalloon=0",
  ]);
}

const escape = (text: string) => text.replace(/["\\]/g, "\\$&");

function printDrives(
  box: VirtualBoxState,
  { drives }: Machine,
  { name, type, portCount }: Machine["controllers"][number],
): string[] {
  const devices = type === "IntelAhci" ? [0] : [0, 1];
  const slots = Array.from({ length: portCount }, (_, port) => devices.map((device) => [port, device] as const)).flat();
  return slots.flatMap(([port, device]) => {
    const drive = drives.find((drive) => drive.controller === name && drive.port === port && drive.device === device);
    const key = (what: string) => `"${escape(name)}-${what}${port}-${device}"`;
    if (!drive) return [`${key("")}="none"`];
    const medium = drive.medium === undefined ? undefined : mediumOf(box, drive.medium);
    return [
      `${key("")}="${medium ? escape(medium.location) : "emptydrive"}"`,
      ...(medium ? [`${key("ImageUUID-")}="${medium.uuid}"`] : []),
      ...(drive.isDvd && medium ? [`${key("tempeject-")}="off"`] : []),
      ...(drive.isDvd ? [`${key("IsEjected-")}="off"`] : []),
    ];
  });
}

function printNic(machine: Machine, number: string): string[] {
  const nic = machine.nics[number];
  if (!nic || nic.type === "none") return [`nic${number}="none"`];
  // As it is: VirtualBox does not escape a network's name.
  const network =
    nic.type === "nat" ? `natnet${number}="nat"` : `${nicTypes[nic.type]?.printed}${number}="${nic.network}"`;
  return [
    network,
    `macaddress${number}="${nic.mac}"`,
    `cableconnected${number}="${nic.isUnplugged ? "off" : "on"}"`,
    `nic${number}="${nic.type}"`,
    `nictype${number}="82540EM"`,
    ...(nic.type === "nat" ? printNat(machine, number) : []),
  ];
}

/** Each is the child of the one before. Names and descriptions are printed as they are. */
function printSnapshots(snapshots: Machine["snapshots"]): string[] {
  const suffix = (depth: number) => "-1".repeat(depth);
  const last = snapshots.length - 1;
  return [
    ...snapshots.flatMap(({ name, uuid, description }, depth) => [
      `SnapshotName${suffix(depth)}="${name}"`,
      `SnapshotUUID${suffix(depth)}="${uuid}"`,
      ...(description ? [`SnapshotDescription${suffix(depth)}="${description}"`] : []),
    ]),
    ...snapshots
      .slice(-1)
      .flatMap(({ name, uuid }) => [
        `CurrentSnapshotName="${name}"`,
        `CurrentSnapshotUUID="${uuid}"`,
        `CurrentSnapshotNode="SnapshotName${suffix(last)}"`,
      ]),
  ];
}

/** `list systemproperties`: those that the program reads. */
export const printSystemProperties = ({ machineFolder, logHistoryCount = 3, language = "C" }: VirtualBoxState) =>
  lines([
    `API version:                     7_2`,
    `Default machine folder:          ${machineFolder}`,
    `Log history count:               ${logHistoryCount}`,
    `User language:                   ${language}`,
  ]);

/** `list hostonlyifs`, `bridgedifs` and `natnets`: the lines that tell one from another. */
export function printNetworks({ networks }: VirtualBoxState, kind: "hostonlyifs" | "bridgedifs" | "natnets"): string {
  const byDefault = {
    hostonlyifs: [{ name: "vboxnet0", address: "192.168.254.1" }],
    bridgedifs: [{ name: "eth0" }],
    natnets: [],
  };
  const key = kind === "natnets" ? "Network" : "IPAddress";
  const all: { name: string; address?: string }[] = networks?.[kind] ?? byDefault[kind];
  return all
    .map(
      ({ name, address = "0.0.0.0" }) =>
        `${lines([`Name:            ${name}`, `${`${key}:`.padEnd(16)} ${address}`])}\n`,
    )
    .join("");
}

/** `list hdds` and `list dvds`: what a medium holds differences from comes before it. */
export function printMedia(box: VirtualBoxState, kind: Medium["kind"]): string {
  const below = (medium: Medium): Medium[] => [medium, ...childrenOf(box, medium).flatMap(below)];
  const media = box.media.filter((medium) => medium.kind === kind && !isLost(box, medium));
  const roots = media.filter((medium) => !media.some(({ uuid }) => uuid === medium.parent));
  return roots
    .flatMap(below)
    .map((medium) => `${lines(mediumLines(medium))}\n`)
    .join("");
}

/** A disk is registered in its machine's settings, and is lost with them. */
function isLost(box: VirtualBoxState, medium: Medium): boolean {
  const users = usersOf(box, medium);
  return medium.kind === "disk" && users.length > 0 && !users.some(isAccessible);
}

/** `showmediuminfo`. */
export function printMedium(box: VirtualBoxState, medium: Medium): string {
  const variant = medium.parent !== undefined ? "differencing" : medium.variant === "Fixed" ? "fixed" : "dynamic";
  const users = usersOf(box, medium).map(({ name, uuid }) => `${name} (UUID: ${uuid})`);
  const all = [
    ...mediumLines(medium),
    ...(users.length > 0 ? [`In use by VMs:  ${users.join("\n                ")}`] : []),
  ];
  return lines(
    all.flatMap((line) => (line.startsWith("Storage format:") ? [line, `Format variant: ${variant} default`] : [line])),
  );
}

const mediumLines = (medium: Medium) => [
  `UUID:           ${medium.uuid}`,
  ...(medium.kind === "disk" ? [`Parent UUID:    ${medium.parent ?? "base"}`] : []),
  `State:          ${hasFile(medium) ? "created" : "inaccessible"}`,
  `Type:           ${medium.kind === "dvd" ? "readonly" : `normal (${medium.parent === undefined ? "base" : "differencing"})`}`,
  `Location:       ${medium.location}`,
  `Storage format: ${medium.format}`,
  `Capacity:       ${sizeMbOf(medium)} MBytes`,
  "Encryption:     disabled",
];

/** Where a drive is, as `showvminfo` writes it. */
export const slotName = ({ controller, port, device }: Pick<Drive, "controller" | "port" | "device">) =>
  `${controller}-${port}-${device}`;
