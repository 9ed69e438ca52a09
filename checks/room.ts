import { statSync } from "node:fs";
import type { Disk } from "../virtualbox/machine";
import type { Medium } from "../virtualbox/media";
import type { VmInfo } from "../virtualbox/vmInfo";
import { type Finding, right } from "../common/finding";
import { freeDiskMb, type HostFiles, memoryOf } from "./hostFiles";

/** A worker whose machine does not run yet. */
export interface Planned {
  memoryMb: number;
  /** Its machine is to be made; one that is there may stay off. */
  isNew: boolean;
  disks: readonly Disk[];
  /** The files of the base image's disks, which are copied whole; none for a linked clone. */
  copies?: readonly string[];
}

const gb = (mb: number) => `${(mb / 1024).toFixed(1)} GB`;

/**
 * The memory that the workers have when they run, and what the host has. A guest takes its memory as it uses it, and
 * what is in use now may be free then.
 */
export function lookAtMemory(files: HostFiles, planned: readonly Planned[]): Finding {
  const wantedMb = planned.reduce((sum, { memoryMb }) => sum + memoryMb, 0);
  const { totalMb, freeMb } = memoryOf(files);
  const need = `the workers need ${gb(wantedMb)} of memory`;
  const hint = "end other programs or machines, or give fewer workers (workerCount) or less memory (memoryMb)";
  if (wantedMb > totalMb) return { is: "warning", what: `${need}, and the host has ${gb(totalMb)} in all`, hint };
  if (wantedMb > freeMb) return { is: "warning", what: `${need}, and ${gb(freeMb)} are free now`, hint };
  return right(`${need}, and ${gb(freeMb)} are free`);
}

/**
 * The room that new machines need: all of a fixed disk for certain, and of a copy about as much as the base image's
 * files have.
 */
export function lookAtDisk(machineFolder: string, all: readonly Planned[]): Finding {
  const planned = all.filter(({ isNew }) => isNew);
  const freeMb = freeDiskMb(machineFolder);
  const fixedMb = planned
    .flatMap(({ disks }) => disks)
    .reduce((sum, { sizeMb, variant }) => sum + (variant === "Fixed" ? sizeMb : 0), 0);
  const copiesMb = planned.reduce((sum, { copies }) => sum + (copies ? filesMb(copies) : 0), 0);
  const need = `new machines need about ${gb(fixedMb + copiesMb)} in ${machineFolder}`;
  const hint = "make room, or move VirtualBox's machines to another disk: VBoxManage setproperty machinefolder FOLDER";
  if (fixedMb > freeMb)
    return {
      is: "wrong",
      what: `fixed \`disks\` need ${gb(fixedMb)} in ${machineFolder}, and ${gb(freeMb)} are free`,
      hint,
    };
  if (fixedMb + copiesMb > freeMb) return { is: "warning", what: `${need}, and ${gb(freeMb)} are free`, hint };
  return right(`${need}, and ${gb(freeMb)} are free`);
}

/**
 * The files of a machine's disks: after a snapshot a disk is a chain of them, each of which holds what differs from the
 * one before.
 */
export function filesOfDisks({ attachments }: VmInfo, disks: readonly Medium[]): string[] {
  const byUuid = new Map(disks.map((disk) => [disk.uuid, disk]));
  const chainOf = (uuid: string | undefined): string[] => {
    const disk = uuid === undefined ? undefined : byUuid.get(uuid);
    return disk ? [disk.location, ...chainOf(disk.parentUuid)] : [];
  };
  return [...new Set(attachments.filter(({ isDvd }) => !isDvd).flatMap(({ uuid }) => chainOf(uuid)))];
}

/** Of files; one that cannot be looked at counts as nothing. */
function filesMb(files: readonly string[]): number {
  const sizes = files.map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  return sizes.reduce((sum, size) => sum + size, 0) / 2 ** 20;
}
