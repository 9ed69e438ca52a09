import type * as pulumi from "@pulumi/pulumi";
import type { Readiness } from "../host/cloudInit";
import type { Door } from "../host/doors";
import { type Exec, exec as execHere, execWithin } from "../host/exec";
import { guestAddress } from "../host/guestAddress";
import type { Disk, Nic } from "../host/machine";
import { OneByOne } from "../host/oneByOne";
import { withBaseImage } from "../host/vboxLock";
import { VBoxManage } from "../host/vboxmanage";
import { absenceOf, ensureVirtualBoxHome, homeWhereFound, type VirtualBoxHome } from "../host/virtualBoxHome";
import { lookAtBase, originOf } from "../host/vm/base";
import { obtainVm } from "../host/vm/clone";
import { reportDoors } from "../host/vm/doors";
import { hasBeenFinished, markFinished, notOurs, standingOf } from "../host/vm/owner";
import { vmProblems } from "../host/vm/problems";
import { withPowerState } from "../host/vm/power";
import { deleteVm, isPartlyDeleted } from "../host/vm/remove";
import { syncVm } from "../host/vm/sync";
import { type Context, DynamicResource, type PlanArgs, type Provider } from "./dynamic";
import { partial, undone } from "./vboxVmFailure";
import { FROM_SOMETHING_ELSE, type Inputs, observe, type Outputs } from "./vboxVmState";

/** Arguments of {@link VBoxVm}. */
export interface VBoxVmArgs extends PlanArgs {
  /** The VM's name. A change replaces. */
  name: pulumi.Input<string>;
  /** The owner, `project/stack`: its VMs form one VirtualBox group, and each carries it as a mark. A change replaces. */
  stack: pulumi.Input<string>;
  /** The stack's random id, part of the mark. Default: none, as in version 0.1.0. A change writes the mark again. */
  stackId?: pulumi.Input<string>;
  /** The VBoxManage executable. Default `VBoxManage`. A change is used the next time. */
  vboxManage?: pulumi.Input<string>;
  /** Name or UUID of the VM that is cloned. A change replaces. */
  baseImage: pulumi.Input<string>;
  /** `full`: a copy of its disks; `linked`: their differences from `baseSnapshot`. Default `full`. A change replaces. */
  cloneMode?: pulumi.Input<"full" | "linked">;
  /** The base image's snapshot that is cloned; needed for a linked clone. Default: its current state. A change replaces. */
  baseSnapshot?: pulumi.Input<string>;
  /** Virtual CPUs. Default 2. A change needs a stop. */
  cpus?: pulumi.Input<number>;
  /** Memory, in MB. Default 2048. A change needs a stop. */
  memoryMb?: pulumi.Input<number>;
  /** Video memory, in MB. Default 33. A change needs a stop. */
  vramMb?: pulumi.Input<number>;
  /** The network adapters, in their order, 1 to 8. A change needs a stop. */
  nics: pulumi.Input<Nic[]>;
  /** Disks beside the base image's own, in their order. Adding, growing and removing need a stop; none can shrink. Default none. */
  disks?: pulumi.Input<Disk[]>;
  /**
   * Doors to the host that stay as the base image has them, by name; of `serial`, port 1 writes into NAME-console.log in the machine's
   * folder. Default: none, all others are closed. A change needs a stop.
   */
  keepOpen?: pulumi.Input<Door[]>;
  /** Path of the cidata ISO, attached to controller IDE, port 1, device 0. Default: an empty drive. A change is live. */
  isoPath?: pulumi.Input<string>;
  /** SHA-256 of the ISO. Cloud-init runs once, so a change replaces. */
  isoSha256?: pulumi.Input<string>;
  /** Whether the VM is to run. It is started where it does not; it is never stopped for it. Default true. A change is live. */
  autostart?: pulumi.Input<boolean>;
  /** Takes over a VM of this name that something else made, instead of refusing it. Default false. A change is used the next time. */
  adopt?: pulumi.Input<boolean>;
  /** How long one command may take, of VBoxManage or over SSH, in seconds. Default 120. A change is used the next time. */
  commandTimeoutSeconds?: pulumi.Input<number>;
  /** How long a clone, or the making of a disk, may take, in seconds. Default 3600. A change is used the next time. */
  cloneTimeoutSeconds?: pulumi.Input<number>;
  /** How long the guest gets to shut down before the power is cut, in seconds. Default 120. A change is used the next time. */
  stopTimeoutSeconds?: pulumi.Input<number>;
  /** How long VirtualBox gets to start the VM, in seconds. Default 120. A change is used the next time. */
  startTimeoutSeconds?: pulumi.Input<number>;
  /** How to tell that cloud-init is done, and learn the address. Default: a started VM counts as ready. A change is used the next time. */
  readiness?: pulumi.Input<Readiness>;
}

