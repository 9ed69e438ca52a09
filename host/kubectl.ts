import { UserError } from "./errors";
import { lastLines } from "./exec";
import { redact } from "./redact";
import { shellCommand, type SshSession } from "./ssh";

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

/**
 * Runs kubectl as the administrator on a master; resolves with its standard output.
 * @throws UserError with kubectl's last words
 */
export async function kubectl(session: SshSession, args: readonly string[], { input, timeoutMs = 60_000 }: { input?: string; timeoutMs?: number } = {}) {
  const command = shellCommand(["sudo", "-n", "kubectl", "--kubeconfig", ADMIN_CONF, ...args]);
  const { stdout, stderr, exitCode } = await session.exec(command, { input, timeoutMs });
  if (exitCode !== 0) throw new UserError(`kubectl ${args[0]} failed with exit code ${exitCode}`, { said: redact(lastLines(stderr || stdout)) });
  return stdout;
}

/** The Node of this name, or undefined where there is none. */
export async function getNode(session: SshSession, name: string): Promise<Node | undefined> {
  const json = await kubectl(session, ["get", "node", name, "--ignore-not-found", "-o", "json"]);
  return json.trim() ? (JSON.parse(json) as Node) : undefined;
}

/** Every Node of the cluster. */
export async function getNodes(session: SshSession): Promise<Node[]> {
  return (JSON.parse(await kubectl(session, ["get", "nodes", "-o", "json"])) as { items: Node[] }).items;
}

/** The pods that are bound to a node, of all namespaces. */
export async function getPodsOn(session: SshSession, node: string): Promise<Pod[]> {
  const json = await kubectl(session, ["get", "pods", "-A", "--field-selector", `spec.nodeName=${node}`, "-o", "json"]);
  return (JSON.parse(json) as { items: Pod[] }).items;
}

/** Whether a condition of a Node or Pod is "True". */
export const isTrue = (thing: { status: { conditions?: { type: string; status: string }[] } }, condition: string) =>
  thing.status.conditions?.some(({ type, status }) => type === condition && status === "True") ?? false;

/** A Node's first address of type InternalIP. */
export const internalIp = (node: Node) => node.status.addresses?.find(({ type }) => type === "InternalIP")?.address;
