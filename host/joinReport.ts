import { redact } from "./redact";
import type { SshSession } from "./ssh";

/** Prints the last lines of a worker's kubelet, runtime and cloud-init. */
export const LOGS_SCRIPT = `
echo "--- kubelet"; sudo -n journalctl -u kubelet -n 15 --no-pager -o cat 2>&1
echo "--- container runtime"; sudo -n journalctl -u containerd -u docker -u cri-docker -n 8 --no-pager -o cat 2>&1
echo "--- cloud-init"; cloud-init status --long 2>&1 | tail -n 8
`;

/** A cause that the logs of a failed join give away: what they say, what it is, what to do. */
const CAUSES: readonly [RegExp, string][] = [
  [/token id "?\w+"? is invalid|could not find a JWS signature|invalid bearer token|token.*expired/i, "the token is not valid any more: run `pulumi up` again for a new one"],
  [/cluster CA found in cluster-info configmap is invalid|none of the public keys/i, "the cluster's CA is not the pinned one: was the cluster built anew? Run `pulumi refresh`, then `pulumi up`"],
  [/x509: certificate has expired or is not yet valid/i, "the clocks of worker and master disagree: set up time synchronisation"],
  [/running with swap on is not supported/i, "swap is on: turn it off for good"],
  [/no such host|server misbehaving/i, "the worker cannot resolve a name: look at its DNS server"],
  [/connect: (connection refused|no route to host)|i\/o timeout|Client\.Timeout exceeded/i, "the worker cannot reach the API server: look at the load balancer, the routes and the firewall"],
  [/failed to pull image|ErrImagePull|ImagePullBackOff/i, "an image could not be pulled: look at the worker's way to the registry"],
  [/container runtime is (not running|down)|failed to connect to.*\.sock|validate service connection/i, "the container runtime does not answer: `systemctl status containerd` on the worker"],
  [/misconfiguration: kubelet cgroup driver/i, "kubelet and runtime use different cgroup drivers: both must use systemd"],
  [/no space left on device/i, "the worker's disk is full: make room there (`df -h`), or give the base image a larger one"],
  [/cni plugin not initialized|NetworkPluginNotReady/i, "no CNI is up on the node: look at the CNI's DaemonSet (flannel) and its pods"],
];

/** The first known cause that a text gives away. */
export const namedCause = (text: string): string | undefined => CAUSES.find(([pattern]) => pattern.test(text))?.[1];

/** The last words of a worker's kubelet, runtime and cloud-init, without secrets; says why where even that cannot be had. */
export async function workerReport(session: SshSession): Promise<string> {
  try {
    return redact((await session.exec(LOGS_SCRIPT, { looks: true })).stdout);
  } catch (error) {
    return `(the worker's logs could not be read: ${(error as Error).message})`;
  }
}
