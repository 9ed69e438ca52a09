import { basename, dirname, join, sep } from "node:path";
import { UserError } from "../../common/errors";
import { claimOf, hasNamesOf, isBirthUuid, isMarkOf, markOf, type Owner } from "../../common/mark";
import { shellCommand } from "../../common/shell";
import { VBoxError } from "../error";
import type { VBoxManage } from "../vboxManage";
import type { VmInfo } from "../vmInfo";

/** The key of the mark in a machine's extra data. */
export const OWNER_KEY = "vbox-kubeadm/owner";
const ORIGIN_KEY = "vbox-kubeadm/origin";
/** That of the mark of one whose creation came to its end. */
export const FINISHED_KEY = "vbox-kubeadm/finished";

/** The folder in which all machines of a stack are made. */
export const stackFolder = (machineFolder: string, { stack }: Owner) =>
  join(machineFolder, "vbox-kubeadm", ...stack.split("/"));

/**
 * Whether a machine's folder is one of our making. `clonevm` registers the machine in it in one go, which makes it the
 * one mark that even an interrupted create leaves. (`clonevm --groups` would be the obvious one, but 7.2 forgets the
 * groups.)
 */
export const isInOurFolder = (folder: string, owner: Owner) =>
  basename(folder) === owner.name && isInStackFolder(folder, owner);

/**
 * Whether a machine's folder is one of the stack's, also of a machine that was renamed: VirtualBox renames the folder
 * with it.
 */
export const isInStackFolder = (folder: string, owner: Owner) =>
  `${dirname(folder)}${sep}`.endsWith(`${sep}${stackFolder("", owner)}${sep}`);

/**
 * - `ours`: complete, with the mark;
 * - `known`: complete, and the state's own machine by its UUID, with a mark that the stack had before: 0.1.0's, or one
 *   with an earlier id;
 * - `outdated`: ours, but made from something else, by an earlier create that was interrupted;
 * - `half-made`: a clone of ours that was never completed, and never started;
 * - `foreign`: not made by this stack.
 */
export type Ownership = "ours" | "known" | "outdated" | "half-made" | "foreign";

/** What is known of a machine beside its mark. */
interface Known {
  /** Identifies what the machine is made from. Without it, an outdated one counts as `ours`. */
  origin?: string;
  /**
   * The state has the machine by its UUID, and this is the stack's id there, perhaps empty. Without it, the machine was
   * found by its name.
   */
  idInState?: string;
}

/** Whose a machine is. */
export async function ownershipOf(
  vbox: VBoxManage,
  vm: VmInfo,
  owner: Owner,
  { origin, idInState }: Known = {},
): Promise<Ownership> {
  const mark = await vbox.getExtraData(vm.uuid, OWNER_KEY);
  const claim = claimOf(mark, owner);
  if (claim === "ours")
    return origin === undefined || (await vbox.getExtraData(vm.uuid, ORIGIN_KEY)) === origin ? "ours" : "outdated";
  if (idInState !== undefined && (claim === "unnumbered" || mark === markOf({ ...owner, stackId: idInState })))
    return "known";
  // A clone inherits its base image's mark, which has the base image's name.
  const isUnmarked = mark === undefined || !isMarkOf(mark, owner.name);
  const isFromBirth = idInState !== undefined || isBirthUuid(vm.uuid, owner);
  return isUnmarked && isFromBirth && isInOurFolder(dirname(vm.settingsFile), owner) && vm.condition === "off"
    ? "half-made"
    : "foreign";
}

/** Whether a machine has the mark of a stack of the owner's names, whatever its id. */
export const isNamesake = async (vbox: VBoxManage, vm: VmInfo, owner: Owner) =>
  hasNamesOf(await vbox.getExtraData(vm.uuid, OWNER_KEY), owner);

/**
 * Marks a machine as complete and ours.
 * @throws UserError where VirtualBox did not keep the mark: without it the machine would be a stranger's to the next
 * run
 */
export async function mark(vbox: VBoxManage, vm: string, owner: Owner, origin: string): Promise<void> {
  await vbox.setExtraData(vm, ORIGIN_KEY, origin);
  await vbox.setExtraData(vm, OWNER_KEY, markOf(owner));
  const kept = [await vbox.getExtraData(vm, ORIGIN_KEY), await vbox.getExtraData(vm, OWNER_KEY)];
  if (kept[0] !== origin || kept[1] !== markOf(owner)) throw notKept(owner);
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

/**
 * Takes that mark off a machine that is about to be deleted: without it, what an interrupted deletion leaves is not
 * taken for a machine that somebody unregistered. Where VirtualBox cannot write its settings any more, as on a full
 * disk, the machine is deleted all the same.
 */
export async function unmarkFinished(vbox: VBoxManage, vm: string): Promise<void> {
  if (!(await wasFinished(vbox, vm))) return;
  await vbox.setExtraData(vm, FINISHED_KEY).catch((error: unknown) => {
    if (!(error instanceof VBoxError)) throw error;
  });
}

const notKept = ({ name }: Owner) =>
  new UserError(`VirtualBox did not keep the mark of ${name} in its extra data`, {
    hint: `run VBoxManage getextradata ${name} enumerate`,
  });

/** Whether a machine carries {@link markFinished}'s mark. */
export const isFinished = async (vbox: VBoxManage, vm: string, owner: Owner) =>
  (await vbox.getExtraData(vm, FINISHED_KEY)) === markOf(owner);

/** Whether a machine carries that mark, by whichever stack of the owner's names. */
export const hasBeenFinished = async (vbox: VBoxManage, vm: string, owner: Owner) =>
  hasNamesOf(await vbox.getExtraData(vm, FINISHED_KEY), owner);

/** Whether a machine carries that mark of any owner. */
export const wasFinished = async (vbox: VBoxManage, vm: string) =>
  (await vbox.getExtraData(vm, FINISHED_KEY)) !== undefined;

/** The error for a machine that the state has, and that carries no mark of ours, or another's. */
export async function notOurs(vbox: VBoxManage, { name, uuid }: VmInfo, owner: Owner): Promise<UserError> {
  const mark = await vbox.getExtraData(uuid, OWNER_KEY);
  const again = shellCommand(["VBoxManage", "setextradata", uuid, OWNER_KEY, markOf(owner)]);
  const upgraded =
    !owner.stackId && hasNamesOf(mark, owner)
      ? "if an `up` that gave the stack its id was interrupted, run `pulumi up` again; "
      : "";
  return new UserError(`the machine ${name} (${uuid}) does not carry the mark of ${owner.stack} any more`, {
    output: mark ? `its mark is now "${mark}"; this stack's is "${markOf(owner)}"` : "it has no mark now",
    hint: `${upgraded}if it is another's now, forget it with \`pulumi state delete\`; if it is still ours, mark it again: \`${again}\``,
  });
}
