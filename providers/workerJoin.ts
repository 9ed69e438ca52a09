import type * as pulumi from "@pulumi/pulumi";
import { resolveTarget, type SshTargetArgs } from "../host/bastion";
import { UserError } from "../host/errors";
import { execWithin } from "../host/exec";
import { addressTwin, getNode, getNodes, internalIp, isTrue, type Node, type Taint } from "../host/kubectl";
import { joinProblems } from "../host/joinProblems";
import { isMarked, isOurs, labelsOn, type NodeMarks, syncMarks, taintsOn } from "../host/labels";
import { markOf } from "../host/mark";
import { isOutOfReach, withMaster } from "../host/masters";
import { DEFAULT_PODS, podsOf, waitForReady } from "../host/nodeReady";
import { workerFacts } from "../host/preflight";
import { shown } from "../host/shown";
import { SshError, type SshSession, withSession } from "../host/ssh";
import { VBoxManage } from "../host/vboxmanage";
import { absenceOf, UNKNOWN_HOME, type VirtualBoxHome } from "../host/virtualBoxHome";
import { powerProblem, withPowerState } from "../host/vm/power";
import { behind, serverVersion } from "../host/versionSkew";
import { checkFitness, ensureJoined, spending } from "../host/workerJoin";
import { deleteNode, drain, resetWorker } from "../host/workerLeave";
import { type Context, DynamicResource, PartialFailure, type Provider } from "./dynamic";

/** Arguments of {@link WorkerJoin}. */
export interface WorkerJoinArgs {
  /** The node's name, which is the machine's host name. A change replaces. */
  name: pulumi.Input<string>;
  /** The owner, `project/stack`: the mark on the Node. A change replaces. */
  stack: pulumi.Input<string>;
  /** The stack's random id, part of that mark. Default: none, as in version 0.1.0. A change is used the next time. */
  stackId?: pulumi.Input<string>;
  /** Identity of the worker's machine by its inputs (base image, cloud-init content). A change replaces. */
  machine: pulumi.Input<string>;
  /** VirtualBox's UUID of the worker's machine: another one has not joined. A change replaces. */
  vmUuid: pulumi.Input<string>;
  /** The VirtualBox that has the machine; another one that does not know it proves nothing. Default: not known. A change is used the next time. */
  virtualBox?: pulumi.Input<VirtualBoxHome>;
  /** The worker, by SSH. A change is used the next time. */
  worker: pulumi.Input<SshTargetArgs>;
  /** The masters, in the order in which they are asked. A change is used the next time. */
  masters: pulumi.Input<SshTargetArgs[]>;
  /** The API server's address and port. A change replaces. */
  endpoint: pulumi.Input<string>;
  /** The pin of the cluster's CA, `sha256:…`: another CA is another cluster. A change replaces. */
  caCertHash: pulumi.Input<string>;
  /** The bootstrap token. Secret. Not part of the node's identity: a change is used the next time, and a spent one is renewed for the join. */
  token: pulumi.Input<string>;
  /** The worker's address: the node's InternalIP, given to the kubelet as `--node-ip`. A change replaces. */
  address: pulumi.Input<string>;
  /** The container runtime's socket. Default `unix:///run/containerd/containerd.sock`. A change replaces. */
  criSocket?: pulumi.Input<string>;
  /** Labels of the Node. Default none. A change is made live. */
  labels?: pulumi.Input<Record<string, string>>;
  /** Taints of the Node. Default none. A change is made live. */
  taints?: pulumi.Input<Taint[]>;
  /** Kubelet arguments without their dashes. Default none. A change replaces. */
  kubeletArgs?: pulumi.Input<Record<string, string>>;
  /**
   * Labels of pods: of each a Ready one must be on the node. Default `k8s-app=kube-proxy` and `app=flannel`; none: the Node's own readiness is
   * enough. A change is used the next time.
   */
  requiredPods?: pulumi.Input<string[]>;
  /** Labels of the CNI's pod: stands for a `requiredPods` of kube-proxy and these. Default none. A change is used the next time. */
  cniSelector?: pulumi.Input<string>;
  /** VBoxManage, which is asked for the address of a bastion that is given by its VM. Default `VBoxManage`. A change is used the next time. */
  vboxManage?: pulumi.Input<string>;
  /** How long a machine may take to answer by SSH, in seconds. Default 120. A change is used the next time. */
  sshTimeoutSeconds?: pulumi.Input<number>;
  /** How long one command may take, over SSH or of VBoxManage; those below have deadlines of their own, in seconds. Default 120. A change is used the next time. */
  commandTimeoutSeconds?: pulumi.Input<number>;
  /** How long each phase of kubeadm join may take, in seconds. Default 300. A change is used the next time. */
  joinTimeoutSeconds?: pulumi.Input<number>;
  /** How long the joined node may take to be Ready with the pods that it needs, in seconds. Default 300. A change is used the next time. */
  readyTimeoutSeconds?: pulumi.Input<number>;
  /** How long the node's pods may take to leave, in seconds. Default 120. A change is used the next time. */
  drainTimeoutSeconds?: pulumi.Input<number>;
}

