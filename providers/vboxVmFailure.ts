import { UserError } from "../common/errors";
import { FirstBootFailed } from "../common/firstBootFailed";
import { markOf } from "../common/mark";
import { withBaseImage } from "../virtualbox/baseImageLock";
import type { VBoxManage } from "../virtualbox/vboxManage";
import { virtualBoxHome } from "../virtualbox/home";
import type { VmInfo } from "../virtualbox/vmInfo";
import { isOwnClone } from "../virtualbox/vm/doors";
import { ownershipOf } from "../virtualbox/vm/owner";
import { removeVm } from "../virtualbox/vm/remove";
import { PartialFailure } from "./dynamic";
import { FROM_SOMETHING_ELSE, type Known, observe } from "./vboxVmState";

/**
 * Takes a new clone back, unless it is complete, which its mark tells: then it stays, whatever failed since, and the
 * next `up` goes on with it.
 */
export async function undone(vbox: VBoxManage, uuid: string, inputs: Known, error: Error): Promise<Error> {
  try {
    const vm = await vbox.showVm(uuid);
    if (vm && (vm.condition !== "off" || (await ownershipOf(vbox, vm, inputs)) === "ours"))
      return await partial(vbox, uuid, inputs, error);
    if (vm) await withBaseImage(inputs.baseImage, () => removeVm(vbox, vm, inputs));
    return error;
  } catch (undoError) {
    const output = `${error.message}\nand what was made could not be taken back:\n${(undoError as Error).message}`;
    return partial(vbox, uuid, inputs, new UserError("the machine was not made", { output, cause: error }));
  }
}

/** The failure together with the state that it left; the failure alone where there is no machine. */
export async function partial(vbox: VBoxManage, uuid: string, inputs: Known, error: Error): Promise<Error> {
  try {
    const vm = await vbox.showVm(uuid);
    if (!vm) return error;
    const outs = await observe(vbox, vm, { ...inputs, virtualBox: inputs.virtualBox ?? (await virtualBoxHome(vbox)) });
    return error instanceof FirstBootFailed ? firstBootFailed(vm, outs, error) : new PartialFailure(uuid, outs, error);
  } catch {
    return new PartialFailure(uuid, { uuid, owner: markOf(inputs), virtualBox: inputs.virtualBox }, error);
  }
}

/**
 * A first boot cannot be repeated, so a clone of ours is replaced. A machine that somebody else made is never deleted
 * for it, whatever `adopt` is now.
 */
function firstBootFailed(vm: VmInfo, outs: Known, error: FirstBootFailed): PartialFailure {
  if (isOwnClone(vm, outs))
    return new PartialFailure(
      vm.uuid,
      { ...outs, ...FROM_SOMETHING_ELSE },
      error.withFate("the next `pulumi up` replaces the machine"),
    );
  return new PartialFailure(
    vm.uuid,
    outs,
    error.withFate("the machine was adopted, and stays: `sudo cloud-init clean --reboot` on it repeats its first boot"),
  );
}
