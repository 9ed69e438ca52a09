import type * as pulumi from "@pulumi/pulumi";
import type { Seed } from "../cloudinit/seed";
import type { Readiness } from "../cloudinit/wait";
import type { Door } from "../virtualbox/doors";
import type { VirtualBoxHome } from "../virtualbox/home";
import type { Disk, Nic } from "../virtualbox/machine";
import type { PlanArgs } from "./dynamic";

/** Arguments of VBoxVm. */
export interface VBoxVmArgs extends PlanArgs {
  /** The VM's name. A change replaces. */
  name: pulumi.Input<string>;
  /**
   * The owner, `clusterName/stack`: its VMs form one VirtualBox group, and each carries it as a mark. A change replaces.
   */
  stack: pulumi.Input<string>;
  /** The stack's random id, part of the mark. Default: none, as in version 0.1.0. A change writes the mark again. */
  stackId?: pulumi.Input<string>;
  /** The VBoxManage executable. Default `VBoxManage`. A change is used the next time. */
  vboxManage?: pulumi.Input<string>;
  /** Name or UUID of the VM that is cloned. A change replaces. */
  baseImage: pulumi.Input<string>;
  /**
   * `full`: a copy of its disks; `linked`: their differences from `baseSnapshot`. Default `full`. A change replaces.
   */
  cloneMode?: pulumi.Input<"full" | "linked">;
  /**
   * The base image's snapshot that is cloned; needed for a linked clone. Default: its current state. A change replaces.
   */
  baseSnapshot?: pulumi.Input<string>;
  /** Virtual CPUs. Default 2. A change needs a stop. */
  cpus?: pulumi.Input<number>;
  /** Memory, in MB. Default 2048. A change needs a stop. */
  memoryMb?: pulumi.Input<number>;
  /** Video memory, in MB. Default 33. A change needs a stop. */
  vramMb?: pulumi.Input<number>;
  /** The network adapters, in their order, 1 to 8. A change needs a stop. */
  nics: pulumi.Input<Nic[]>;
  /**
   * Disks beside the base image's own, in their order. Adding, growing and removing need a stop; none can shrink.
   * Default none.
   */
  disks?: pulumi.Input<Disk[]>;
  /**
   * Doors to the host that stay as the base image has them, by name; of `serial`, port 1 writes into NAME-console.log
   * in the machine's folder. Default: none, all others are closed. A change needs a stop.
   */
  keepOpen?: pulumi.Input<Door[]>;
  /**
   * Path of the cidata ISO, attached to controller IDE, port 1, device 0. Default: an empty drive. A change is live.
   */
  isoPath?: pulumi.Input<string>;
  /** SHA-256 of the ISO. Cloud-init runs once, so a change replaces. */
  isoSha256?: pulumi.Input<string>;
  /**
   * What the ISO's images are made of: CloudInitIso's `seed`. With it, the image of the first boot is in its place
   * until that is over by
   * `readiness`, and then the one without the host's private key. Secret. Default: the ISO stays as it is. A change is
   * used the next time.
   */
  seed?: pulumi.Input<Seed>;
  /**
   * Whether the VM is to run. It is started where it does not; it is never stopped for it. Default true. A change is
   * live.
   */
  autostart?: pulumi.Input<boolean>;
  /**
   * Takes over a VM of this name that something else made, instead of refusing it. Default false. A change is used the
   * next time.
   */
  adopt?: pulumi.Input<boolean>;
  /**
   * How long one command may take, of VBoxManage or over SSH, in seconds. Default 120. A change is used the next time.
   */
  commandTimeoutSeconds?: pulumi.Input<number>;
  /** How long a clone, or the making of a disk, may take, in seconds. Default 3600. A change is used the next time. */
  cloneTimeoutSeconds?: pulumi.Input<number>;
  /**
   * How long the guest gets to shut down before the power is cut, in seconds. Default 120. A change is used the next
   * time.
   */
  stopTimeoutSeconds?: pulumi.Input<number>;
  /** How long VirtualBox gets to start the VM, in seconds. Default 120. A change is used the next time. */
  startTimeoutSeconds?: pulumi.Input<number>;
  /**
   * How to tell that cloud-init is done, and learn the address. Default: a started VM counts as ready. A change is used
   * the next time.
   */
  readiness?: pulumi.Input<Readiness>;
  /**
   * The stack's VirtualBox, StackIdentity's `virtualBox`: the machine is made in that one, or in one that has machines
   * of the stack, and is refused in any other. Default: only the stack's machines say. No change.
   */
  stackVirtualBox?: pulumi.Input<VirtualBoxHome | undefined>;
}
