import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../common/errors";
import { getNode, internalIp, kubectlJson, type Node } from "./kubectl";
import { OWNER_ANNOTATION } from "./labels";
import { claimOf, type Owner } from "../common/mark";
import { quoteValue } from "../common/quoteValue";
import type { SshSession } from "../ssh/session";
import type { Log } from "../common/log";

/** The parts of a Lease that the program reads (kubernetes/api, coordination/v1). */
interface Lease {
  spec?: { renewTime?: string; leaseDurationSeconds?: number };
}

/**
 * A kubelet's own lease duration; it renews four times in that (kubernetes/pkg/kubelet/apis/config,
 * `nodeLeaseDurationSeconds`).
 */
const LEASE_S = 40;
/** A kubelet may have another one, but must not hold up an `up` forever. */
const MOST_S = 300;

/** A look at the Lease costs a kubectl; the kubelet renews it every 10 seconds. */
const LOOK_MS = 2_000;

/**
 * Makes sure that the worker may take the place of a Node of its name which another machine registered: that it is this
 * stack's by its mark, and that its kubelet has ended. A Node looks Ready for as long as the cluster waits for a
 * machine that is gone, 40 to 50 seconds.
 *
 * @throws UserError where it is not this stack's, or its machine lives, whatever its mark
 */
export async function makeWayFor(
  owner: Owner,
  node: Node,
  { master, log }: { master: SshSession; log: Log },
): Promise<void> {
  const mark = node.metadata.annotations?.[OWNER_ANNOTATION];
  if (claimOf(mark, owner) !== "ours") throw notOurs(owner.name, node, mark);
  if (isGivenUp(node)) return;
  const known = await leaseOf(master, owner.name);
  const waitS = Math.min(known?.leaseDurationSeconds ?? LEASE_S, MOST_S);
  log(`waiting for the end of its Node's kubelet: ${waitS} s at most, on ${machineOf(node)}`);
  const end = performance.now() + waitS * 1000;
  for (;;) {
    await sleep(Math.min(LOOK_MS, waitS * 100));
    const now = await getNode(master, owner.name);
    if (!now || isGivenUp(now)) return;
    const lease = await leaseOf(master, owner.name);
    if (lease?.renewTime !== known?.renewTime || now.status.nodeInfo.systemUUID !== node.status.nodeInfo.systemUUID)
      throw isAlive(owner.name, now);
    if (performance.now() < end) continue;
    // Without a Lease nobody knows of its end but the cluster, which has not noticed it.
    if (!known?.renewTime) throw isAlive(owner.name, now);
    return;
  }
}

async function leaseOf(master: SshSession, name: string): Promise<Lease["spec"]> {
  return (
    (await kubectlJson(master, ["-n", "kube-node-lease", "get", "lease", name, "--ignore-not-found"])) as
      Lease | undefined
  )?.spec;
}

/**
 * The cluster has not heard of its kubelet for so long that it has given it up
 * (kubernetes/pkg/controller/nodelifecycle).
 */
export const isGivenUp = ({ status }: Node) =>
  status.conditions?.find(({ type }) => type === "Ready")?.status === "Unknown";

/** The Node's own words. */
const machineOf = (node: Node) =>
  `the machine ${quoteValue(node.status.nodeInfo.systemUUID)} at ${quoteValue(internalIp(node) ?? "no address")}`;

const notOurs = (name: string, node: Node, mark: string | undefined) =>
  new UserError(
    `the cluster already has a Node ${name}, which ${mark ? `belongs to ${quoteValue(mark)}` : "this stack did not make"}: ${machineOf(node)}`,
    {
      hint: `give the worker another name, or, if that Node is of no use, kubectl delete node ${name}`,
    },
  );

const isAlive = (name: string, node: Node) =>
  new UserError(
    `the cluster already has a Node ${name} whose kubelet is alive, on another machine than this worker: ${machineOf(node)}`,
    {
      hint: `give the worker another name, or stop that machine and run \`pulumi up\` again`,
    },
  );
