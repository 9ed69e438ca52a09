import { existsSync } from "node:fs";
import { rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { UserError } from "../../common/errors";
import type { Owner } from "../../common/mark";
import { VBoxError } from "../error";
import type { VBoxManage } from "../vboxManage";
import { InaccessibleVm, type VmInfo } from "../vmInfo";
import { absenceOf, type VirtualBoxHome } from "../home";
import { isInOurFolder, isInStackFolder, notOurs, stackFolder, ownershipOf, unmarkFinished } from "./owner";
import { powerOff, settled } from "./power";
import { type Remains, remainsIn } from "./remains";
import type { Log } from "../../common/log";

/** What deletion needs to know. */
export interface Deleted extends Owner {
  /** The cidata ISO, which is taken out of the registry too. */
  isoPath?: string;
  /** The VirtualBox in which it was made. */
  virtualBox?: VirtualBoxHome;
}

/**
 * Deletes an owner's machine and what an interrupted deletion of it left, and proves that nothing is there any more.
 * @param isReplaced whether another one takes its place: nobody asked then to delete a finished machine that VirtualBox
 * does not know
 * @throws UserError for a machine without the owner's mark, or perhaps in another VirtualBox, for a folder that may be
 *   somebody else's, and where something is left
 */
export async function deleteVm(
  vbox: VBoxManage,
  uuid: string,
  owner: Deleted,
  log: Log,
  isReplaced = false,
): Promise<void> {
  const isRegistered = await vbox.isRegistered(uuid);
  if (!isRegistered && (await absenceOf(vbox, { ...owner, uuid }, owner.virtualBox)) === "forgotten") {
    const left = [
      `machine ${uuid} with its disks`,
      ...(owner.isoPath === undefined ? [] : [`its ISO ${owner.isoPath}`]),
    ].join(", ");
    return log(
      `was not looked at, and is left if it still exists: ${left}; in ${owner.virtualBox?.where ?? "a VirtualBox that is not known"}`,
      "warning",
    );
  }
  const vm = await readable(vbox, uuid);
  if (!vm && isRegistered && isReplaced && existsSync(await ownFolder(vbox, owner))) throw new InaccessibleVm(uuid);
  if (vm && (await ownershipOf(vbox, vm, owner, { idInState: owner.stackId ?? "" })) === "foreign")
    throw await notOurs(vbox, vm, owner);
  const folder = vm ? dirname(vm.settingsFile) : await ownFolder(vbox, owner);
  const remains: Remains | undefined = vm ? undefined : await remainsIn(folder, owner, uuid);
  if (remains && "refusal" in remains && !mayBeDeleted(remains, isRegistered, isReplaced)) throw remains.refusal;
  if (isRegistered) checkMounted(uuid, folder);
  if (vm) await removeVm(vbox, vm, owner);
  // One whose settings cannot be read has nothing but its entry in the registry.
  else if (isRegistered) await vbox.unregister(uuid, { deleteFiles: false });
  if (owner.isoPath !== undefined) await closeIsos(vbox, [owner.isoPath]);
  // Another machine may have been made in its place.
  if (!isInOurFolder(folder, owner) || remains?.is === "anothers" || (await vbox.showVm(owner.name)))
    return proveAbsence(vbox, uuid);
  if (!vm) await removeFolder(vbox, folder, owner);
  await proveAbsence(vbox, uuid, folder);
}

/** Another's machine stays where it is, and is not in the way. */
const mayBeDeleted = ({ is }: Remains, isRegistered: boolean, isReplaced: boolean) =>
  is === "anothers" || (!isReplaced && (is === "finished" || isRegistered));

/**
 * Whether an interrupted deletion left something of an owner's machine that VirtualBox has no more: its folder, its
 * disks, its ISO in the registry.
 * @throws UserError where it is the whole machine, which somebody unregistered
 */
export async function isPartlyDeleted(vbox: VBoxManage, owner: Deleted, uuid: string): Promise<boolean> {
  if (await vbox.showVm(owner.name)) return false; // What is there is another machine's.
  const folder = await ownFolder(vbox, owner);
  const remains = await remainsIn(folder, owner, uuid);
  if (remains.is === "anothers") return false;
  if ("refusal" in remains) throw remains.refusal;
  return (
    remains.is === "rest" ||
    (await mediaIn(vbox, folder)).length > 0 ||
    (await isosAt(vbox, owner.isoPath === undefined ? [] : [owner.isoPath])).length > 0
  );
}

/** Where the owner's machine is made. */
const ownFolder = async (vbox: VBoxManage, owner: Owner) =>
  join(stackFolder(await vbox.machineFolder(), owner), owner.name);

/** The machine; undefined where there is none, or its settings cannot be read. */
async function readable(vbox: VBoxManage, uuid: string): Promise<VmInfo | undefined> {
  try {
    return await vbox.showVm(uuid);
  } catch (error) {
    if (error instanceof InaccessibleVm) return undefined;
    throw error;
  }
}

/** Folders that this process removed because they were empty: that one of these is missing says nothing. */
const emptied = new Set<string>();

/**
 * A machine's folder that is missing together with the one above it was not deleted: the disk that they are on is not
 * mounted.
 * @throws UserError, before VirtualBox forgets the machine
 */
function checkMounted(uuid: string, folder: string): void {
  const above = dirname(folder);
  if (existsSync(folder) || existsSync(above) || emptied.has(above)) return;
  throw new UserError(`the machine ${uuid} was left as it is: neither its folder ${folder} nor ${above} is there`, {
    hint: `mount the disk that they are on, and run the same again; if they are gone for good: VBoxManage unregistervm ${uuid}`,
  });
}

/** @throws UserError naming what is left of a machine: itself, its folder, its disks */
async function proveAbsence(vbox: VBoxManage, uuid: string, folder?: string): Promise<void> {
  const media = folder === undefined ? [] : await mediaIn(vbox, folder);
  const left = [
    ...((await vbox.showVm(uuid)) ? [`machine ${uuid}`] : []),
    ...(folder !== undefined && existsSync(folder) ? [folder] : []),
    ...media.map(({ location, uuid: medium }) => `medium ${medium}, ${location}`),
  ];
  if (left.length === 0) return;
  throw new UserError("the machine was not deleted completely", {
    output: `left:\n${left.join("\n")}`,
    hint: "run the same again, or remove this by hand",
  });
}

/**
 * Deletes a machine, with its folder and every disk in it. Its power is cut at once: nothing on a machine that is
 * deleted needs a clean shutdown. Disks that lie elsewhere were attached by someone else, and stay. ISOs are taken out
 * of the registry, and their files stay.
 * @throws UserError, before anything is done, where another machine needs one of the disks
 */
export async function removeVm(vbox: VBoxManage, vm: VmInfo, owner: Owner): Promise<void> {
  const folder = dirname(vm.settingsFile);
  await checkNoHeirs(vbox, folder);
  const { condition, attachments } = await powerOff(vbox, await settled(vbox, vm.uuid));
  if (condition === "saved") await vbox.discardState(vm.uuid);
  for (const drive of attachments.filter(({ isDvd, medium }) => !isDvd && !isWithin(medium, folder)))
    await vbox.detach(vm.uuid, drive);
  await unmarkFinished(vbox, vm.uuid);
  await vbox.unregister(vm.uuid, { deleteFiles: true });
  const isos = attachments.filter(({ isDvd, uuid }) => isDvd && uuid).map(({ medium }) => medium);
  if (isos.length > 0) await closeIsos(vbox, isos);
  if (isInStackFolder(folder, owner)) await removeFolder(vbox, folder, owner);
}

/** Takes ISOs out of the registry, but for those that another machine uses. */
async function closeIsos(vbox: VBoxManage, paths: readonly string[]): Promise<void> {
  for (const { uuid } of await isosAt(vbox, paths)) {
    await vbox.closeMedium("dvd", uuid).catch((error: unknown) => {
      if (!(error instanceof VBoxError && error.isInUse)) throw error;
    });
  }
}

const isosAt = async (vbox: VBoxManage, paths: readonly string[]) =>
  (await vbox.listMedia("dvds")).filter(({ location }) => paths.some((path) => resolve(path) === resolve(location)));

/**
 * Removes the folder of an owner's machine with all in it, and takes its disks out of the registry first.
 * @throws VBoxError, before anything is removed, where a machine still uses one of the disks
 */
export async function removeFolder(vbox: VBoxManage, folder: string, { stack }: Owner): Promise<void> {
  await checkNoHeirs(vbox, folder);
  await closeDisksIn(vbox, folder);
  // The settings from before the last change go first: they may still have the mark of a finished machine.
  await rm(join(folder, `${basename(folder)}.vbox-prev`), { force: true });
  await rm(folder, { recursive: true, force: true });
  // The folders of the stack, the project and ours go when they are empty.
  const parents = stack.split("/").reduce((above) => [...above, dirname(above.at(-1)!)], [dirname(folder)]);
  for (const parent of parents)
    await rmdir(parent).then(
      () => emptied.add(parent),
      () => {},
    );
}

/**
 * @throws UserError where disks elsewhere, as a linked clone has them, hold only what differs from disks in this folder
 */
async function checkNoHeirs(vbox: VBoxManage, folder: string): Promise<void> {
  const disks = await vbox.listMedia("hdds");
  const own = new Set(disks.filter(({ location }) => isWithin(location, folder)).map(({ uuid }) => uuid));
  const heirs = disks.filter(
    ({ location, parentUuid }) => parentUuid !== undefined && own.has(parentUuid) && !isWithin(location, folder),
  );
  if (heirs.length === 0) return;
  const media = await Promise.all(heirs.map(({ uuid }) => vbox.showDisk(uuid)));
  const lines = heirs.map(
    ({ location }, i) => `${location}${media[i]?.users.length ? `, of ${media[i].users.join(", ")}` : ""}`,
  );
  throw new UserError(
    `${basename(folder)} is not deleted, as disks of other machines hold only what differs from its own`,
    {
      output: lines.join("\n"),
      hint: "delete these linked clones first (VBoxManage unregistervm NAME --delete), or copy them whole (VBoxManage clonevm NAME --name COPY --register) and then delete them; then run the same again",
    },
  );
}

/**
 * How often disks are closed. On a busy host a call now and then waits 10 s, in which VirtualBox's server, idle, ends
 * (measured with 7.2.22): what it had closed and not saved, the next one knows again. Of disks that stay all the same,
 * {@link proveAbsence} or the next clone tells.
 */
const CLOSINGS = 5;

async function closeDisksIn(vbox: VBoxManage, folder: string): Promise<void> {
  for (let closing = 1; closing <= CLOSINGS; closing++) {
    const disks = await mediaIn(vbox, folder);
    if (disks.length === 0) return;
    // Differences come after what they are differences from, and must go first.
    for (const { uuid } of disks.reverse()) await vbox.closeMedium("disk", uuid);
    await vbox.saveRegistry();
  }
}

const mediaIn = async (vbox: VBoxManage, folder: string) =>
  (await vbox.listMedia("hdds")).filter(({ location }) => isWithin(location, folder));

const isWithin = (path: string, folder: string) => resolve(path).startsWith(`${resolve(folder)}${sep}`);
