import { basename, dirname, join, sep } from "node:path";
import { UserError } from "../errors";
import type { VBoxManage } from "../vboxmanage";
import type { VmInfo } from "../vminfo";

/** Whose machine it is. */
export interface Owner {
  /** `project/stack`. */
  stack: string;
  /** The machine's name. */
  name: string;
}

const OWNER_KEY = "vbox-kubeadm/owner";
const ORIGIN_KEY = "vbox-kubeadm/origin";
const FINISHED_KEY = "vbox-kubeadm/finished";

/** The mark in a machine's extra data. A clone inherits its base image's, so the machine's name is part of it. */
export const markOf = ({ stack, name }: Owner) => `${stack}/${name}`;

/** The folder in which all machines of a stack are made. */
export const stackFolder = (machineFolder: string, { stack }: Owner) => join(machineFolder, "vbox-kubeadm", ...stack.split("/"));

/**
 * Whether a machine's folder is one of our making. `clonevm` registers the machine in it in one go, which makes it the one mark that even an
 * interrupted create leaves. (`clonevm --groups` would be the obvious one, but 7.2 forgets the groups.)
 */
export const isInOurFolder = (folder: string, owner: Owner) => basename(folder) === owner.name && isInStackFolder(folder, owner);

/** Whether a machine's folder is one of the stack's, also of a machine that was renamed: VirtualBox renames the folder with it. */
export const isInStackFolder = (folder: string, owner: Owner) => `${dirname(folder)}${sep}`.endsWith(`${sep}${stackFolder("", owner)}${sep}`);

/**
 * - `ours`: complete, with the mark;
 * - `outdated`: ours, but made from something else, by an earlier create that was interrupted;
 * - `half-made`: a clone of ours that was never completed, and never started;
 * - `foreign`: not made by this resource.
 */
export type Standing = "ours" | "outdated" | "half-made" | "foreign";

/** Whose a machine is. `origin` identifies what it is made from; without it, an outdated one counts as `ours`. */
export async function standingOf(vbox: VBoxManage, vm: VmInfo, owner: Owner, origin?: string): Promise<Standing> {
  const marked = await markOn(vbox, vm.uuid, owner, origin);
  return marked ?? (isInOurFolder(dirname(vm.settingsFile), owner) && vm.condition === "off" ? "half-made" : "foreign");
}

/** What a machine's mark says, or undefined where it has none of the owner's. */
async function markOn(vbox: VBoxManage, vm: string, owner: Owner, origin?: string): Promise<"ours" | "outdated" | undefined> {
  if ((await vbox.getExtraData(vm, OWNER_KEY)) !== markOf(owner)) return undefined;
  return origin === undefined || (await vbox.getExtraData(vm, ORIGIN_KEY)) === origin ? "ours" : "outdated";
}

/**
 * Marks a machine as complete and ours.
 * @throws UserError where VirtualBox did not keep the mark: without it the machine would be a stranger's to the next run
 */
export async function mark(vbox: VBoxManage, vm: string, owner: Owner, origin: string): Promise<void> {
  await vbox.setExtraData(vm, ORIGIN_KEY, origin);
  await vbox.setExtraData(vm, OWNER_KEY, markOf(owner));
  if ((await markOn(vbox, vm, owner, origin)) !== "ours") throw notKept(owner);
}

/**
 * Marks a machine as one whose creation came to its end: it may be in use since.
 * @throws UserError as {@link mark} does
 */
export async function markFinished(vbox: VBoxManage, vm: string, owner: Owner): Promise<void> {
  if (await isFinished(vbox, vm, owner)) return;
  await vbox.setExtraData(vm, FINISHED_KEY, markOf(owner));
  if (!(await isFinished(vbox, vm, owner))) throw notKept(owner);
}

const notKept = ({ name }: Owner) =>
  new UserError(`VirtualBox did not keep the mark of ${name} in its extra data`, { todo: `run VBoxManage getextradata ${name} enumerate` });

/** Whether a machine carries {@link markFinished}'s mark. */
export const isFinished = async (vbox: VBoxManage, vm: string, owner: Owner) => (await vbox.getExtraData(vm, FINISHED_KEY)) === markOf(owner);

/** The error for a machine that should be ours, and does not carry our mark any more. */
export const notOurs = ({ name, uuid }: VmInfo, owner: Owner) =>
  new UserError(`the machine ${name} (${uuid}) does not carry the mark of ${owner.stack} any more`, {
    todo: `if it is another's now, forget it with \`pulumi state delete\`; if it is still ours, mark it again: \`VBoxManage setextradata ${uuid} ${OWNER_KEY} ${markOf(owner)}\``,
  });
