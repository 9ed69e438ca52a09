import type { OpenDoor } from "../doors";
import { UserError } from "../../common/errors";
import type { Disk } from "../machine";
import type { Owner } from "../../common/mark";
import type { OneByOne } from "../../common/oneByOne";
import type { VBoxManage } from "../vboxManage";
import type { VmInfo } from "../vmInfo";
import { changeDisks, needsOff, observeDisks, planDisks } from "./disks";
import {
  blindFlags,
  closeOthers,
  closingFlags,
  isOwnClone,
  type KeptDoors,
  namesOf,
  reportDoors,
  strayDoors,
} from "./doors";
import { BIRTH_FLAGS, type Hardware, hardwareFlags, plugFlags, unplugged } from "./hardware";
import { checkCidataPlace, checkDiscOfOthers, dropInheritedDrives, withoutDvdDrives } from "./iso";
import { mark, notOurs, ownershipOf } from "./owner";
import { type PowerTimeouts, settled, startVm, stopVm } from "./power";
import type { Log } from "../../common/log";

/** What a machine is to be. */
export interface VmSpec extends Owner, Hardware, PowerTimeouts, Pick<KeptDoors, "keepOpen"> {
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
  /** Puts the ISO into its drive, where it belongs there. */
  disc(vm: VmInfo, isNew: boolean): Promise<void>;
  /** Resolves when the running machine's guest is ready, before the next one may stop. */
  ready(): Promise<void>;
  log: Log;
}

/** What is to be changed of a machine with `modifyvm` and its like. */
interface Changes {
  flags: string[];
  doors: OpenDoor[];
}

const changesOf = (vm: VmInfo, spec: VmSpec): Changes => ({
  flags: hardwareFlags(vm, spec),
  doors: isOwnClone(vm, spec) ? strayDoors(vm, spec) : [],
});

/**
 * Changes a machine's hardware, and closes its doors. A machine that VirtualBox left as it was must not be marked as
 * complete. Doors are looked at again: an adapter shows its forwardings only from when on it is a NAT one.
 */
async function modify(vbox: VBoxManage, uuid: string, changes: Changes, spec: VmSpec): Promise<void> {
  let { flags, doors } = changes;
  for (let round = 1; flags.length + doors.length > 0; round++) {
    await vbox.modify(uuid, [...flags, ...closingFlags(doors)]);
    await closeOthers(vbox, uuid, doors);
    ({ flags, doors } = changesOf((await vbox.showVm(uuid))!, spec));
    if (flags.length === 0 && (doors.length === 0 || round === 1)) continue;
    const left = [...flags, ...closingFlags(doors)];
    throw new UserError(`VirtualBox did not change ${spec.name} as it was told: modifyvm ${left.join(" ")}`, {
      hint: "look at the machine in VirtualBox",
    });
  }
}

/**
 * Makes a machine what it is to be, from wherever it is: a bare clone, half changed, running or not. Only what differs
 * is touched, and only a difference that needs it stops the machine.
 */
export async function syncVm(vbox: VBoxManage, uuid: string, spec: VmSpec, options: SyncOptions): Promise<void> {
  const vm = await settled(vbox, uuid);
  const ownership = await ownershipOf(vbox, vm, spec, options);
  if (ownership === "foreign" && !spec.adopt) throw await notOurs(vbox, vm, spec);
  if (spec.isoPath !== undefined) {
    checkCidataPlace(vm);
    if (ownership === "foreign" || ownership === "outdated") checkDiscOfOthers(vm, spec.isoPath);
  }
  const isBare = ownership === "half-made";
  const changes = changesOf(vm, spec);
  if (changes.doors.length > 0) options.log(`closing its doors to the host: ${namesOf(changes.doors).join(", ")}`);
  reportDoors(vm, spec, options.log);
  const disks = planDisks(isBare ? withoutDvdDrives(vm) : vm, await observeDisks(vbox, vm), spec.disks);
  const needsStop =
    vm.name !== spec.name || isBare || changes.flags.length + changes.doors.length > 0 || disks.some(needsOff);
  const isUp = ["running", "paused", "stuck"].includes(vm.condition);

  const change = async () => {
    const off = needsStop ? await renamed(vbox, await stopVm(vbox, uuid, spec, options.log), spec.name) : vm;
    const now = isBare ? await dropInheritedDrives(vbox, off) : off;
    const birth = isBare ? [...BIRTH_FLAGS, ...(await blindFlags(vbox, spec))] : [];
    const plugs = now.condition === "off" ? plugFlags(unplugged(now, spec)) : [];
    await modify(vbox, uuid, { ...changes, flags: [...birth, ...changes.flags, ...plugs] }, spec);
    await changeDisks(vbox, now, disks);
    await options.disc(now, isBare);
    if (ownership !== "ours") await mark(vbox, uuid, spec, options.origin);
    if (!spec.autostart && !isUp) return;
    const running = await startVm(vbox, uuid, spec, options.log);
    for (const nic of unplugged(running, spec)) await vbox.plugIn(uuid, nic);
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
