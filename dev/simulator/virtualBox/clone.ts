import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import type { Drive, Machine, Medium, Snapshot, VirtualBoxState } from "../state";
import { isUp } from "./machines";
import { folderOf, checkFree, settingsFileIn } from "./machineFiles";
import { addDifferences, addDisk, inTheWay, mediumOf } from "./media";
import { randomMac } from "./nics";
import { failed, locked, misused, refused } from "./refusal";

/** What `clonevm` is told. */
export interface CloneWish {
  name: string | undefined;
  uuid: string | undefined;
  baseFolder: string | undefined;
  /** Name of the snapshot to clone, instead of the present state. */
  snapshot: string | undefined;
  isLinked: boolean;
}

/**
 * The first phase of `clonevm`, which takes long: the clone's disks, in its folder. As in VirtualBox it has its
 * settings file only when it is complete, and is registered after that.
 * @returns the clone, which nobody knows yet: what it inherits are hardware with its doors to the host, DVD drives,
 * extra data and guest properties, not snapshots
 * @throws Refusal
 */
export function cloneDisks(box: VirtualBoxState, base: Machine, wish: CloneWish): Machine {
  const { name = `${base.name} Clone`, uuid = randomUUID(), baseFolder = box.machineFolder } = wish;
  const snapshot = wish.snapshot === undefined ? undefined : findSnapshot(base, wish.snapshot);
  const settingsFile = settingsFileIn(baseFolder, name);
  checkFree(settingsFile);
  if (wish.isLinked && !snapshot)
    throw refused("Linked clone can only be created from a snapshot", "NS_ERROR_INVALID_ARG", "Machine");
  if (!snapshot && isUp(base)) throw locked(base.name);
  const { settings, nics, nat, sharedFolders, usbFilters, controllers, extraData, guestProperties, obeysAcpi } =
    structuredClone(base);
  for (const nic of Object.values(nics)) nic.mac = randomMac();
  const drives = cloneDrives(box, (snapshot ?? base).drives, dirname(settingsFile), wish.isLinked);
  const inherited = {
    settings,
    nics,
    nat,
    sharedFolders,
    usbFilters,
    controllers,
    drives,
    extraData,
    guestProperties,
    obeysAcpi,
  };
  return { uuid, name, settingsFile, state: "poweroff", snapshots: [], ...inherited };
}

/** The snapshot of this name or UUID. @throws Refusal */
export function findSnapshot({ snapshots }: Machine, key: string): Snapshot {
  if (snapshots.length === 0)
    throw refused("This machine does not have any snapshots", "VBOX_E_OBJECT_NOT_FOUND", "Machine");
  const found = snapshots.find(({ name, uuid }) => name === key || uuid === key);
  if (!found) throw refused(`Could not find a snapshot named '${key}'`, "VBOX_E_OBJECT_NOT_FOUND", "Machine");
  return found;
}

/** Disks are copied, or get differences; DVD drives hold the same ISOs. */
function cloneDrives(box: VirtualBoxState, drives: readonly Drive[], folder: string, isLinked: boolean): Drive[] {
  const disks = drives.flatMap(({ isDvd, medium }) => (isDvd || medium === undefined ? [] : [mediumOf(box, medium)]));
  const paths = disks.map(({ location }, i) =>
    join(folder, `${basename(folder)}${i === 0 ? "" : `-disk${i}`}${extname(location)}`),
  );
  if (box.isDiskFull) throw isLinked ? noReason() : noRoom(paths[0]!);
  const taken = isLinked ? -1 : paths.findIndex((path) => existsSync(path));
  if (taken >= 0) throw cannotClone(paths[taken]!, disks[taken]!);
  const copies = new Map(
    disks.map((disk, i) => {
      const { uuid, format, variant, sizeMb, guest } = disk;
      const copy = { location: paths[i]!, format, variant, sizeMb, ...(guest && { guest: structuredClone(guest) }) };
      return [uuid, (isLinked ? addDifferences(box, folder, disk) : addDisk(box, copy)).uuid];
    }),
  );
  return drives.map((drive) => ({
    ...drive,
    ...(drive.medium !== undefined && { medium: copies.get(drive.medium) ?? drive.medium }),
  }));
}

const cannotClone = (path: string, { format, variant }: Medium) => {
  const words = [`Could not create the clone medium '${path}'.`, inTheWay(path, format, variant)];
  return failed("Clone VM failed", words, "VBOX_E_FILE_ERROR", "Medium");
};

const noRoom = (path: string) =>
  failed(
    "Clone VM failed",
    [`Could not create the clone medium '${path}' (VERR_DISK_FULL)`],
    "VBOX_E_FILE_ERROR",
    "Medium",
  );

/** What it says of differences that it cannot write. */
const noReason = () =>
  misused(
    "Clone VM failed\nVBoxManage: error: Code VBOX_E_FILE_ERROR (0x80BB0004) - File not accessible or erroneous file contents (extended info not available)",
  );

/** `snapshot take`: what the machine writes from now on goes into differences. @returns the snapshot */
export function takeSnapshot(
  box: VirtualBoxState,
  machine: Machine,
  name: string,
  description: string | undefined,
): Snapshot {
  const snapshot: Snapshot = {
    uuid: randomUUID(),
    name,
    ...(description && { description }),
    drives: structuredClone(machine.drives),
  };
  for (const drive of machine.drives.filter(({ isDvd, medium }) => !isDvd && medium !== undefined))
    drive.medium = addDifferences(box, folderOf(machine), mediumOf(box, drive.medium!)).uuid;
  machine.snapshots.push(snapshot);
  return snapshot;
}
