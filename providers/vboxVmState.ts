import type * as pulumi from "@pulumi/pulumi";
import type { Door } from "../virtualbox/doors";
import type { Nic } from "../virtualbox/machine";
import { markOf } from "../common/mark";
import type { VBoxManage } from "../virtualbox/vboxManage";
import type { VirtualBoxHome } from "../virtualbox/home";
import type { VmInfo } from "../virtualbox/vmInfo";
import { disksAsTheyAre } from "../virtualbox/vm/disks";
import { isOwnClone, namesOf, strayDoors } from "../virtualbox/vm/doors";
import { hasIso } from "../virtualbox/vm/iso";
import { isKeyRemoved } from "./machineDisc";
import type { VBoxVmArgs } from "./vboxVmArgs";

type Args = pulumi.Unwrap<Omit<VBoxVmArgs, "plan">>;
type Optional = "baseSnapshot" | "isoPath" | "isoSha256" | "seed" | "readiness" | "stackVirtualBox";
/** Always true, or empty; a refresh changes what it finds otherwise, and so there is an update. */
interface Kept {
  /** VirtualBox has the machine under its name. */
  named: boolean;
  /** Doors to the host that are open and are to be closed, by name. */
  openDoors: Door[];
  /** The ISO is in its drive. */
  isoInserted: boolean;
  /** Since the first boot is over, the ISO has no private key. */
  keyRemoved: boolean;
  /** If it is to run, it does, and its guest has told its address. */
  ready: boolean;
}
/** What a machine is to be, as its state has it. */
export type Inputs = Required<Omit<Args, Optional>> & Pick<Args, Optional> & Kept;
/** What else there is to know of it. */
interface Observed {
  uuid: string;
  macs: string[];
  state: string;
  address?: string;
  owner: string;
  virtualBox?: VirtualBoxHome;
}
/** A machine in its state: what it is to be, as it really is, and what else there is to know. */
export type Outputs = Inputs & Observed;
/** What is kept beside the inputs when the rest is observed. */
export type Known = Inputs & Pick<Observed, "address" | "virtualBox">;

/** In the state of a machine: it is not what its inputs would make, so the next `up` deletes it and makes another. */
export const FROM_SOMETHING_ELSE = { isoSha256: "" };

/** The inputs as they really are, in the inputs' own spelling where they are met, and what else there is to know. */
export async function observe(vbox: VBoxManage, vm: VmInfo, known: Known): Promise<Outputs> {
  const { cpus, memoryMb, vramMb, nics, state } = vm;
  return {
    ...known,
    ...{ cpus, memoryMb, vramMb, nics: nics as Nic[] },
    disks: await disksAsTheyAre(vbox, vm, known.disks),
    named: vm.name === known.name,
    openDoors: isOwnClone(vm, known) ? namesOf(strayDoors(vm, known)) : [],
    // Without an ISO of ours, what is in the drive is the user's.
    isoInserted: known.isoPath === undefined || hasIso(vm, known.isoPath),
    keyRemoved: await isKeyRemoved(vbox, vm, known),
    ready:
      !known.autostart ||
      (["running", "busy"].includes(vm.condition) && (known.readiness === undefined || known.address !== undefined)),
    ...{ uuid: vm.uuid, macs: nics.map(({ mac }) => mac), state, owner: markOf(known) },
  };
}
