import { fact, type Guest, guestsOf } from "./guest";
import type { ClusterNode, Delays, SiteState } from "./state";

/** How long a Lease lasts, in milliseconds. */
export const leaseMs = ({ grace }: Delays): number => (grace * 4) / 5;

/** Whether a guest's kubelet is the one that a Node stands for. */
export const isOf = (node: ClusterNode, guest: Guest): boolean =>
  node.name === guest.disk.kubelet?.nodeName &&
  node.systemUuid.toLowerCase() === fact(guest, "systemUuid", guest.machine.uuid).toLowerCase();

/** What these kubelets have renewed until now, each at its own times, counted from when it registered. */
export function renewLeases({ cluster, delays }: SiteState, kubelets: readonly Guest[], now: number): void {
  if (delays.grace === 0) return;
  const everyMs = leaseMs(delays) / 4;
  for (const node of cluster.nodes) {
    const renewed = node.registered + Math.floor((now - node.registered) / everyMs) * everyMs;
    if (renewed > (node.renewed ?? 0) && now >= node.registered && kubelets.some((kubelet) => isOf(node, kubelet)))
      node.renewed = renewed;
  }
}

/** Before a machine may end: its kubelet has renewed its Lease until now. */
export function renewAllLeases(state: SiteState, now: number): void {
  if (state.cluster.nodes.length === 0) return;
  renewLeases(
    state,
    guestsOf(state, now).filter(({ isUp, disk }) => isUp && disk.kubelet?.state === "whole"),
    now,
  );
}
