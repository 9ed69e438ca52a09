import { bounded, lastLines } from "../common/quoted";
import type { SshSession } from "../ssh/session";

/**
 * Prints the last lines of a worker's kubelet, runtime and cloud-init: whole ones, as the line that `tail -c` cuts is
 * taken off; 60 kB at most.
 */
export const LOGS_SCRIPT = `
last() { { echo; cat; } | tail -c 20000 | tail -n +2; }
echo "--- kubelet"; sudo -n journalctl -u kubelet -n 15 --no-pager -o cat 2>&1 | last
echo "--- container runtime"; sudo -n journalctl -u containerd -u docker -u cri-docker -n 8 --no-pager -o cat 2>&1 | last
echo "--- cloud-init"; cloud-init status --long 2>&1 | tail -n 8 | last
`;

/**
 * A cause that the logs of a failed join give away: what they say, what it is, what to do. What is said in passing in
 * every log comes last. A worker writes these logs, so that no expression has a repetition without an end: its time is
 * in proportion to the text.
 */
export const CAUSES: readonly [RegExp, string][] = [
  [
    /sudo: a password is required|sudo: a terminal is required/i,
    "sudo asks for a password there: allow it without one (`NOPASSWD` in /etc/sudoers.d) to the user that `sshUser` names",
  ],
  [
    /token id "?\w{1,20}"? is invalid|could not find a JWS signature|invalid bearer token|token[^\n]{0,200}expired/i,
    "the token is not valid any more: run `pulumi up` again for a new one",
  ],
  [
    /cluster CA found in cluster-info configmap is invalid|none of the public keys/i,
    "the cluster's CA is not the pinned one: was the cluster rebuilt? Run `pulumi refresh`, then `pulumi up`",
  ],
  [
    /configmaps "cluster-info" not found/i,
    "the cluster does not publish how to join it: run `kubeadm init phase bootstrap-token` on a master",
  ],
  [
    /cluster-info ConfigMap: [^\n]{0,300}(Unauthorized|provide credentials|system:anonymous)/i,
    "the API server lets nobody read cluster-info without credentials, which a join by token needs: is `anonymous-auth` off, or the Role kubeadm:bootstrap-signer-clusterinfo gone?",
  ],
  [
    /x509: certificate has expired or is not yet valid: current time \S{1,40} is before/i,
    "the worker's clock is behind: set up time synchronisation",
  ],
  [
    /x509: certificate has expired/i,
    "a certificate of the cluster has expired: `kubeadm certs renew all` on each master, then restart the control plane's static pods there",
  ],
  [
    /EXPKEYSIG/,
    "a package repository's signing key has expired: set `kubernetesKeyUrl` to the Release.key of a newer minor version, which has the key with its new date",
  ],
  [
    /Signature Packet v3 is not considered secure/i,
    "the repository of this Kubernetes version is signed in an old way, which Debian 13's apt refuses: take a newer `kubernetesVersion`, or a base image with Debian 12",
  ],
  [/running with swap on is not supported/i, "swap is on: turn it off for good"],
  [/no such host|server misbehaving/i, "the worker cannot resolve a name: look at its DNS server"],
  [
    /failed to pull image|ErrImagePull|ImagePullBackOff/i,
    "an image could not be pulled: look at the worker's way to the registry",
  ],
  [
    /failed to run Kubelet: [^\n]{0,300}RuntimeConfig/i,
    "the container runtime is too old for this kubelet, which needs containerd 2: set `containerdPackage` containerd.io, or an older `kubernetesVersion`",
  ],
  [
    /container runtime is (not running|down)|failed to connect to[^\n]{0,200}\.sock|validate service connection/i,
    "the container runtime does not answer: `systemctl status containerd` on the worker, with Docker Engine `systemctl status docker cri-docker`",
  ],
  [
    /misconfiguration: kubelet cgroup driver|expected cgroupsPath to be of format/i,
    "kubelet and runtime use different cgroup drivers: both must use systemd",
  ],
  [
    /no space left on device/i,
    "the worker's disk is full: make room there (`df -h`), or give the base image a larger one",
  ],
  [
    /proxyconnect tcp|\[WARNING HTTPProxy/i,
    "the worker goes to the API server through a proxy: put the API server's address and the pod and service networks into NO_PROXY there",
  ],
  [
    /connect: (connection refused|no route to host)|i\/o timeout|Client\.Timeout exceeded|TLS handshake timeout/i,
    "the worker cannot reach the API server: look at the load balancer, the routes and the firewall",
  ],
  [
    /cni plugin not initialized|NetworkPluginNotReady/i,
    "no CNI is up on the node: look at the CNI's DaemonSet (flannel) and its pods",
  ],
];

/** The first known cause that a text gives away, by its last 64 kB. */
export function namedCause(text: string): string | undefined {
  const looked = bounded(text);
  return CAUSES.find(([pattern]) => pattern.test(looked))?.[1];
}

/**
 * The last words of a worker's kubelet, runtime and cloud-init, without secrets; says why where even that cannot be
 * had.
 */
export async function workerReport(session: SshSession): Promise<string> {
  try {
    return lastLines((await session.exec(LOGS_SCRIPT, { readOnly: true })).stdout, Infinity);
  } catch (error) {
    return `(the worker's logs could not be read: ${(error as Error).message})`;
  }
}
