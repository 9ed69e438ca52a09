import type * as pulumi from "@pulumi/pulumi";
import { randomBytes } from "node:crypto";
import { type Exec, exec as execHere, execWithin } from "../common/exec";
import {
  ensureVirtualBoxHome,
  isForgotten,
  stackNotFound,
  UNKNOWN_HOME,
  virtualBoxHome,
  type VirtualBoxHome,
} from "../virtualbox/home";
import { VBoxManage } from "../virtualbox/vboxManage";
import { hasMachineOf } from "../virtualbox/vm/stackMachines";
import { DynamicResource, type Provider } from "./dynamic";

/** Arguments of {@link StackIdentity}. */
export interface StackIdentityArgs {
  /** The stack's name in marks, progress lines and errors: `cluster/stack`. A change is used the next time. */
  name: pulumi.Input<string>;
  /**
   * Whether the stack makes machines. Default: none is made, and VirtualBox is not asked. A change to true is in place;
   * one to false is no change.
   */
  hasWorkers?: pulumi.Input<boolean>;
  /** The VBoxManage executable. Default `VBoxManage`. A change is used the next time. */
  vboxManage?: pulumi.Input<string>;
  /** How long one command may take, in seconds. Default 120. A change is used the next time. */
  commandTimeoutSeconds?: pulumi.Input<number>;
}

/**
 * What a stack is known by, made once and kept in its state.
 *
 * Its random id is part of every mark, because two stacks may have the same names: in a second checkout, on another
 * backend, or after a state was lost.
 *
 * Its VirtualBox is the one that was asked when the stack first had machines to make, and stays: new machines are made
 * in that one. It becomes another one where a refresh or an update finds machines of the stack there, which were moved on
 * purpose, or where the user says that the first is gone for good. A state that has an id and no VirtualBox, of an
 * earlier version, learns it in the one that has a machine of the stack; any other one is refused.
 */
export class StackIdentity extends DynamicResource {
  /** 128 random bits: 32 hexadecimal digits. */
  declare readonly stackId: pulumi.Output<string>;
  /** The stack's VirtualBox; undefined while that is not known, and while the stack makes no machine. */
  declare readonly virtualBox: pulumi.Output<VirtualBoxHome | undefined>;

  constructor(name: string, args: StackIdentityArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = ["stackId", "virtualBox"];
    super("providers/stackIdentity", "kubeadm:StackIdentity", name, args, { outputs }, opts);
  }
}

interface Inputs {
  name: string;
  /** Undefined in the state of an earlier version; false where there is no VirtualBox yet, or it is gone for good. */
  hasWorkers?: boolean;
  vboxManage: string;
  commandTimeoutSeconds: number;
}

interface Outputs extends Inputs {
  stackId: string;
  virtualBox?: VirtualBoxHome;
}

/** The provider, on top of whatever runs VBoxManage. */
export function stackIdentityProvider(exec: Exec): Provider<Inputs, Outputs> {
  const connect = ({ vboxManage, commandTimeoutSeconds }: Inputs) =>
    new VBoxManage(vboxManage, execWithin(commandTimeoutSeconds * 1000, exec));

  return {
    isShared: true,
    defaults: { vboxManage: "VBoxManage", commandTimeoutSeconds: 120 },
    changes: {
      name: "stateOnly",
      hasWorkers: "stateOnly",
      vboxManage: "stateOnly",
      commandTimeoutSeconds: "stateOnly",
    },
    // Its machines may be refused to go: until then they have their VirtualBox.
    keep: (olds, news) => (news.hasWorkers ? news : { ...news, hasWorkers: olds.hasWorkers }),

    problems: () => ({}),

    async create(inputs) {
      const stackId = randomBytes(16).toString("hex");
      const virtualBox = inputs.hasWorkers ? await ensureVirtualBoxHome(connect(inputs)) : undefined;
      return { id: stackId, outs: { ...inputs, stackId, virtualBox } };
    },

    async read(_id, outs) {
      const { virtualBox } = outs;
      if (!virtualBox) return outs;
      // What that one had counts as gone: the next `up` makes it in the VirtualBox that is asked then.
      if (isForgotten(virtualBox)) return { ...outs, hasWorkers: false, virtualBox: undefined };
      const vbox = connect(outs);
      return (await isHere(vbox, outs)) ? { ...outs, virtualBox: await ensureVirtualBoxHome(vbox) } : outs;
    },

    async checkPlace(_id, olds, news) {
      if (!news.hasWorkers || !mayHaveMachines(olds)) return;
      const vbox = connect(news);
      if (!(await isHere(vbox, olds))) throw await stackNotFound(vbox, olds.name);
    },

    async update(_id, olds, news) {
      const { stackId, virtualBox: former } = olds;
      const known = former && !isForgotten(former) ? former : undefined;
      if (!news.hasWorkers) return { ...news, stackId, virtualBox: known };
      const vbox = connect(news);
      if (!(await isHere(vbox, olds))) {
        if (known) return { ...news, stackId, virtualBox: known };
        if (mayHaveMachines(olds)) throw await stackNotFound(vbox, olds.name);
      }
      return { ...news, stackId, virtualBox: await ensureVirtualBoxHome(vbox) };
    },

    // There is nothing but what the state says.
    delete: () => Promise.resolve(),
  };
}

/** @internal Loaded by the handler in a resource's state. */
export const provider = stackIdentityProvider(execHere);

/** Whether the VirtualBox that is asked is the known one, or has machines of the stack. */
async function isHere(vbox: VBoxManage, { name, stackId, virtualBox }: Outputs): Promise<boolean> {
  if (virtualBox && virtualBox.id === (await virtualBoxHome(vbox))?.id) return true;
  return hasMachineOf(vbox, { stack: name, stackId });
}

/** Whether the state of an earlier version may have machines in a VirtualBox that is not known. */
const mayHaveMachines = ({ hasWorkers, virtualBox }: Outputs) =>
  hasWorkers === undefined && !virtualBox && !isForgotten(UNKNOWN_HOME);
