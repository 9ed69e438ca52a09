import { resolve } from "node:path";
import type { Slot, VBoxManage } from "../vboxmanage";
import type { Attachment, VmInfo } from "../vminfo";

/** The place of the cidata ISO. */
const PORT = 1;
const DEVICE = 0;

/** The chips of VirtualBox's IDE controllers. */
const IDE_CHIPS = /^(PIIX3|PIIX4|ICH6)$/;

/** Path of the ISO in the cidata drive, or undefined. */
export function isoOf(vm: VmInfo): string | undefined {
  const medium = vm.attachments.find((drive) => isCidataDrive(vm, drive))?.medium;
  return medium === "emptydrive" ? undefined : medium;
}

/** Whether two paths name one ISO; VirtualBox gives an absolute one back. */
export const isSameIso = (a: string, b: string) => resolve(a) === resolve(b);

/** Puts the ISO into its drive where it is not yet; the drive, and its controller, are made where they are missing. */
export async function insertIso(vbox: VBoxManage, vm: VmInfo, isoPath: string): Promise<void> {
  const is = isoOf(vm);
  if (is !== undefined && isSameIso(is, isoPath)) return;
  const controller = ideController(vm) ?? "IDE";
  if (!ideController(vm)) await vbox.addIdeController(vm.uuid, controller);
  const slot: Slot = { controller, port: PORT, device: DEVICE };
  await vbox.attach(vm.uuid, slot, "dvddrive", resolve(isoPath));
}

/**
 * Takes away every DVD drive that a clone has from its base image: its ISO is not ours, and its place may be needed.
 * @returns the machine without them
 */
export async function dropInheritedDrives(vbox: VBoxManage, vm: VmInfo): Promise<VmInfo> {
  for (const drive of vm.attachments.filter(({ isDvd }) => isDvd)) await vbox.detach(vm.uuid, drive);
  return { ...vm, attachments: vm.attachments.filter(({ isDvd }) => !isDvd) };
}

const ideController = (vm: VmInfo) => vm.controllers.find(({ type }) => IDE_CHIPS.test(type))?.name;

const isCidataDrive = (vm: VmInfo, { controller, port, device }: Attachment) =>
  controller === ideController(vm) && port === PORT && device === DEVICE;
