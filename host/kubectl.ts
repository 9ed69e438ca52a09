import { UserError } from "./errors";
import { lastLines } from "./exec";
import { parseJson } from "./json";
import { redact } from "./redact";
import { shellCommand, type SshExecOptions, type SshSession } from "./ssh";

/** Where kubeadm puts the administrator's kubeconfig on a master. */
export const ADMIN_CONF = "/etc/kubernetes/admin.conf";

/** The parts of a Node that the program reads (kubernetes/api, core/v1 `Node`). */
export interface Node {
  metadata: { name: string; uid: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: { unschedulable?: boolean; taints?: Taint[] };
  status: {
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    addresses?: { type: string; address: string }[];
    nodeInfo: { machineID: string; systemUUID: string; kubeletVersion: string };
  };
}

/** A taint of a Node. */
export interface Taint {
  key: string;
  value?: string;
  effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
}

/** The parts of a Pod that the program reads (kubernetes/api, core/v1 `Pod`). */
export interface Pod {
  metadata: { name: string; namespace: string; labels?: Record<string, string> };
  status: { phase: string; conditions?: { type: string; status: string }[]; containerStatuses?: { state?: { waiting?: { reason?: string; message?: string } } }[] };
}

/** The API server does not answer a master that does. */
export class ApiUnreachable extends UserError {}

/** kubectl's words where it finds no server (kubernetes/kubectl, `StandardErrorMessage`). */
const NO_SERVER = /^(The connection to the server \S+ was refused|Unable to connect to the server)/m;

/**
 * Runs kubectl as the administrator on a master; resolves with its standard output.
 * @throws ApiUnreachable, or another UserError, with kubectl's last words
 */
export async function kubectl(session: SshSession, args: readonly string[], options?: SshExecOptions) {
  const command = shellCommand(["sudo", "-n", "kubectl", "--kubeconfig", ADMIN_CONF, ...args]);
  const { stdout, stderr, exitCode } = await session.exec(command, options);
  if (exitCode === 0) return stdout;
  const said = redact(lastLines(stderr || stdout));
  if (!NO_SERVER.test(said)) throw new UserError(`${shown(args)} failed with exit code ${exitCode}`, { said });
  throw new ApiUnreachable("the cluster's API server does not answer its own master", {
    said,
    todo: "look on the masters whether kube-apiserver and etcd run (crictl ps -a, journalctl -u kubelet), and at the load balancer before them",
  });
}

/** The command without its options: `kubectl get node kube-node01`. */
function shown([first, ...rest]: readonly string[]): string {
  const words = first === "-n" ? rest.slice(1) : [first, ...rest];
  const options = words.findIndex((word) => word?.startsWith("-"));
  return ["kubectl", ...words.slice(0, options === -1 ? undefined : options)].join(" ");
}

/** A {@link kubectl} that only looks, with its answer in JSON; undefined where it has none, as for what is not there and may be missing. */
export async function kubectlJson(session: SshSession, args: readonly string[]): Promise<unknown> {
  const json = await kubectl(session, [...args, "-o", "json"], { looks: true });
  return json.trim() ? parseJson(json, `kubectl ${args[0]}`) : undefined;
}

/** The Node of this name, or undefined where there is none. */
export const getNode = async (session: SshSession, name: string) => (await kubectlJson(session, ["get", "node", name, "--ignore-not-found"])) as Node | undefined;

/** Every Node of the cluster. */
export async function getNodes(session: SshSession): Promise<Node[]> {
  return ((await kubectlJson(session, ["get", "nodes"])) as { items: Node[] }).items;
}

/** The pods that are bound to a node, of all namespaces. */
export async function getPodsOn(session: SshSession, node: string): Promise<Pod[]> {
  return ((await kubectlJson(session, ["get", "pods", "-A", "--field-selector", `spec.nodeName=${node}`])) as { items: Pod[] }).items;
}

/** Whether a condition of a Node or Pod is "True". */
export const isTrue = (thing: { status: { conditions?: { type: string; status: string }[] } }, condition: string) =>
  thing.status.conditions?.some(({ type, status }) => type === condition && status === "True") ?? false;

/** A Node's first address of type InternalIP. */
export const internalIp = (node: Node) => node.status.addresses?.find(({ type }) => type === "InternalIP")?.address;