/** A VM that is cloned from a base image. */
export class VBoxVm extends DynamicResource {
  /** The VM that it was cloned from. */
  declare readonly baseImage: pulumi.Output<string>;
  /** SHA-256 of the ISO that it first booted from. */
  declare readonly isoSha256: pulumi.Output<string | undefined>;
  /** The VM's UUID. */
  declare readonly uuid: pulumi.Output<string>;
  /** The MAC addresses of its NICs, 12 upper-case hexadecimal digits each. */
  declare readonly macs: pulumi.Output<string[]>;
  /** Its state in VirtualBox's words, such as `running` or `poweroff`. */
  declare readonly state: pulumi.Output<string>;
  /** The IPv4 address that the guest itself reports for the first NIC; undefined without `readiness`. */
  declare readonly address: pulumi.Output<string | undefined>;
  /** The mark of ownership, `ID cluster/stack/name`. */
  declare readonly owner: pulumi.Output<string>;
  /** The VirtualBox in which it was made; undefined in the state of version 0.1.0. */
  declare readonly virtualBox: pulumi.Output<VirtualBoxHome | undefined>;

  constructor(name: string, args: VBoxVmArgs, opts?: pulumi.CustomResourceOptions) {
    super("providers/vboxVm", "vbox:Vm", name, args, { outputs: ["uuid", "macs", "state", "address", "owner", "virtualBox"] }, opts);
  }
}

