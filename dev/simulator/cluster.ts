import { randomUUID } from "node:crypto";
import { caCertHashes } from "../../kubernetes/clusterInfo";
import { fact, type Guest, guestsOf } from "./guest";
import { isOf, renewLeases } from "./leases";
import type { ClusterNode, Kubelet, SiteState } from "./state";

/** A guest whose kubelet has its credentials. */
export type JoinedGuest = Guest & { disk: { kubelet: Kubelet } };

/** The condition Ready of a Node, in Kubernetes' words. */
export interface Readiness {
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
}

/**
 * Does what the cluster and its kubelets have done by themselves until now: spent tokens are gone, and kubelets that
 * have started have registered their Nodes.
 */
export function settleCluster(state: SiteState, now: number): void {
  const { cluster } = state;
  cluster.tokens = cluster.tokens.filter(({ expires }) => expires === undefined || expires > now);
  const kubelets = liveKubelets(state, now);
  cluster.nodes = cluster.nodes.filter(
    (node) => node.registered <= now || kubelets.some((kubelet) => isOf(node, kubelet)),
  );
  renewLeases(state, kubelets, now);
  for (const guest of kubelets) {
    if (guest.disk.kubelet.startedIn === guest.bootId) continue;
    guest.disk.kubelet.startedIn = guest.bootId;
    register(state, guest, guest.upFrom + state.delays.register);
  }
}

/** The Nodes that exist. */
export const nodesAt = ({ cluster }: SiteState, now: number): ClusterNode[] =>
  cluster.nodes.filter(({ registered }) => registered <= now);

/** The Node of this name, if it exists. */
export const nodeAt = (state: SiteState, name: string | undefined, now: number): ClusterNode | undefined =>
  nodesAt(state, now).find((node) => node.name === name);

/**
 * What a kubelet does when it starts: makes its Node, or takes over the one of its name. It does not do so again while
 * it runs, not even when its Node is deleted (kubernetes/pkg/kubelet, `registerWithAPIServer`).
 * @param at when it is done, in milliseconds since the epoch
 */
export function register({ cluster }: SiteState, guest: JoinedGuest, at: number): void {
  const { kubelet } = guest.disk;
  const identity = {
    systemUuid: fact(guest, "systemUuid", guest.machine.uuid),
    machineId: fact(guest, "machineId", guest.disk.machineId ?? ""),
    internalIp: kubelet.nodeIp,
    runtimeVersion: kubelet.criSocket === "/run/cri-dockerd.sock" ? "docker://26.1.5" : undefined,
    kubeletVersion: fact(guest, "kubeletVersion", guest.disk.kubernetesVersion ?? cluster.version),
  };
  const name = kubelet.nodeName;
  const node = cluster.nodes.find((node) => node.name === name);
  const fresh = {
    name,
    uid: randomUUID(),
    registered: at,
    labels: labelsOf(name),
    annotations: {},
    taints: kubelet.taints ?? [],
  };
  if (node) Object.assign(node, identity);
  else cluster.nodes.push({ ...fresh, ...identity });
}

/** Whether a Node is Ready: that follows from its machine, and for a while from what that was. */
export function readinessOf(state: SiteState, node: ClusterNode, now: number): Readiness {
  const guest = liveKubelets(state, now).find((guest) => isOf(node, guest));
  if (!guest && now >= (node.renewed ?? 0) + state.delays.grace)
    return { status: "Unknown", reason: "NodeStatusUnknown", message: "Kubelet stopped posting node status." };
  if (!guest) return READY;
  const trouble = fact(guest, "kubeletMessage", "");
  if (trouble) return { status: "False", reason: "KubeletNotReady", message: trouble };
  if (now >= node.registered + state.delays.ready) return READY;
  const network =
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized";
  return { status: "False", reason: "KubeletNotReady", message: network };
}

const READY: Readiness = { status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" };

/** The guests whose kubelets talk to this cluster: another CA would not let them in. */
function liveKubelets(state: SiteState, now: number): JoinedGuest[] {
  const pins = caCertHashes(state.cluster.caCertificate);
  return guestsOf(state, now)
    .filter((guest): guest is JoinedGuest => guest.disk.kubelet?.state === "whole")
    .filter(({ isUp, disk }) => isUp && pins.includes(disk.kubelet.caCertHash));
}

const labelsOf = (name: string) => ({
  "kubernetes.io/arch": "amd64",
  "kubernetes.io/hostname": name,
  "kubernetes.io/os": "linux",
});
