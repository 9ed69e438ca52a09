import { dump } from "js-yaml";
import { shellCommand } from "../common/shell";
import type { SshSession } from "../ssh/session";
import type { JoinInformation } from "./clusterInfo";
import type { Taint } from "./kubectl";
import { minorOf } from "./versionSkew";

/** The kubeadm API version that a kubeadm understands: v1beta4 since 1.31, v1beta3 before. */
export const apiVersion = (kubeadmVersion: string): string =>
  `kubeadm.k8s.io/${minorOf(kubeadmVersion) >= 31 ? "v1beta4" : "v1beta3"}`;

/** What {@link joinConfiguration} is made of. */
export interface JoinOptions extends JoinInformation {
  token: string;
  name: string;
  /**
   * The runtime's socket, such as `unix:///run/containerd/containerd.sock`: with more than one on a machine kubeadm
   * wants to be told.
   */
  criSocket: string;
  /** The address that the kubelet reports as the node's InternalIP. */
  nodeIp: string;
  taints: Taint[];
  /** Kubelet arguments without their dashes. */
  kubeletArgs: Record<string, string>;
  /** Deadline of the discovery and of the TLS bootstrap, each. */
  timeoutSeconds: number;
}

/** The configuration for `kubeadm join`, in the API version that the worker's kubeadm understands. */
export function joinConfiguration(version: string, options: JoinOptions): string {
  const { endpoint, token, caCertHash, name, criSocket, taints, timeoutSeconds } = options;
  const api = apiVersion(version);
  const args = { "node-ip": options.nodeIp, ...options.kubeletArgs };
  const isList = api.endsWith("v1beta4");
  const kubeletExtraArgs = isList ? Object.entries(args).map(([name, value]) => ({ name, value })) : args;
  const timeout = `${timeoutSeconds}s`;
  return dump({
    apiVersion: api,
    kind: "JoinConfiguration",
    discovery: {
      bootstrapToken: { apiServerEndpoint: endpoint, token, caCertHashes: [caCertHash] },
      ...(isList ? {} : { timeout }),
    },
    nodeRegistration: { name, criSocket, kubeletExtraArgs, taints },
    ...(isList ? { timeouts: { discovery: timeout, tlsBootstrap: timeout, kubeletHealthCheck: timeout } } : {}),
  });
}

/** Runs `kubeadm join`; its configuration, which holds the token, goes over standard input. */
export async function join(session: SshSession, configuration: string, timeoutMs: number): Promise<void> {
  await session.run("sudo -n kubeadm join --config /dev/stdin", { input: configuration, timeoutMs });
}

/**
 * What `kubeadm reset` leaves to the administrator. A stale CNI configuration would make the node Ready before its next
 * CNI runs; its folder stays, as containerd watches it, and would not see another one of its name. Where the bridge
 * stays, no pod gets a network any more: the Node that joins next has another pod subnet, and the bridge plugin refuses
 * ("cni0" already has an IP address different from …).
 */
export const CNI_CLEANUP =
  "{ find /etc/cni/net.d /var/lib/cni -mindepth 1 -delete; rm -rf /run/flannel; ip link delete cni0; ip link delete flannel.1; } 2>/dev/null; true";

/** Takes off a machine what a join left on it, whole or half-done. */
export async function reset(session: SshSession, criSocket: string): Promise<void> {
  await session.run(shellCommand(["sudo", "-n", "kubeadm", "reset", "--force", "--cri-socket", criSocket]));
  await session.run(shellCommand(["sudo", "-n", "sh", "-c", CNI_CLEANUP]));
}
