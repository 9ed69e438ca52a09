import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UserError } from "../../common/errors";
import type { Disk } from "../machine";
import type { Medium } from "../media";
import { VBoxError } from "../error";
import type { Slot } from "../slot";
import type { VBoxManage } from "../vboxManage";
import type { Attachment, VmInfo } from "../vmInfo";

/** A disk of ours as it is. */
export interface DiskInPlace extends Disk {
  /** The medium that is attached. */
  uuid: string;
  slot: Slot;
  /** The file that VirtualBox cannot read; then there is no size. */
  unreadable?: string;
}

/** The file of a disk of ours that is attached to nothing: an interrupted removal left it, or somebody detached it. */
export interface DetachedDisk {
  detached: string;
}

/** What is to be done with one disk. */
type Step =
  | { index: number; add: Disk }
  | { index: number; grow: DiskInPlace; sizeMb: number }
  | { index: number; remove: DiskInPlace | DetachedDisk };

/**
 * The file name is how a disk of ours is told from one that the base image or the user brought. Its number is its SATA
 * port.
 */
const fileName = (port: number, { format }: Disk) => `vbox-kubeadm-disk-${port}.${format.toLowerCase()}`;
const FILE_NAME = /^vbox-kubeadm-disk-([1-9]\d*)\.(vdi|vmdk|vhd)$/;

/**
 * What VirtualBox can make larger (tried with 7.2; it accepts a growing VMDK without a word, and leaves it as it is).
 */
const growable = new Set(["VDI Standard", "VHD Standard", "VMDK Fixed"]);

/** The disks of ours, each at its index; one that should be there and is not is a hole. */
export async function observeDisks(vbox: VBoxManage, vm: VmInfo): Promise<(DiskInPlace | DetachedDisk | undefined)[]> {
  const disks: (DiskInPlace | DetachedDisk | undefined)[] = [];
  for (const drive of vm.attachments) {
    if (drive.controller !== sataController(vm) || drive.port === 0 || drive.isDvd || !drive.uuid) continue;
    const disk = await observeDisk(vbox, drive, drive.uuid);
    if (disk) disks[drive.port - 1] = disk;
  }
  for (const [index, path] of await filesOfDisks(vm)) {
    if (!disks[index] && !(await isInUse(vbox, path))) disks[index] = { detached: path };
  }
  return Array.from(disks);
}

/**
 * The disks of ours, as inputs would say it. One that is missing between others, that is attached to nothing, or that
 * VirtualBox cannot read, counts as one without size; a server of VirtualBox's that was started since does not know the
 * variant of such a disk either.
 */
export async function disksAsTheyAre(vbox: VBoxManage, vm: VmInfo, wanted: readonly Disk[]): Promise<Disk[]> {
  return (await observeDisks(vbox, vm)).map((disk, i) => {
    const lost: Disk = { format: "VDI", variant: "Standard", ...wanted[i], sizeMb: 0 };
    const { sizeMb, format, variant } = disk && !("detached" in disk) && disk.unreadable === undefined ? disk : lost;
    return { sizeMb, format, variant };
  });
}

/** The files of disks of ours, each with its disk's index. */
async function filesOfDisks({ settingsFile }: VmInfo): Promise<[number, string][]> {
  const folder = dirname(settingsFile);
  if (!existsSync(folder)) return [];
  return (await readdir(folder)).flatMap((file) => {
    const port = FILE_NAME.exec(file)?.[1];
    return port ? [[Number(port) - 1, join(folder, file)]] : [];
  });
}

/**
 * Whether a machine or a snapshot has the disk. Of half a file, which an interrupted run left, VirtualBox says nothing.
 */
async function isInUse(vbox: VBoxManage, path: string): Promise<boolean> {
  try {
    return (await vbox.showDisk(path))?.isInUse ?? false;
  } catch (error) {
    if (error instanceof VBoxError && error.isUnreadable) return false;
    throw error;
  }
}

/**
 * A snapshot of the machine puts a medium of differences before the disk: its size counts, and the file is found behind
 * it.
 */
async function observeDisk(vbox: VBoxManage, drive: Attachment, uuid: string): Promise<DiskInPlace | undefined> {
  const chain: Medium[] = [];
  for (let next: string | undefined = uuid; next !== undefined; next = chain.at(-1)!.parentUuid) {
    const medium = await vbox.showDisk(next);
    if (!medium) return undefined;
    chain.push(medium);
  }
  const disk = diskOf(chain.at(-1)!);
  if (chain.at(-1)!.location.split(/[\\/]/).at(-1) !== fileName(drive.port, disk)) return undefined;
  const lost = chain.find(({ isAccessible }) => !isAccessible);
  return {
    ...disk,
    uuid,
    slot: drive,
    ...(lost ? { sizeMb: 0, unreadable: lost.location } : { sizeMb: chain[0]!.sizeMb }),
  };
}

const diskOf = ({ sizeMb, format, isFixed }: Medium): Disk => ({
  sizeMb,
  format: format as Disk["format"],
  variant: isFixed ? "Fixed" : "Standard",
});

/**
 * What turns the disks that are into those that are wanted. Nothing is done yet.
 * @throws UserError for what cannot be done to a disk without losing what is on it
 */
