import type * as pulumi from "@pulumi/pulumi";
import { randomBytes } from "node:crypto";
import { DynamicResource, type Provider } from "./dynamic";

/** Arguments of {@link StackIdentity}. */
export interface StackIdentityArgs {
  /** The stack's name in progress lines and errors: `cluster/stack`. A change is used the next time. */
  name: pulumi.Input<string>;
}

/**
 * The stack's random id, made once and kept in its state. It is part of every mark, because two stacks may have the
 * same names: in a second checkout, on another backend, or after a state was lost.
 */
export class StackIdentity extends DynamicResource {
  /** 128 random bits: 32 hexadecimal digits. */
  declare readonly stackId: pulumi.Output<string>;

  constructor(name: string, args: StackIdentityArgs, opts?: pulumi.CustomResourceOptions) {
    super("providers/stackIdentity", "kubeadm:StackIdentity", name, args, { outputs: ["stackId"] }, opts);
  }
}

type Inputs = pulumi.Unwrap<StackIdentityArgs>;
type Outputs = Inputs & { stackId: string };

/** @internal Loaded by the handler in a resource's state. */
export const provider: Provider<Inputs, Outputs> = {
  isShared: true,
  defaults: {},
  changes: { name: "stateOnly" },
  problems: () => ({}),

  create(inputs) {
    const stackId = randomBytes(16).toString("hex");
    return Promise.resolve({ id: stackId, outs: { ...inputs, stackId } });
  },

  read: (_id, outs) => Promise.resolve(outs),
  update: (_id, { stackId }, news) => Promise.resolve({ ...news, stackId }),

  // There is nothing but what the state says.
  delete: () => Promise.resolve(),
};
