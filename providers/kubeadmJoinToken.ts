import type * as pulumi from "@pulumi/pulumi";
import type { SshTargetArgs } from "../access/bastion";
import {
  newToken,
  registerToken,
  revokeToken,
  revokeTokensOf,
  tokenDescription,
  tokenId,
} from "../kubernetes/bootstrapToken";
import { isUnreachable, withMaster } from "../access/masters";
import { quoteValue } from "../common/quoteValue";
import type { SshSession } from "../ssh/session";
import { ensureTokenGroup, releaseTokenGroup } from "../kubernetes/tokenGroup";
import { type Context, DynamicResource, type Provider } from "./dynamic";

/** Arguments of {@link KubeadmJoinToken}. */
export interface KubeadmJoinTokenArgs {
  /** The worker that the token is for: one token joins one worker. A change replaces. */
  name: pulumi.Input<string>;
  /** The owner, `clusterName/stack`: part of the token's description in the cluster. A change replaces. */
  stack: pulumi.Input<string>;
  /**
   * The stack's random id, part of that description. Default: none, as in version 0.1.0. A change is used the next
   * time.
   */
  stackId?: pulumi.Input<string>;
  /** The masters, in the order in which they are asked. A change is used the next time. */
  masters: pulumi.Input<SshTargetArgs[]>;
  /** Identity of the worker's machine: a machine that is recreated gets a token of its own. A change replaces. */
  machine: pulumi.Input<string>;
  /**
   * How long the token lives if its join does not revoke it first, in minutes, 1 to 1440. Default 30. A change is used
   * the next time.
   */
  ttlMinutes?: pulumi.Input<number>;
  /**
   * VBoxManage, which is asked for the address of a bastion that is given by its VM. Default `VBoxManage`. A change is
   * used the next time.
   */
  vboxManage?: pulumi.Input<string>;
  /** How long a master may take to answer by SSH, in seconds. Default 120. A change is used the next time. */
  sshTimeoutSeconds?: pulumi.Input<number>;
  /**
   * How long one command may take, over SSH or of VBoxManage, in seconds. Default 120. A change is used the next time.
   */
  commandTimeoutSeconds?: pulumi.Input<number>;
}

/**
 * A bootstrap token of kubeadm, registered on a master for one worker. It is short-lived, and the join revokes it, so a
 * token that the cluster no longer has is no drift.
 */
export class KubeadmJoinToken extends DynamicResource {
  /** The token. Secret. */
  declare readonly token: pulumi.Output<string>;

  constructor(name: string, args: KubeadmJoinTokenArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "providers/kubeadmJoinToken",
      "kubeadm:JoinToken",
      name,
      args,
      { outputs: ["token"], secrets: ["token"] },
      opts,
    );
  }
}

type Inputs = Required<pulumi.Unwrap<KubeadmJoinTokenArgs>>;
type Outputs = Inputs & { token: string };

/** @internal Loaded by the handler in a resource's state. */
export const provider: Provider<Inputs, Outputs> = {
  defaults: {
    stackId: "",
    ttlMinutes: 30,
    vboxManage: "VBoxManage",
    sshTimeoutSeconds: 120,
    commandTimeoutSeconds: 120,
  },

  changes: {
    name: "replace",
    stack: "replace",
    machine: "replace",
    stackId: "stateOnly",
    masters: "stateOnly",
    ttlMinutes: "stateOnly",
    vboxManage: "stateOnly",
    sshTimeoutSeconds: "stateOnly",
    commandTimeoutSeconds: "stateOnly",
  },

  problems({ ttlMinutes, masters }) {
    return {
      ...(masters?.length === 0 && { masters: "is empty; give at least one master" }),
      ...(ttlMinutes !== undefined &&
        !(ttlMinutes >= 1 && ttlMinutes <= 1440) && {
          ttlMinutes: `${quoteValue(ttlMinutes)} is not a lifetime; give 1 to 1440 minutes`,
        }),
    };
  },

  async create(inputs, context) {
    const outs = await onMaster(inputs, context, async (session) => {
      await revokeTokensOf(session, inputs);
      await ensureTokenGroup(session, inputs);
      const token = newToken();
      await registerToken(session, token, { ttlMinutes: inputs.ttlMinutes, description: tokenDescription(inputs) });
      context.log(`join token ${tokenId(token)} made, for ${inputs.ttlMinutes} minutes at most`);
      return { ...inputs, token };
    });
    return { id: tokenId(outs.token), outs };
  },

  read: (_id, outs) => Promise.resolve(tokenAlone(outs)),

  // Whatever may change without a replacement is only used the next time.
  update: (_id, olds, news) => Promise.resolve(tokenAlone({ ...olds, ...news })),

  async delete(id, outs, context) {
    try {
      await onMaster(outs, context, async (session) => {
        await revokeToken(session, id);
        await revokeTokensOf(session, outs);
        await releaseTokenGroup(session, outs);
      });
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      context.log(
        `token ${id} could not be revoked, and ends by itself within ${outs.ttlMinutes} minutes of its making: ${error.summary}`,
        "warning",
      );
    }
  },
};

const onMaster = <T>(
  { masters, vboxManage, sshTimeoutSeconds, commandTimeoutSeconds }: Inputs,
  { log }: Context,
  use: (session: SshSession) => Promise<T>,
) =>
  withMaster(
    masters,
    vboxManage,
    { deadlineMs: sshTimeoutSeconds * 1000, commandTimeoutMs: commandTimeoutSeconds * 1000, log },
    use,
  );

/**
 * Version 0.1.0 kept the cluster's facts with each token, the administrator's kubeconfig among them: KubeadmCluster has
 * them now.
 */
function tokenAlone(outs: Outputs): Outputs {
  return Object.fromEntries(
    Object.entries(outs).filter(([property]) => !["kubeconfig", "endpoint", "caCertHash"].includes(property)),
  ) as Outputs;
}