/** The provider, on top of whatever runs VBoxManage. */
export function vboxVmProvider(exec: Exec): Provider<Inputs, Outputs> {
  const restarts = new OneByOne();
  const within = ({ commandTimeoutSeconds }: Inputs) => execWithin(commandTimeoutSeconds * 1000, exec);
  const connect = (inputs: Inputs) => new VBoxManage(inputs.vboxManage, within(inputs), inputs.cloneTimeoutSeconds * 1000);

  /**
   * Brings the machine to its inputs, waits for its guest where it is told how, and reports what is.
   * @param known what the state knows of it; a machine with an address was ready before
   */
  const sync = async (uuid: string, inputs: Inputs, { log, rolling }: Context, known: { address?: string; stackId?: string } = {}): Promise<Outputs> => {
    const vbox = connect(inputs);
    const virtualBox = await ensureVirtualBoxHome(vbox);
    let address: string | undefined;
    const ready = async () => {
      if (!inputs.readiness) return;
      address = await guestAddress({ ...inputs.readiness, ...inputs, log }, within(inputs)).catch(async (error: unknown) => {
        throw await withPowerState(vbox, uuid, error, known.address !== undefined || (await hasBeenFinished(vbox, uuid, inputs)));
      });
    };
    await syncVm(vbox, uuid, inputs, { origin: originOf(inputs), idInState: known.stackId, restarts, ready, log });
    await markFinished(vbox, uuid, inputs);
    if (!inputs.autostart) rolling.back(inputs.name);
    return observe(vbox, (await vbox.showVm(uuid))!, { ...inputs, address, virtualBox });
  };

  return {
    defaults: {
      named: true,
      isoInserted: true,
      ready: true,
      stackId: "",
      vboxManage: "VBoxManage",
      cloneMode: "full",
      cpus: 2,
      memoryMb: 2048,
      vramMb: 33,
      disks: [],
      keepOpen: [],
      openDoors: [],
      autostart: true,
      adopt: false,
      commandTimeoutSeconds: 120,
      cloneTimeoutSeconds: 3600,
      stopTimeoutSeconds: 120,
      startTimeoutSeconds: 120,
    },

    changes: {
      name: "replaces",
      named: "stop",
      stack: "replaces",
      baseImage: "replaces",
      cloneMode: "replaces",
      baseSnapshot: "replaces",
      isoSha256: "replaces",
      cpus: "stop",
      memoryMb: "stop",
      vramMb: "stop",
      nics: "stop",
      disks: "stop",
      keepOpen: "stop",
      openDoors: "stop",
      isoPath: "live",
      isoInserted: "live",
      ready: "live",
      autostart: "live",
      stackId: "nextTime",
      vboxManage: "nextTime",
      adopt: "nextTime",
      commandTimeoutSeconds: "nextTime",
      cloneTimeoutSeconds: "nextTime",
      stopTimeoutSeconds: "nextTime",
      startTimeoutSeconds: "nextTime",
      readiness: "nextTime",
    },

    problems: vmProblems,

    isMachine: true,

    async checkFit(known) {
      const inputs = known as Inputs;
      if (known.baseImage !== undefined) await lookAtBase(connect(inputs), inputs, known.disks);
    },

    async create(inputs, context) {
      const vbox = connect(inputs);
      await vbox.checkVersion(context.log);
      const check = () => context.rolling.checkSuccessor(inputs.name);
      const { uuid, isNew } = await obtainVm(vbox, inputs, inputs, { origin: originOf(inputs), adopt: inputs.adopt, check, log: context.log });
      try {
        return { id: uuid, outs: await sync(uuid, inputs, context) };
      } catch (error) {
        throw isNew ? await undone(vbox, uuid, inputs, error as Error) : await partial(vbox, uuid, inputs, error as Error);
      }
    },

    async read(id, outs, { log }) {
      const vbox = connect(outs);
      const vm = await vbox.showVm(id);
      if (!vm && (await absenceOf(vbox, { ...outs, uuid: id }, outs.virtualBox)) === "forgotten") return undefined;
      // What is left must not be lost from sight: it counts as made from something else, and so is deleted and recreated.
      if (!vm) return (await isPartlyDeleted(vbox, outs, id)) ? { ...outs, ...FROM_SOMETHING_ELSE, state: "deleted" } : undefined;
      if ((await standingOf(vbox, vm, outs, { idInState: outs.stackId })) === "foreign") throw await notOurs(vbox, vm, outs);
      reportDoors(vm, outs, log);
      return observe(vbox, vm, { ...outs, virtualBox: await homeWhereFound(vbox, outs.virtualBox) });
    },

    async checkPlace(id, outs) {
      const vbox = connect(outs);
      if (!(await vbox.isRegistered(id))) await absenceOf(vbox, { ...outs, uuid: id }, outs.virtualBox);
    },

    async update(id, { address, stackId, virtualBox }, news, context) {
      const vbox = connect(news);
      try {
        if (!(await vbox.showVm(id))) await absenceOf(vbox, { ...news, uuid: id }, virtualBox);
        return await sync(id, news, context, { address, stackId });
      } catch (error) {
        throw await partial(vbox, id, { ...news, address, virtualBox }, error as Error);
      }
    },

    async delete(id, outs, context) {
      await context.rolling.checkSuccessor(outs.name);
      await withBaseImage(outs.baseImage, () => deleteVm(connect(outs), id, outs, context.log, context.rolling.isReplacing(outs.name)));
    },
  };
}

/** @internal Loaded by the handler in a resource's state. */
export const provider = vboxVmProvider(execHere);
