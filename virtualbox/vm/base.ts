import { createHash } from "node:crypto";
import { UserError } from "../../common/errors";
import type { Disk } from "../machine";
import { shellCommand } from "../../common/shell";
import type { VBoxManage } from "../vboxManage";
import type { VmInfo } from "../vmInfo";
import { planDisks } from "./disks";
import { checkCidataPlace, withoutDvdDrives } from "./iso";

/** What a machine is made from. */
export interface CloneSource {
  baseImage: string;
  cloneMode: "full" | "linked";
  baseSnapshot?: string;
  /** The cidata ISO that the clone gets. */
  isoPath?: string;
}

/** What a machine is made from, as a hash: a change of any of it makes another machine. */
export const originOf = ({
  baseImage,
  cloneMode,
  baseSnapshot,
  isoSha256,
}: CloneSource & { isoSha256?: string }): string =>
  createHash("sha256")
    .update(JSON.stringify([baseImage, cloneMode, baseSnapshot, isoSha256]))
    .digest("hex");

/**
 * The base image, when it can be cloned and the clone can have its disks. It only looks: two or three calls, 0.3 s.
 * @throws UserError that says what keeps it from being cloned
 */
export async function lookAtBase(
  vbox: VBoxManage,
  { baseImage, baseSnapshot, isoPath }: CloneSource,
  disks: readonly Disk[] = [],
): Promise<VmInfo> {
  const base = await vbox.showVm(baseImage);
  if (!base) throw await withoutBase(vbox, baseImage);
  // A snapshot may have had other drives.
  if (isoPath !== undefined && !baseSnapshot) checkCidataPlace(base);
  if (base.architecture !== "x86")
    throw new UserError(`the base image ${baseImage} is a machine of the architecture ${base.architecture}`, {
      hint: "give a `baseImage` for x86 (AMD64): others are not supported",
    });
  if (base.condition !== "off" && !baseSnapshot)
    throw new UserError(`the base image ${baseImage} is ${base.state}`, {
      hint: "shut it down, or clone one of its snapshots: give `baseSnapshot`",
    });
  if (baseSnapshot && !(await vbox.hasSnapshot(base.uuid, baseSnapshot))) throw noSnapshot(baseImage, baseSnapshot);
  planDisks(withoutDvdDrives(base), [], disks);
  return base;
}

async function withoutBase(vbox: VBoxManage, baseImage: string): Promise<UserError> {
  const lost = await vbox.inaccessibleVms();
  if (lost.length === 0)
    return new UserError(`VirtualBox has no machine ${baseImage} to clone`, {
      hint: "make the base image first, or give another `baseImage`; see VBoxManage list vms",
    });
  return new UserError(`VirtualBox has no machine ${baseImage} to clone whose settings it can read`, {
    output: `it cannot read the settings, nor tell the name, of ${lost.join(", ")}`,
    hint: "if that is the base image: mount the disk that it is on, or bring its .vbox file back; otherwise give another `baseImage`; see VBoxManage list vms",
  });
}

/** The error for a snapshot that the base image does not have. */
export const noSnapshot = (
  baseImage: string,
  baseSnapshot: string,
  detail: { output?: string; cause?: unknown } = {},
) =>
  new UserError(`the base image ${baseImage} has no snapshot ${baseSnapshot}`, {
    ...detail,
    hint: `take it: ${shellCommand(["VBoxManage", "snapshot", baseImage, "take", baseSnapshot])}`,
  });
