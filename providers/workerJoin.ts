import type * as pulumi from "@pulumi/pulumi";
import type { SshTargetArgs } from "../access/bastion";
import { UserError } from "../common/errors";
import { type Exec, exec as execHere } from "../common/exec";
import { addressTwin, getNode, getNodes, internalIp, isTrue, type Node, type Taint } from "../kubernetes/kubectl";
import { joinProblems } from "../kubernetes/joinProblems";
import { isMarked, judgeNode, labelsOn, type NodeMarks, syncMarks, taintsOn } from "../kubernetes/labels";
import { markOf } from "../common/mark";
import { DEFAULT_PODS, podsOf, waitForReady } from "../kubernetes/nodeReady";
import { workerFacts } from "../kubernetes/preflight";
import { SshError } from "../ssh/error";
import type { SshSession } from "../ssh/session";
import { absenceOf, UNKNOWN_HOME, type VirtualBoxHome } from "../virtualbox/home";
import { misuseOn } from "../virtualbox/vm/misuse";
import { powerProblem } from "../access/power";
import { noteBehind } from "../kubernetes/versionSkew";
import { checkFitness, ensureJoined, misused, spending } from "../kubernetes/join";
import { deleteNode, drain, resetWorker } from "../kubernetes/leave";
import { type Context, DynamicResource, PartialFailure, type Provider } from "./dynamic";
import { onCluster, onMaster, onWorker, vboxOf } from "./workerReach";

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

const DEFAULTS: Partial<Inputs> = {
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
};

const CHANGES: Provider<Inputs, Outputs>["changes"] = {
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
};

/** The provider, where `programs` runs this machine's. */
export function workerJoinProvider(programs: Exec): Provider<Inputs, Outputs> {
  return {
    defaults: DEFAULTS,
    changes: CHANGES,
    problems: joinProblems,

    async create(inputs, context) {
      const outs = await ensure(inputs, context, programs);
      context.rolling.back(inputs.name);
      return { id: outs.nodeUid, outs };
    },

    read: (_id, outs, context) => observe(outs, context, programs),

    checkPlace: async (_id, outs) => void (await isMachineThere(outs, programs)),
    update: (_id, olds, news, context) => ensure(news, context, programs, olds),

    delete: (_id, outs, context) => leave(outs, context, programs),
  };
}

/** @internal Loaded by the handler in a resource's state. */
export const provider = workerJoinProvider(execHere);

/** What a refresh sees, or undefined where the Node is gone, or another one's. */
async function observe(outs: Outputs, context: Context, programs: Exec): Promise<Outputs | undefined> {
  const misuse = await misuseOn(vboxOf(outs, programs), outs.vmUuid).known();
  if (misuse !== undefined) context.log(`is not trusted, and is to be replaced: its join token was used for something else: ${misuse}`);
  const node = await onMaster(outs, context, async (master) => {
    const node = await getNode(master, outs.name);
    if (node) await noteBehind(master, outs.name, node.status.nodeInfo.kubeletVersion, context.log);
    return node;
  });
  if (!node) return undefined;
  const { what, remark } = judgeNode(node, outs);
  if (remark) context.log(remark);
  if (what === "another") return undefined;
  if (what === "doubtful") return { ...outs, ready: false };
  const now = observed(node);
  const marks = { labels: labelsOn(node, outs.labels), taints: taintsOn(node, outs.taints), marked: isMarked(node, markOf(outs)) };
  return { ...outs, ...now, ...marks, ready: now.ready && misuse === undefined };
}

/** Drains the worker, resets it, and deletes its Node. */
async function leave(outs: Outputs, context: Context, programs: Exec): Promise<void> {
  const isRejoining = context.rolling.isRejoining(outs.name);
  const misuse = isRejoining ? await misuseOn(vboxOf(outs, programs), outs.vmUuid).known() : undefined;
  if (misuse !== undefined) throw misused(outs.name, misuse);
  const isThere = await isMachineThere(outs, programs);
  await context.rolling.leave(outs.name, context.log);
  // Who comes back on the machine that it has must be able to; a new machine was looked at.
  const facts = isRejoining ? await onWorker(outs, context, programs, workerFacts) : undefined;
  const hasNode = await onCluster(outs, context, async (master) => {
    if (facts) await checkFitness({ master, log: context.log }, outs, facts);
    return drain(master, outs, context.log);
  });
  if (isThere) await takeOff(outs, context, programs);
  else context.log("is not reset: its VirtualBox was not looked at, as it is gone for good");
  if (hasNode) await onCluster(outs, context, (master) => deleteNode(master, outs.name));
}

async function ensure(inputs: Inputs, context: Context, programs: Exec, olds?: Outputs): Promise<Outputs> {
  const { log } = context;
  const marks = (of: Inputs): NodeMarks => ({ owner: markOf(of), labels: of.labels, taints: of.taints });
  const misuse = misuseOn(vboxOf(inputs, programs), inputs.vmUuid);
  return onMaster(inputs, context, async (master) => {
    const sync = (node: Node) => syncMarks(master, node, marks(inputs), olds && marks(olds));
    const join = () => onWorker(inputs, context, programs, (worker) => ensureJoined({ worker, master, misuse, log }, inputs, olds !== undefined));
    const denied = await spending({ master, log }, inputs, join);
    try {
      const node = await waitForReady(master, { ...inputs, requiredPods: podsOf(inputs) }, inputs.readyTimeoutSeconds * 1000, log);
      await sync(node);
      // It is recorded as joined, so that its replacement takes it out of the cluster.
      if (denied !== undefined) throw misused(inputs.name, denied);
      const twin = addressTwin(await getNodes(master), inputs);
      if (twin) throw new UserError(twin, { todo: "see what gives both machines that address (VirtualBox's NAT gives each the same), and replace one of them" });
      log(`Ready, ${node.status.nodeInfo.kubeletVersion}, ${internalIp(node)}`);
      return { ...inputs, ...observed(node) };
    } catch (error) {
      throw await joinedButFailed(master, inputs, sync, denied === undefined ? (error as Error) : misused(inputs.name, denied), log);
    }
  });
}

/** A failure after the join, with what is to be recorded all the same. Why there was one comes before whatever fails now. */
async function joinedButFailed(master: SshSession, { name }: Inputs, sync: (node: Node) => Promise<void>, error: Error, log: Context["log"]): Promise<Error> {
  const node = await getNode(master, name).catch(() => undefined);
  if (!node) return error;
  await sync(node).catch(({ message }: Error) => log(`its Node could not be marked, which the next \`up\` does: ${message.split("\n")[0]}`));
  return new PartialFailure(node.metadata.uid, observed(node), error);
}

/**
 * False where the VirtualBox that had the machine is gone for good. Asked before anything is done: the machine of a worker that VirtualBox
 * does not know may run in another one.
 */
async function isMachineThere(outs: Outputs, programs: Exec): Promise<boolean> {
  const { name, vmUuid, virtualBox } = outs;
  const vbox = vboxOf(outs, programs);
  return (await vbox.isRegistered(vmUuid)) || (await absenceOf(vbox, { name, uuid: vmUuid }, virtualBox)) === "gone";
}

/** A machine that is gone, or never comes back, has nothing to reset; nor has one that shows another host key than ours. */
async function takeOff(outs: Outputs, context: Context, programs: Exec): Promise<void> {
  const problem = await powerProblem(vboxOf(outs, programs), outs.vmUuid);
  if (problem) return context.log(`is not reset: ${problem}`);
  try {
    await onWorker(outs, context, programs, (worker) => resetWorker(worker, outs.criSocket, context.log));
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
