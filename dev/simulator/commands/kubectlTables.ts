import { isTrue } from "../../../kubernetes/kubectl";
import type { NodeObject, PodObject } from "../kubeObjects";

/** What `kubectl get nodes` prints. */
export const nodeTable = (nodes: readonly NodeObject[], now: number, isWide: boolean): string =>
  table(
    ["NAME", "STATUS", "ROLES", "AGE", "VERSION"],
    ["INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"],
    nodes.map((node) => {
      const { kubeletVersion, osImage, kernelVersion, containerRuntimeVersion } = node.status.nodeInfo;
      const status = `${isTrue(node, "Ready") ? "Ready" : "NotReady"}${node.spec.unschedulable ? ",SchedulingDisabled" : ""}`;
      const plain = [node.metadata.name, status, "<none>", age(node.metadata.creationTimestamp, now), kubeletVersion];
      return [plain, [node.status.addresses[0]!.address, "<none>", osImage, kernelVersion, containerRuntimeVersion]];
    }),
    isWide,
  );

/** What `kubectl get pods -A` prints. */
export const podTable = (pods: readonly PodObject[], now: number, isWide: boolean): string =>
  table(
    ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"],
    ["IP", "NODE", "NOMINATED NODE", "READINESS GATES"],
    pods.map((pod) => {
      const { namespace, name, creationTimestamp } = pod.metadata;
      const status = pod.status.phase === "Pending" ? "ContainerCreating" : pod.status.phase;
      const plain = [namespace, name, isTrue(pod, "Ready") ? "1/1" : "0/1", status, "0", age(creationTimestamp, now)];
      return [plain, [pod.status.podIP, pod.spec.nodeName, "<none>", "<none>"]];
    }),
    isWide,
  );

/** In columns, three blanks apart. */
function table(plain: string[], more: string[], cells: readonly [string[], string[]][], isWide: boolean): string {
  const rows = [[plain, more] as const, ...cells].map(([left, right]) => (isWide ? [...left, ...right] : left));
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("   ")
        .trimEnd(),
    )
    .join("\n");
}

/** As kubectl shortens it: seconds up to two minutes, then minutes, hours, days. */
function age(since: string, now: number): string {
  const seconds = Math.floor((now - Date.parse(since)) / 1000);
  if (seconds < 120) return `${seconds}s`;
  return seconds < 7_200
    ? `${Math.floor(seconds / 60)}m`
    : seconds < 172_800
      ? `${Math.floor(seconds / 3600)}h`
      : `${Math.floor(seconds / 86_400)}d`;
}
