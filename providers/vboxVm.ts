import type * as pulumi from "@pulumi/pulumi";
import { type Exec, exec as execHere, execWithin } from "../common/exec";
import { guestAddress } from "../cloudinit/guestAddress";
import { OneByOne } from "../common/oneByOne";
import { withBaseImage } from "../virtualbox/baseImageLock";
import { VBoxManage } from "../virtualbox/vboxManage";
import { absenceOf, ensureVirtualBoxHome, homeWhereFound, type VirtualBoxHome } from "../virtualbox/home";
import type { VmInfo } from "../virtualbox/vmInfo";
import { lookAtBase, originOf } from "../virtualbox/vm/base";
import { obtainVm } from "../virtualbox/vm/clone";
import { reportDoors } from "../virtualbox/vm/doors";
import { hasBeenFinished, markFinished, notOurs, ownershipOf } from "../virtualbox/vm/owner";
import { vmProblems } from "../virtualbox/vm/problems";
import { withPowerState } from "../access/power";
import { deleteVm, isPartlyDeleted } from "../virtualbox/vm/remove";
import { syncVm } from "../virtualbox/vm/sync";
import { type Context, DynamicResource, type Provider } from "./dynamic";
import { checkKey, insertDisc, removeKey } from "./machineDisc";
import { checkNewMachine } from "./places";
import type { VBoxVmArgs } from "./vboxVmArgs";
import { partial, undone } from "./vboxVmFailure";
import { FROM_SOMETHING_ELSE, type Inputs, observe, type Outputs } from "./vboxVmState";

export type { VBoxVmArgs };

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
    super(
      "providers/vboxVm",
      "vbox:Vm",
      name,
      args,
      { outputs: ["uuid", "macs", "state", "address", "owner", "virtualBox"], secrets: ["seed"] },
      opts,
    );
  }
}

