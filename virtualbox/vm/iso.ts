import { resolve } from "node:path";
import { UserError } from "../../common/errors";
import { shellCommand } from "../../common/shell";
import { type Slot, slotArguments } from "../slot";
import type { VBoxManage } from "../vboxManage";
import type { Attachment, VmInfo } from "../vmInfo";

/** The place of the cidata ISO. */
const PORT = 1;
const DEVICE = 0;

/** The chips of VirtualBox's IDE controllers. */
const IDE_CHIPS = /^(PIIX3|PIIX4|ICH6)$/;

/** Path of the ISO in the cidata drive, or undefined. */
function isoOf(vm: VmInfo): string | undefined {
  const medium = vm.attachments.find((drive) => isCidataDrive(vm, drive))?.medium;
  return medium === "emptydrive" ? undefined : medium;
}

/** Whether this ISO is in the cidata drive; VirtualBox gives an absolute path back. */
export function hasIso(vm: VmInfo, isoPath: string): boolean {
  const is = isoOf(vm);
  return is !== undefined && resolve(is) === resolve(isoPath);
}

/**
 * Shows that nothing is lost where the ISO goes: the place is empty, or a DVD drive.
 * @throws UserError where a disk is there
 */
export function checkCidataPlace(vm: VmInfo): void {
  const taken = vm.attachments.find((drive) => isCidataDrive(vm, drive));
  if (!taken || taken.isDvd) return;
  const { controller, port, device, medium } = taken;
  throw new UserError(
    `the cidata ISO's place in ${vm.name}, port ${port}, device ${device} of the controller ${controller}, is taken by the disk ${medium}`,
    {
      hint: `attach that disk elsewhere, after ${shellCommand(["VBoxManage", "storageattach", vm.name, ...slotArguments(taken), "--medium", "none"])}`,
    },
  );
}

/**
 * Shows that a machine that is to be taken over needs no other disc: from ours in its place cloud-init would make it
 * another machine.
 * @throws UserError where there is another one
 */
export function checkDiscOfOthers(vm: VmInfo, isoPath: string): void {
  const is = isoOf(vm);
  if (is === undefined || hasIso(vm, isoPath)) return;
  const slot: Slot = { controller: ideController(vm)!, port: PORT, device: DEVICE };
  throw new UserError(
    `${vm.name} was not taken over: the disc ${is} is in the drive where its cidata ISO goes, ${isoPath}`,
    {
      hint:
        "give an `isoFolder` with which they are the same; if the machine does not need that disc: " +
        shellCommand(["VBoxManage", "storageattach", vm.name, ...slotArguments(slot), "--medium", "emptydrive"]),
    },
  );
}

/** Takes the ISO out of its drive, also where the guest has it mounted. */
export async function ejectIso(vbox: VBoxManage, vm: VmInfo, isoPath: string): Promise<void> {
  if (hasIso(vm, isoPath))
    await vbox.attach(
      vm.uuid,
      { controller: ideController(vm)!, port: PORT, device: DEVICE },
      "dvddrive",
      "emptydrive",
    );
}

/**
 * Puts the ISO into its drive where it is not yet; the drive, and its controller, are made where they are missing.
 * @throws UserError where it is not there in the end: a guest that boots without it is of no use, and never becomes so
 */
export async function insertIso(vbox: VBoxManage, vm: VmInfo, isoPath: string): Promise<void> {
  if (hasIso(vm, isoPath)) return;
  const controller = ideController(vm) ?? "IDE";
  if (!ideController(vm)) await vbox.addIdeController(vm.uuid, controller);
  const slot: Slot = { controller, port: PORT, device: DEVICE };
  await vbox.attach(vm.uuid, slot, "dvddrive", resolve(isoPath));
  if (hasIso((await vbox.showVm(vm.uuid))!, isoPath)) return;
  throw new UserError(`VirtualBox did not put ${isoPath} into the drive of ${vm.name}`, {
    hint: "look at the machine's storage in VirtualBox",
  });
}

/**
 * Takes away every DVD drive that a clone has from its base image: its ISO is not ours, and its place may be needed.
 * @returns the machine without them
 */
export async function dropInheritedDrives(vbox: VBoxManage, vm: VmInfo): Promise<VmInfo> {
  for (const drive of vm.attachments.filter(({ isDvd }) => isDvd)) await vbox.detach(vm.uuid, drive);
  return withoutDvdDrives(vm);
}

/** The machine as it is without its DVD drives. */
export const withoutDvdDrives = (vm: VmInfo): VmInfo => ({
  ...vm,
  attachments: vm.attachments.filter(({ isDvd }) => !isDvd),
});

const ideController = (vm: VmInfo) => vm.controllers.find(({ type }) => IDE_CHIPS.test(type))?.name;

const isCidataDrive = (vm: VmInfo, { controller, port, device }: Attachment) =>
  controller === ideController(vm) && port === PORT && device === DEVICE;
