import { UserError } from "../common/errors";
import { notUnderstood } from "../common/json";
import { reset } from "./kubeadm";
import { ApiUnreachable, getNode, kubectl } from "./kubectl";
import { isOf, isOurs, type NodeIdentity } from "./labels";
import { SshError } from "../ssh/error";
import type { SshSession } from "../ssh/session";
import type { Log } from "../common/log";

/** Which Node leaves, and how long its pods may take. */
export interface LeavePlan extends NodeIdentity {
  drainTimeoutSeconds: number;
  /** How long kubectl may take beside that. */
  commandTimeoutSeconds: number;
}

/**
 * Cordons a node and drains it, respecting disruption budgets until the deadline; what is still there then goes down
 * with the machine.
 *
 * @returns whether there is such a Node of ours; one of the same name that is not ours, or of another machine than an
 * old state's, is left alone
 */
export async function drain(master: SshSession, plan: LeavePlan, log: Log): Promise<boolean> {
  const { name, drainTimeoutSeconds, commandTimeoutSeconds } = plan;
  const node = await getNode(master, name);
  if (!node) return false;
  if (!isOurs(node, plan)) {
    log("the cluster's Node of this name is not ours: it stays", "warning");
    return false;
  }
  if (!isOf(node, plan)) {
    log("the cluster's Node of this name is of a machine that the state does not know: it stays", "warning");
    return false;
  }
  log("draining");
  try {
    const flags = ["--ignore-daemonsets", "--delete-emptydir-data", "--force", `--timeout=${drainTimeoutSeconds}s`];
    const output = await kubectl(master, ["drain", name, ...flags], {
      timeoutMs: (drainTimeoutSeconds + commandTimeoutSeconds) * 1000,
    });
    if (!output.includes(`node/${name} drained`))
      throw notUnderstood("kubectl drain", `as it does when it has drained ${name}`, output);
  } catch (error) {
    if (!(error instanceof UserError) || isLost(error)) throw error;
    // A drain fails for as many reasons as there are pods: whether it is the cluster that fails, a look tells.
    if (error instanceof ApiUnreachable) await getNode(master, name);
    log(`was not drained within ${drainTimeoutSeconds} s, and leaves all the same: ${error.message}`, "warning");
  }
  return true;
}

/** Whether the connection went, so that nobody knows how far the command got: it is to be done again. */
const isLost = (error: UserError) => error instanceof SshError && error.kind !== "timeout";

/**
 * Runs `kubeadm reset` on a worker; what does not work is told, and stops nothing, as the machine may be on its way
 * out.
 */
export async function resetWorker(worker: SshSession, criSocket: string, log: Log): Promise<void> {
  try {
    await reset(worker, criSocket);
  } catch (error) {
    if (!(error instanceof UserError) || isLost(error)) throw error;
    log(`kubeadm reset did not end well: ${error.message}`, "warning");
  }
}

/**
 * Deletes the Node, last of all, as a live kubelet would register again; and its pods, which a new machine of this name
 * would else be given.
 */
export async function deleteNode(master: SshSession, name: string): Promise<void> {
  await kubectl(master, ["delete", "node", name, "--ignore-not-found"]);
  if (await getNode(master, name))
    throw new UserError(`the Node ${name} is still there after its deletion`, {
      hint: `kubectl get node ${name} -o yaml: does a finalizer hold it?`,
    });
  const pods = ["--all-namespaces", "--field-selector", `spec.nodeName=${name}`];
  await kubectl(master, ["delete", "pods", ...pods, "--grace-period=0", "--force"]);
}
