import { UserError } from "../../common/errors";
import type { VBoxManage } from "../vboxManage";

const FIRST_BOOT_KEY = "vbox-kubeadm/first-boot";

/**
 * Marks a machine as one whose first boot came to its end.
 * @param identity SHA-256 of the ISO that it booted from
 * @throws UserError where VirtualBox did not keep the mark
 */
export async function markFirstBoot(vbox: VBoxManage, vm: string, identity: string): Promise<void> {
  if (await isFirstBootOver(vbox, vm, identity)) return;
  await vbox.setExtraData(vm, FIRST_BOOT_KEY, identity);
  if (await isFirstBootOver(vbox, vm, identity)) return;
  throw new UserError(`VirtualBox did not keep the mark of the first boot of ${vm} in its extra data`, {
    hint: `run VBoxManage getextradata ${vm} enumerate`,
  });
}

/**
 * Whether a machine's first boot from this ISO came to its end. A clone inherits its base image's mark, which is of
 * another ISO.
 */
export const isFirstBootOver = async (vbox: VBoxManage, vm: string, identity: string) =>
  (await vbox.getExtraData(vm, FIRST_BOOT_KEY)) === identity;