/** A worker's membership in the cluster: made by `kubeadm join`, done when its Node is Ready and the pods that it needs run. */
export class WorkerJoin extends DynamicResource {
  declare readonly name: pulumi.Output<string>;
  /** The Node's UID. */
  declare readonly nodeUid: pulumi.Output<string>;
  /** The UUID that the machine's firmware reports. */
  declare readonly systemUuid: pulumi.Output<string>;
  /** Such as `v1.36.3`. */
  declare readonly kubeletVersion: pulumi.Output<string>;
  /** The Node's InternalIP. */
  declare readonly internalIp: pulumi.Output<string>;
  /** Whether the Node is Ready. */
  declare readonly ready: pulumi.Output<boolean>;

  constructor(name: string, args: WorkerJoinArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = ["nodeUid", "systemUuid", "kubeletVersion", "internalIp", "ready"];
    super("providers/workerJoin", "kubeadm:WorkerJoin", name, args, { outputs, secrets: ["token"] }, opts);
  }
}

/** Always true; a refresh makes false what it finds otherwise, and so there is an update. */
interface Kept {
  /** The Node is Ready. */
  ready: boolean;
  /** The Node carries our mark. */
  marked: boolean;
}
type Inputs = Required<pulumi.Unwrap<WorkerJoinArgs>> & Kept;
interface Observed {
  nodeUid: string;
  systemUuid: string;
  kubeletVersion: string;
  internalIp: string;
  ready: boolean;
}
type Outputs = Inputs & Observed;

/** @internal Loaded by the handler in a resource's state. */
export const provider: Provider<Inputs, Outputs> = {
  defaults: {
    ready: true,
    marked: true,
    stackId: "",
    virtualBox: UNKNOWN_HOME,
    criSocket: "unix:///run/containerd/containerd.sock",
    labels: {},
    taints: [],
    kubeletArgs: {},
    requiredPods: [...DEFAULT_PODS],
    cniSelector: "",
    vboxManage: "VBoxManage",
    sshTimeoutSeconds: 120,
    commandTimeoutSeconds: 120,
    joinTimeoutSeconds: 300,
    readyTimeoutSeconds: 300,
    drainTimeoutSeconds: 120,
  },

  changes: {
    name: "replaces",
    stack: "replaces",
    machine: "replaces",
    vmUuid: "replacesOnceKnown",
    endpoint: "replacesOnceKnown",
    caCertHash: "replacesOnceKnown",
    address: "replacesOnceKnown",
    criSocket: "replaces",
    kubeletArgs: "replaces",
    labels: "live",
    taints: "live",
    ready: "live",
    marked: "live",
    stackId: "nextTime",
    virtualBox: "nextTime",
    worker: "nextTime",
    masters: "nextTime",
    token: "nextTime",
    requiredPods: "nextTime",
    cniSelector: "nextTime",
    vboxManage: "nextTime",
    sshTimeoutSeconds: "nextTime",
    commandTimeoutSeconds: "nextTime",
    joinTimeoutSeconds: "nextTime",
    readyTimeoutSeconds: "nextTime",
    drainTimeoutSeconds: "nextTime",
  },

  problems: joinProblems,

  async create(inputs, context) {
    const outs = await ensure(inputs, context);
    context.rolling.back(inputs.name);
    return { id: outs.nodeUid, outs };
  },

  async read(_id, outs, context) {
    const node = await onMaster(outs, context, async (master) => {
      const node = await getNode(master, outs.name);
      const late = node && behind(node.status.nodeInfo.kubeletVersion, await serverVersion(master));
      if (late) context.log(late);
      return node;
    });
    if (!node) return undefined;
    const now = observed(node);
    const isSame = node.metadata.uid === outs.nodeUid;
    // A kubelet can say anything of its machine, but cannot delete its Node: such a worker is no newcomer.
    if (isSame && isOurs(node, outs) && now.systemUuid !== outs.systemUuid) {
      context.log(`its kubelet says that it runs on another machine, ${shown(now.systemUuid)} and not ${outs.systemUuid}`);
      return { ...outs, ready: false };
    }
    if (!isOurs(node, outs) || now.systemUuid !== outs.systemUuid) {
      context.log(`the cluster's Node of this name is another's, or another machine's (${shown(now.systemUuid)}, not ${outs.systemUuid})`);
      return undefined;
    }
    return { ...outs, ...now, labels: labelsOn(node, outs.labels), taints: taintsOn(node, outs.taints), marked: isMarked(node, markOf(outs)) };
  },

  update: (_id, olds, news, context) => ensure(news, context, olds),

  async delete(_id, outs, context) {
    const isThere = await isMachineThere(outs);
    await context.rolling.leave(outs.name, context.log);
    // Who comes back on the machine that it has must be able to; a new machine was looked at.
    const facts = context.rolling.isRejoining(outs.name) ? await onWorker(outs, context, workerFacts) : undefined;
    const hasNode = await onCluster(outs, context, async (master) => {
      if (facts) await checkFitness({ master, log: context.log }, outs, facts);
      return drain(master, outs, context.log);
    });
    if (isThere) await leave(outs, context);
    else context.log("is not reset: its VirtualBox was not looked at, as it is gone for good");
    if (hasNode) await onCluster(outs, context, (master) => deleteNode(master, outs.name));
  },
};

