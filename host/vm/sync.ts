import { UserError } from "../errors";
import type { Disk } from "../machine";
import type { Owner } from "../mark";
import type { OneByOne } from "../oneByOne";
import type { VBoxManage } from "../vboxmanage";
import type { VmInfo } from "../vminfo";
import { changeDisks, needsOff, observeDisks, planDisks } from "./disks";
import { BIRTH_FLAGS, type Hardware, hardwareFlags } from "./hardware";
import { dropInheritedDrives, insertIso, withoutDvdDrives } from "./iso";
import { mark, notOurs, standingOf } from "./owner";
import { type PowerTimeouts, settled, startVm, stopVm } from "./power";

/** What a machine is to be. */
export interface VmSpec extends Owner, Hardware, PowerTimeouts {
  disks: Disk[];
  isoPath?: string;
  autostart: boolean;
  adopt: boolean;
}

interface SyncOptions {
  /** Identifies what the machine is made from; part of its mark. */
  origin: string;
  /** The stack's id in the state, where that had the machine before this operation. */
  idInState?: string;
  /** Running machines that need a stop take turns. */
  restarts: OneByOne;
  /** Resolves when the running machine's guest is ready, before the next one may stop. */
  ready(): Promise<void>;
  log(line: string): void;
}

/** Changes a machine's hardware. A machine that VirtualBox left as it was must not be marked as complete. */
async function modify(vbox: VBoxManage, uuid: string, flags: readonly string[], spec: VmSpec): Promise<void> {
  if (flags.length === 0) return;
  await vbox.modify(uuid, flags);
  const left = hardwareFlags((await vbox.showVm(uuid))!, spec);
  if (left.length > 0) throw new UserError(`VirtualBox did not change ${spec.name} as it was told: modifyvm ${left.join(" ")}`, { todo: "look at the machine in VirtualBox" });
}

/**
 * Makes a machine what it is to be, from wherever it is: a bare clone, half changed, running or not. Only what differs is touched, and only
 * a difference that needs it stops the machine.
 */
export async function syncVm(vbox: VBoxManage, uuid: string, spec: VmSpec, options: SyncOptions): Promise<void> {
  const vm = await settled(vbox, uuid);
  const standing = await standingOf(vbox, vm, spec, options);
  if (standing === "foreign" && !spec.adopt) throw await notOurs(vbox, vm, spec);
  const isBare = standing === "half-made";
  const flags = [...(isBare ? BIRTH_FLAGS : []), ...hardwareFlags(vm, spec)];
  const disks = planDisks(isBare ? withoutDvdDrives(vm) : vm, await observeDisks(vbox, vm), spec.disks);
  const needsStop = vm.name !== spec.name || flags.length > 0 || disks.some(needsOff);
  const isUp = ["running", "paused", "stuck"].includes(vm.condition);

  const change = async () => {
    const off = needsStop ? await renamed(vbox, await stopVm(vbox, uuid, spec, options.log), spec.name) : vm;
    const now = isBare ? await dropInheritedDrives(vbox, off) : off;
    await modify(vbox, uuid, flags, spec);
    await changeDisks(vbox, now, disks);
    if (spec.isoPath !== undefined) await insertIso(vbox, now, spec.isoPath);
    if (standing !== "ours") await mark(vbox, uuid, spec, options.origin);
    if (!spec.autostart && !isUp) return;
    await startVm(vbox, uuid, spec, options.log);
    await options.ready();
  };
  await (needsStop && isUp ? options.restarts.run(spec.name, change) : change());
}

/** The machine under its name. VirtualBox moves the folder of one that is renamed, and its files with it. */
async function renamed(vbox: VBoxManage, vm: VmInfo, name: string): Promise<VmInfo> {
  if (vm.name === name) return vm;
  await vbox.modify(vm.uuid, ["--name", name]);
  return (await vbox.showVm(vm.uuid))!;
}