export function planDisks(vm: VmInfo, is: Awaited<ReturnType<typeof observeDisks>>, wanted: readonly Disk[]): Step[] {
  if (wanted.length > 0 && !sataController(vm)) {
    throw new UserError(`${vm.name} has no SATA controller for its disks`, {
      hint: "give the base image one: VBoxManage storagectl BASE --name SATA --add sata",
    });
  }
  const indexes = Array.from({ length: Math.max(is.length, wanted.length) }, (_, index) => index);
  return indexes.flatMap((index) => planDisk(vm, index, is[index], wanted[index]));
}

function planDisk(
  vm: VmInfo,
  index: number,
  is: DiskInPlace | DetachedDisk | undefined,
  wanted: Disk | undefined,
): Step[] {
  if (!wanted) return is ? [{ index, remove: is }] : [];
  if (!is || "detached" in is) {
    checkFree(vm, index);
    return [{ index, add: wanted }];
  }
  if (is.unreadable !== undefined) {
    checkGone(`disks[${index}] of ${vm.name}`, is.unreadable);
    return [
      { index, remove: is },
      { index, add: wanted },
    ];
  }
  checkFits(`disks[${index}] of ${vm.name}`, is, wanted);
  return is.sizeMb === wanted.sizeMb ? [] : [{ index, grow: is, sizeMb: wanted.sizeMb }];
}

function checkFree(vm: VmInfo, index: number): void {
  const slot = slotOf(vm, index);
  const taken = vm.attachments.find(({ controller, port }) => controller === slot.controller && port === slot.port);
  if (!taken) return;
  throw new UserError(
    `SATA port ${slot.port} of ${vm.name}, the place of disks[${index}], is taken by ${taken.medium}`,
    {
      hint: "detach that, or remove the disk from the base image: ports from 1 on are for `disks`",
    },
  );
}

/** A file that is gone took its data along; one that is there may still have it. */
function checkGone(what: string, file: string): void {
  if (!existsSync(file)) return;
  throw new UserError(`${what} cannot be read by VirtualBox: ${file}`, {
    hint: `see VBoxManage showmediuminfo disk ${file}; fix the file, or move it away for a new, empty disk`,
  });
}

function checkFits(what: string, is: Disk, wanted: Disk): void {
  const [kindIs, kindWanted] = [is, wanted].map(({ format, variant }) => `${format} ${variant}`) as [string, string];
  const hint = "to throw the disk away, remove it from `disks`, run `pulumi up`, and add it again";
  if (kindIs !== kindWanted) throw new UserError(`${what} is ${kindIs} and cannot become ${kindWanted}`, { hint });
  if (is.sizeMb > wanted.sizeMb)
    throw new UserError(`${what} has ${is.sizeMb} MB and cannot shrink to ${wanted.sizeMb} MB`, { hint });
  if (is.sizeMb < wanted.sizeMb && !growable.has(kindIs))
    throw new UserError(`${what} is ${kindIs}, which VirtualBox cannot make larger`, { hint });
}

/** Whether the machine must be off for it. */
export const needsOff = (step: Step) => !("remove" in step && "detached" in step.remove);

/** Carries out what {@link planDisks} found. The machine must be off for what {@link needsOff} it. */
export async function changeDisks(vbox: VBoxManage, vm: VmInfo, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    if ("remove" in step) await removeDisk(vbox, vm, step.remove);
    else if ("grow" in step) await growDisk(vbox, step.grow.uuid, step.sizeMb);
    else await addDisk(vbox, vm, step.index, step.add);
  }
}

async function addDisk(vbox: VBoxManage, vm: VmInfo, index: number, disk: Disk): Promise<void> {
  const slot = slotOf(vm, index);
  const path = join(dirname(vm.settingsFile), fileName(slot.port, disk));
  if (existsSync(path)) await takeUp(vbox, path, disk);
  else await vbox.createDisk(path, disk.sizeMb, disk.format, disk.variant);
  await vbox.attach(vm.uuid, slot, "hdd", path);
}

/** An interrupted run left the file, or someone detached it: it may hold data, so it is kept. */
async function takeUp(vbox: VBoxManage, path: string, wanted: Disk): Promise<void> {
  const medium = await vbox.showDisk(path);
  if (!medium) throw new UserError(`${path} is in the way of a new disk`, { hint: "move it away" });
  checkFits(path, diskOf(medium), wanted);
  if (medium.sizeMb < wanted.sizeMb) await growDisk(vbox, medium.uuid, wanted.sizeMb);
}

async function growDisk(vbox: VBoxManage, uuid: string, sizeMb: number): Promise<void> {
  await vbox.resizeDisk(uuid, sizeMb);
  const now = await vbox.showDisk(uuid);
  if (now?.sizeMb === sizeMb) return;
  throw new UserError(
    `VirtualBox did not make ${now?.location ?? uuid} larger: it has ${now?.sizeMb} MB, and should have ${sizeMb} MB`,
  );
}

async function removeDisk(vbox: VBoxManage, vm: VmInfo, disk: DiskInPlace | DetachedDisk): Promise<void> {
  if (!("detached" in disk)) await vbox.detach(vm.uuid, disk.slot);
  await vbox.deleteDisk("detached" in disk ? disk.detached : disk.uuid);
}

const slotOf = (vm: VmInfo, index: number): Slot => ({ controller: sataController(vm)!, port: index + 1, device: 0 });

const sataController = (vm: VmInfo) => vm.controllers.find(({ type }) => type === "IntelAhci")?.name;