/** The provider, on top of whatever runs VBoxManage. */
export function vboxVmProvider(exec: Exec): Provider<Inputs, Outputs> {
  const restarts = new OneByOne();
  const limited = ({ commandTimeoutSeconds }: Inputs) => execWithin(commandTimeoutSeconds * 1000, exec);
  const connect = (inputs: Inputs) =>
    new VBoxManage(inputs.vboxManage, limited(inputs), inputs.cloneTimeoutSeconds * 1000);

  /**
   * Brings the machine to its inputs, waits for its guest where it is told how, and reports what is.
   * @param known what the state knows of it; a machine with an address was ready before
   */
  const sync = async (
    uuid: string,
    inputs: Inputs,
    { log, rolling }: Context,
    known: Partial<Pick<Outputs, "address" | "stackId" | "keyRemoved">> = {},
  ): Promise<Outputs> => {
    const vbox = connect(inputs);
    const virtualBox = await ensureVirtualBoxHome(vbox);
    let address: string | undefined;
    const ready = async () => {
      if (!inputs.readiness) return;
      address = await guestAddress({ ...inputs.readiness, ...inputs, log }, limited(inputs)).catch(
        async (error: unknown) => {
          throw await withPowerState(
            vbox,
            uuid,
            error,
            known.address !== undefined || (await hasBeenFinished(vbox, uuid, inputs)),
          );
        },
      );
    };
    const disc = (vm: VmInfo, isNew: boolean) =>
      insertDisc(vbox, vm, inputs, { wasReady: known.address !== undefined, isNew });
    await syncVm(vbox, uuid, inputs, {
      origin: originOf(inputs),
      idInState: known.stackId,
      restarts,
      disc,
      ready,
      log,
    });
    await removeKey(vbox, uuid, inputs, {
      isReady: (address ?? known.address) !== undefined,
      keyRemoved: known.keyRemoved,
      log,
    });
    await markFinished(vbox, uuid, inputs);
    if (!inputs.autostart) rolling.back(inputs.name);
    return observe(vbox, (await vbox.showVm(uuid))!, { ...inputs, address, virtualBox });
  };

  return {
    defaults: {
      named: true,
      isoInserted: true,
      keyRemoved: true,
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
      name: "replace",
      named: "restart",
      stack: "replace",
      baseImage: "replace",
      cloneMode: "replace",
      baseSnapshot: "replace",
      isoSha256: "replace",
      cpus: "restart",
      memoryMb: "restart",
      vramMb: "restart",
      nics: "restart",
      disks: "restart",
      keepOpen: "restart",
      openDoors: "restart",
      isoPath: "inPlace",
      isoInserted: "inPlace",
      keyRemoved: "inPlace",
      seed: "stateOnly",
      ready: "inPlace",
      autostart: "inPlace",
      stackId: "stateOnly",
      vboxManage: "stateOnly",
      adopt: "stateOnly",
      commandTimeoutSeconds: "stateOnly",
      cloneTimeoutSeconds: "stateOnly",
      stopTimeoutSeconds: "stateOnly",
      startTimeoutSeconds: "stateOnly",
      readiness: "stateOnly",
      stackVirtualBox: "note",
    },

    problems: vmProblems,

    isMachine: true,

    async checkFit(known) {
      const inputs = known as Inputs;
      // It may be replaced together with its ISO, which has another key then.
      if (known.isoSha256 !== undefined) checkKey(inputs);
      if (known.baseImage !== undefined) await lookAtBase(connect(inputs), inputs, known.disks);
    },

    async create(inputs, context) {
      const vbox = connect(inputs);
      await vbox.checkVersion(context.log);
      const check = () => context.rolling.checkSuccessor(inputs.name);
      const { uuid, isNew } = await obtainVm(vbox, inputs, inputs, {
        origin: originOf(inputs),
        adopt: inputs.adopt,
        check,
        log: context.log,
      });
      try {
        return { id: uuid, outs: await sync(uuid, inputs, context) };
      } catch (error) {
        throw isNew
          ? await undone(vbox, uuid, inputs, error as Error)
          : await partial(vbox, uuid, inputs, error as Error);
      }
    },

    async read(id, outs, { log }) {
      const vbox = connect(outs);
      const vm = await vbox.showVm(id);
      if (!vm && (await absenceOf(vbox, { ...outs, uuid: id }, outs.virtualBox)) === "forgotten") return undefined;
      // What is left must not be lost from sight: it counts as made from something else, and so is deleted and
      // recreated.
      if (!vm)
        return (await isPartlyDeleted(vbox, outs, id))
          ? { ...outs, ...FROM_SOMETHING_ELSE, state: "deleted" }
          : undefined;
      if ((await ownershipOf(vbox, vm, outs, { idInState: outs.stackId })) === "foreign")
        throw await notOurs(vbox, vm, outs);
      reportDoors(vm, outs, log);
      return observe(vbox, vm, { ...outs, virtualBox: await homeWhereFound(vbox, outs.virtualBox) });
    },

    async checkPlace(id, outs) {
      const vbox = connect(outs);
      if (!(await vbox.isRegistered(id))) await absenceOf(vbox, { ...outs, uuid: id }, outs.virtualBox);
    },

    checkNewPlace: (inputs) => checkNewMachine(connect(inputs as Inputs), inputs as Inputs),

    async update(id, { address, stackId, keyRemoved, virtualBox }, news, context) {
      const vbox = connect(news);
      try {
        if (!(await vbox.showVm(id))) await absenceOf(vbox, { ...news, uuid: id }, virtualBox);
        return await sync(id, news, context, { address, stackId, keyRemoved });
      } catch (error) {
        throw await partial(vbox, id, { ...news, address, virtualBox }, error as Error);
      }
    },

    async delete(id, outs, context) {
      await context.rolling.checkSuccessor(outs.name);
      await withBaseImage(outs.baseImage, () =>
        deleteVm(connect(outs), id, outs, context.log, context.rolling.isReplacing(outs.name)),
      );
    },
  };
}

/** @internal Loaded by the handler in a resource's state. */
export const provider = vboxVmProvider(execHere);