async function ensure(inputs: Inputs, context: Context, olds?: Outputs): Promise<Outputs> {
  const marks = (of: Inputs): NodeMarks => ({ owner: markOf(of), labels: of.labels, taints: of.taints });
  return onMaster(inputs, context, async (master) => {
    const { log } = context;
    await spending({ master, log }, inputs, () => onWorker(inputs, context, (worker) => ensureJoined({ worker, master, log }, inputs, olds !== undefined)));
    try {
      const node = await waitForReady(master, { ...inputs, requiredPods: podsOf(inputs) }, inputs.readyTimeoutSeconds * 1000, context.log);
      await syncMarks(master, node, marks(inputs), olds && marks(olds));
      const twin = addressTwin(await getNodes(master), inputs);
      if (twin) throw new UserError(twin, { todo: "see what gives both machines that address (VirtualBox's NAT gives each the same), and replace one of them" });
      context.log(`Ready, ${node.status.nodeInfo.kubeletVersion}, ${internalIp(node)}`);
      return { ...inputs, ...observed(node) };
    } catch (error) {
      const node = await getNode(master, inputs.name).catch(() => undefined);
      if (!node) throw error;
      await syncMarks(master, node, marks(inputs), olds && marks(olds));
      throw new PartialFailure(node.metadata.uid, observed(node), error as Error);
    }
  });
}

/**
 * Does what a leaving worker's cluster is to do. One that does not answer holds up no destroy; but a worker that is to come back stays with it.
 * @returns undefined where the cluster does not answer
 */
async function onCluster<T>(outs: Outputs, context: Context, use: (session: SshSession) => Promise<T>): Promise<T | undefined> {
  const { name } = outs;
  try {
    return await onMaster(outs, context, use);
  } catch (error) {
    if (!isOutOfReach(error)) throw error;
    if (context.rolling.isReplacing(name)) throw notReplaced(error);
    context.log(`its Node stays, as the cluster does not answer: ${error.summary}. If the cluster still lives: kubectl delete node ${name}`);
    return undefined;
  }
}

const notReplaced = (error: UserError) =>
  new UserError("the worker is to be replaced, and was left as it is: its cluster does not answer, and a new one could not join", {
    said: error.message,
    todo: "bring the cluster back, then run `pulumi up` again; where it is gone for good, `pulumi destroy` works without it",
    cause: error,
  });

/**
 * False where the VirtualBox that had the machine is gone for good. Asked before anything is done: the machine of a worker that VirtualBox
 * does not know may run in another one.
 */
async function isMachineThere({ name, vmUuid, vboxManage, virtualBox, ...outs }: Outputs): Promise<boolean> {
  const vbox = new VBoxManage(vboxManage, execWithin(deadlines(outs).commandTimeoutMs));
  return (await vbox.isRegistered(vmUuid)) || (await absenceOf(vbox, { name, uuid: vmUuid }, virtualBox)) === "gone";
}

/** A machine that is gone, or never comes back, has nothing to reset; nor has one that shows another host key than ours. */
async function leave(outs: Outputs, context: Context): Promise<void> {
  const vbox = new VBoxManage(outs.vboxManage, execWithin(deadlines(outs).commandTimeoutMs));
  const problem = await powerProblem(vbox, outs.vmUuid);
  if (problem) return context.log(`is not reset: ${problem}`);
  try {
    await onWorker(outs, context, (worker) => resetWorker(worker, outs.criSocket, context.log));
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    context.log(`is not reset: ${error.summary}`);
  }
}

const observed = (node: Node): Observed => ({
  nodeUid: node.metadata.uid,
  systemUuid: node.status.nodeInfo.systemUUID.toLowerCase(),
  kubeletVersion: node.status.nodeInfo.kubeletVersion,
  internalIp: internalIp(node) ?? "",
  ready: isTrue(node, "Ready"),
});

const deadlines = ({ sshTimeoutSeconds, commandTimeoutSeconds }: Pick<Inputs, "sshTimeoutSeconds" | "commandTimeoutSeconds">) => ({ deadlineMs: sshTimeoutSeconds * 1000, commandTimeoutMs: commandTimeoutSeconds * 1000 });

const onMaster = <T>(inputs: Inputs, { log }: Context, use: (session: SshSession) => Promise<T>) =>
  withMaster(inputs.masters, inputs.vboxManage, { ...deadlines(inputs), log }, use);

async function onWorker<T>(inputs: Inputs, { log }: Context, use: (session: SshSession) => Promise<T>) {
  const { commandTimeoutMs, ...rest } = deadlines(inputs);
  const exec = execWithin(commandTimeoutMs);
  const target = await resolveTarget(inputs.worker, inputs.vboxManage, exec);
  try {
    return await withSession(target, { ...rest, commandTimeoutMs, what: inputs.name, log }, use);
  } catch (error) {
    throw await withPowerState(new VBoxManage(inputs.vboxManage, exec), inputs.vmUuid, error);
  }
}
