import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, extname } from "node:path";
import type { Medium } from "../state";

/** Writes a disk's file. It is small, and holds what the disk is: whoever opens it again finds that. */
export function writeDisk(medium: Medium): void {
  mkdirSync(dirname(medium.location), { recursive: true, mode: 0o700 });
  writeFileSync(medium.location, JSON.stringify(medium), { mode: 0o600 });
}

/** Deletes a medium's file, if it is there. */
export const deleteFile = ({ location }: Medium) => rmSync(location, { force: true });

/** Whether a medium's file is there. */
export const hasFile = ({ location }: Medium) => existsSync(location);

/** The size of a medium as VirtualBox prints it: of an ISO, that of whatever file is there now. */
export function sizeMbOf(medium: Medium): number {
  if (!hasFile(medium)) return 0;
  return medium.kind === "dvd" ? Math.floor(statSync(medium.location).size / 1024 ** 2) : medium.sizeMb;
}

/** What a file is, as VirtualBox sees when it opens it: an ISO, a disk of ours, or a disk of unknown make. */
export function readMedium(location: string): Medium {
  const sizeMb = Math.floor(statSync(location).size / 1024 ** 2);
  const common = { uuid: randomUUID(), location, variant: "Standard" as const, sizeMb };
  if (extname(location).toLowerCase() === ".iso") return { ...common, kind: "dvd", format: "RAW" };
  return { ...common, kind: "disk", format: formatOf(location), ...diskIn(location), location };
}

function diskIn(location: string): Partial<Medium> {
  try {
    return JSON.parse(readFileSync(location, "utf8")) as Medium;
  } catch {
    return {};
  }
}

const formatOf = (location: string) =>
  ({ ".vmdk": "VMDK" as const, ".vhd": "VHD" as const })[extname(location).toLowerCase()] ?? "VDI";
