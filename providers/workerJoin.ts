import type * as pulumi from "@pulumi/pulumi";
import { UserError } from "../common/errors";
import { type Exec, exec as execHere } from "../common/exec";
import type { Log } from "../common/log";
import { markOf } from "../common/mark";
import { ensureJoined, misused, revokingToken } from "../kubernetes/join";
import { joinProblems } from "../kubernetes/joinProblems";
import { addressTwin, getNode, getNodes, internalIp, isTrue, type Node } from "../kubernetes/kubectl";
import { isMarked, judgeNode, labelsOn, type NodeMarks, syncMarks, taintsOn } from "../kubernetes/labels";
import { DEFAULT_PODS, podsOf, waitForReady } from "../kubernetes/nodeReady";
import { noteBehind } from "../kubernetes/versionSkew";
import type { SshSession } from "../ssh/session";
import { UNKNOWN_HOME } from "../virtualbox/home";
import { misuseOn } from "../virtualbox/vm/misuse";
import { type Context, DynamicResource, PartialFailure, type Provider } from "./dynamic";
import type { Inputs, Observed, Outputs, WorkerJoinArgs } from "./workerJoinArgs";
import { isMachineThere, leave } from "./workerLeave";
import { onMaster, onWorker, vboxOf } from "./workerReach";

export type { WorkerJoinArgs } from "./workerJoinArgs";

/**
 * A worker's membership in the cluster: made by `kubeadm join`, done when its Node is Ready and the pods that it needs
 * run.
 */
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
  name: "replace",
  stack: "replace",
  machine: "replace",
  vmUuid: "replaceUnlessUnknown",
  endpoint: "replaceUnlessUnknown",
  caCertHash: "replaceUnlessUnknown",
  address: "replaceUnlessUnknown",
  criSocket: "replace",
  kubeletArgs: "replace",
  labels: "inPlace",
  taints: "inPlace",
  ready: "inPlace",
  marked: "inPlace",
  stackId: "stateOnly",
  virtualBox: "stateOnly",
  worker: "stateOnly",
  masters: "stateOnly",
  token: "stateOnly",
  requiredPods: "stateOnly",
  cniSelector: "stateOnly",
  vboxManage: "stateOnly",
  sshTimeoutSeconds: "stateOnly",
  commandTimeoutSeconds: "stateOnly",
  joinTimeoutSeconds: "stateOnly",
  readyTimeoutSeconds: "stateOnly",
  drainTimeoutSeconds: "stateOnly",
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
  if (misuse !== undefined)
    context.log(
      `is not trusted, and is to be replaced: its join token was used for something else: ${misuse}`,
      "warning",
    );
  const node = await onMaster(outs, context, async (master) => {
    const node = await getNode(master, outs.name);
    if (node) await noteBehind(master, outs.name, node.status.nodeInfo.kubeletVersion, context.log);
    return node;
  });
  if (!node) return undefined;
  const { what, remark } = judgeNode(node, outs);
  if (remark) context.log(remark, "warning");
  if (what === "another") return undefined;
  if (what === "doubtful") return { ...outs, ready: false };
  const now = observed(node);
  const marks = {
    labels: labelsOn(node, outs.labels),
    taints: taintsOn(node, outs.taints),
    marked: isMarked(node, markOf(outs)),
  };
  return { ...outs, ...now, ...marks, ready: now.ready && misuse === undefined };
}

async function ensure(inputs: Inputs, context: Context, programs: Exec, olds?: Outputs): Promise<Outputs> {
  const { log } = context;
  const marks = (of: Inputs): NodeMarks => ({ owner: markOf(of), labels: of.labels, taints: of.taints });
  const misuse = misuseOn(vboxOf(inputs, programs), inputs.vmUuid);
  return onMaster(inputs, context, async (master) => {
    const sync = (node: Node) => syncMarks(master, node, marks(inputs), olds && marks(olds));
    const join = () =>
      onWorker(inputs, context, programs, (worker) =>
        ensureJoined({ worker, master, misuse, log }, inputs, olds !== undefined),
      );
    const denied = await revokingToken({ master, log }, inputs, join);
    try {
      const node = await waitForReady(
        master,
        { ...inputs, requiredPods: podsOf(inputs) },
        inputs.readyTimeoutSeconds * 1000,
        log,
      );
      await sync(node);
      // It is recorded as joined, so that its replacement takes it out of the cluster.
      if (denied !== undefined) throw misused(inputs.name, denied);
      const twin = addressTwin(await getNodes(master), inputs);
      if (twin)
        throw new UserError(twin, {
          hint: "see what gives both machines that address (VirtualBox's NAT gives each the same), and replace one of them",
        });
      log(`Ready, ${node.status.nodeInfo.kubeletVersion}, ${internalIp(node)}`);
      return { ...inputs, ...observed(node) };
    } catch (error) {
      throw await joinedButFailed(
        master,
        inputs,
        sync,
        denied === undefined ? (error as Error) : misused(inputs.name, denied),
        log,
      );
    }
  });
}

/**
 * A failure after the join, with what is to be recorded all the same. Why there was one comes before whatever fails
 * now.
 */
async function joinedButFailed(
  master: SshSession,
  { name }: Inputs,
  sync: (node: Node) => Promise<void>,
  error: Error,
  log: Log,
): Promise<Error> {
  const node = await getNode(master, name).catch(() => undefined);
  if (!node) return error;
  await sync(node).catch(({ message }: Error) =>
    log(`its Node could not be marked, which the next \`up\` does: ${message.split("\n")[0]}`, "warning"),
  );
  return new PartialFailure(node.metadata.uid, observed(node), error);
}

const observed = (node: Node): Observed => ({
  nodeUid: node.metadata.uid,
  systemUuid: node.status.nodeInfo.systemUUID.toLowerCase(),
  kubeletVersion: node.status.nodeInfo.kubeletVersion,
  internalIp: internalIp(node) ?? "",
  ready: isTrue(node, "Ready"),
});
