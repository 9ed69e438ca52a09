import type * as pulumi from "@pulumi/pulumi";
import { resolveBastion, type SshTargetArgs } from "../access/bastion";
import { execWithin } from "../common/exec";
import { adminKubeconfig } from "../kubernetes/adminKubeconfig";
import { type JoinInformation, joinInformation } from "../kubernetes/clusterInfo";
import { withMaster } from "../access/masters";
import type { SshSession } from "../ssh/session";
import { type Context, DynamicResource, type Provider } from "./dynamic";

/** Arguments of {@link KubeadmCluster}. */
export interface KubeadmClusterArgs {
  /** The cluster's name in progress lines and errors. A change is used the next time. */
  name: pulumi.Input<string>;
  /** The masters, in the order in which they are asked. A change is used the next time. */
  masters: pulumi.Input<SshTargetArgs[]>;
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

/** The cluster that the masters serve, as they show it: asked once for all workers, and never changed. */
export class KubeadmCluster extends DynamicResource {
  /** The API server's address and port. */
  declare readonly endpoint: pulumi.Output<string>;
  /** The pin of the cluster's CA, `sha256:…`: the same one as long as the cluster has that CA. */
  declare readonly caCertHash: pulumi.Output<string>;
  /** The administrator's kubeconfig. Secret. */
  declare readonly kubeconfig: pulumi.Output<string>;
  /**
   * The bastion's address, through which it was asked; undefined without a bastion, and in a state that an earlier
   * version wrote.
   */
  declare readonly bastionAddress: pulumi.Output<string | undefined>;

  constructor(name: string, args: KubeadmClusterArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = ["endpoint", "caCertHash", "kubeconfig", "bastionAddress"];
    super(
      "providers/kubeadmCluster",
      "kubeadm:Cluster",
      name,
      args,
      { outputs, secrets: ["kubeconfig"], copies: { bastionAddress: "masters" } },
      opts,
    );
  }
}

type Inputs = Required<pulumi.Unwrap<KubeadmClusterArgs>>;
type Observed = JoinInformation & { kubeconfig: string; bastionAddress?: string };
type Outputs = Inputs & Observed;

/** @internal Loaded by the handler in a resource's state. */
export const provider: Provider<Inputs, Outputs> = {
  isShared: true,

  defaults: { vboxManage: "VBoxManage", sshTimeoutSeconds: 120, commandTimeoutSeconds: 120 },

  changes: {
    name: "stateOnly",
    masters: "stateOnly",
    vboxManage: "stateOnly",
    sshTimeoutSeconds: "stateOnly",
    commandTimeoutSeconds: "stateOnly",
  },

  problems: ({ masters }) => (masters?.length === 0 ? { masters: "is empty; give at least one master" } : {}),

  async create(inputs, context) {
    return { id: inputs.name, outs: { ...inputs, ...(await observe(inputs, context)) } };
  },

  async read(_id, outs, context) {
    return { ...outs, ...(await observe(outs, context, outs.caCertHash)) };
  },

  // What the cluster is, a refresh sees.
  update: (_id, olds, news) => Promise.resolve({ ...olds, ...news }),

  // The cluster is the masters'.
  delete: () => Promise.resolve(),
};

/** @param pinned the CA's pin until now */
async function observe(
  { masters, vboxManage, sshTimeoutSeconds, commandTimeoutSeconds }: Inputs,
  { log }: Context,
  pinned?: string,
): Promise<Observed> {
  const look = async (session: SshSession) => ({
    ...(await joinInformation(session, pinned)),
    kubeconfig: await adminKubeconfig(session),
  });
  const cluster = await withMaster(
    masters,
    vboxManage,
    { deadlineMs: sshTimeoutSeconds * 1000, commandTimeoutMs: commandTimeoutSeconds * 1000, log },
    look,
  );
  const bastion = masters[0]?.bastion;
  return bastion
    ? {
        ...cluster,
        bastionAddress: (await resolveBastion(bastion, vboxManage, execWithin(commandTimeoutSeconds * 1000))).address,
      }
    : cluster;
}
