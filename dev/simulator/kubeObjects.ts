import { createHash } from "node:crypto";
import type { Readiness } from "./cluster";
import type { ClusterNode } from "./state";

/** A Node as the API has it, as far as somebody reads it. */
export const nodeObject = (node: ClusterNode, readiness: Readiness) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    name: node.name,
    uid: node.uid,
    creationTimestamp: time(node.registered),
    labels: node.labels,
    annotations: node.annotations,
  },
  spec: specOf(node, [...node.taints, ...conditionTaints(node, readiness)]),
  status: {
    addresses: [
      { type: "InternalIP", address: node.internalIp },
      { type: "Hostname", address: node.name },
    ],
    conditions: [{ type: "Ready", ...readiness }],
    nodeInfo: {
      machineID: node.machineId,
      systemUUID: node.systemUuid,
      kubeletVersion: node.kubeletVersion,
      containerRuntimeVersion: node.runtimeVersion ?? "containerd://1.7.24",
      kernelVersion: "6.12.48+deb13-amd64",
      osImage: "Debian GNU/Linux 13 (trixie)",
    },
  },
});

/**
 * The two pods that DaemonSets have on each Node: kube-proxy and flannel. They are as ready as the Node.
 * @param flannelWaits why flannel's container does not start, if it does not
 */
export const podObjects = (node: ClusterNode, { status }: Readiness, flannelWaits?: string) =>
  [
    { namespace: "kube-flannel", set: "kube-flannel-ds", labels: { app: "flannel" }, waits: flannelWaits },
    { namespace: "kube-system", set: "kube-proxy", labels: { "k8s-app": "kube-proxy" } },
  ].map(({ namespace, set, labels, waits = status === "False" ? "ContainerCreating" : undefined }) => {
    const ready = status === "True" && waits === undefined;
    return {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `${set}-${suffix(set, node.uid)}`,
        namespace,
        labels,
        creationTimestamp: time(node.registered),
      },
      spec: { nodeName: node.name },
      status: {
        phase: waits === undefined ? "Running" : "Pending",
        podIP: node.internalIp,
        conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
        containerStatuses: [
          { name: set, ready, state: waits === undefined ? { running: {} } : { waiting: { reason: waits } } },
        ],
      },
    };
  });

/** A Node as the API has it. */
export type NodeObject = ReturnType<typeof nodeObject>;

/** A Pod as the API has it. */
export type PodObject = ReturnType<typeof podObjects>[number];

/** A time as the API writes it: seconds, UTC. */
export const time = (milliseconds: number) => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, "Z");

/** A list without an element is left out, as all that is empty in Kubernetes' objects. */
const specOf = ({ unschedulable }: ClusterNode, taints: readonly Pick<ClusterNode["taints"][number], "key">[]) => ({
  ...(unschedulable && { unschedulable }),
  ...(taints.length > 0 && { taints }),
});

/** The taints that the node controller keeps (kubernetes/pkg/controller/nodelifecycle). */
function conditionTaints({ unschedulable }: ClusterNode, { status }: Readiness) {
  const taints: [boolean, string][] = [
    [unschedulable === true, "unschedulable"],
    [status === "False", "not-ready"],
    [status === "Unknown", "unreachable"],
  ];
  return taints
    .filter(([is]) => is)
    .map(([, name]) => ({ key: `node.kubernetes.io/${name}`, effect: "NoSchedule" }) as const);
}

/** Five characters, of those that Kubernetes uses for names. */
const suffix = (set: string, uid: string) =>
  [
    ...createHash("sha256")
      .update(set + uid)
      .digest()
      .subarray(0, 5),
  ]
    .map((byte) => "bcdfghjklmnpqrstvwxz2456789"[byte % 27])
    .join("");
