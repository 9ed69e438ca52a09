import { UserError } from "../common/errors";
import { lastLines } from "../common/quoted";
import { namedCause, workerReport } from "./joinReport";
import { tryToJoin } from "./joinAttempts";
import { joinConfiguration, reset } from "./kubeadm";
import { listTokens, newToken, registerToken, revokeTokensOf, tokenDescription, tokenId } from "./bootstrapToken";
import { startApproving } from "./kubeletApproval";
import { getNode, getNodes, type Node, type Taint } from "./kubectl";
import type { Owner } from "../common/mark";
import { isGivenUp, makeWayFor } from "./nodeOwner";
import { epochOf, preflightProblems, type WorkerFacts, workerFacts } from "./preflight";
import { quoteValue } from "../common/quoteValue";
import type { SshSession } from "../ssh/session";
import { ensureTokenGroup } from "./tokenGroup";
import { urnOf } from "../common/urn";
import { behind, checkSupported, serverVersion } from "./versionSkew";
import type { Misuse } from "./misuse";
import { deleteNode } from "./leave";
import type { Log } from "../common/log";

/** Everything that decides how a worker joins. */
export interface JoinPlan extends Owner {
  endpoint: string;
  caCertHash: string;
  token: string;
  address: string;
  criSocket: string;
  taints: Taint[];
  kubeletArgs: Record<string, string>;
  joinTimeoutSeconds: number;
}

/** The two ends of a join, what is known of an earlier token of the worker, and where to log. */
export interface JoinSessions {
  worker: SshSession;
  master: SshSession;
  misuse: Misuse;
  log: Log;
}

/** What a join takes beside kubeadm. */
const TOKEN_MARGIN_MS = 60_000;

/** How long `kubeadm join` may take as a whole: its discovery and its TLS bootstrap have a deadline each. */
const joinDeadlineMs = ({ joinTimeoutSeconds }: JoinPlan) => joinTimeoutSeconds * 2_000;

/** A token for one join lives as long as the join may take with all its attempts, in minutes. */
const ttlMinutes = (plan: JoinPlan) => Math.ceil((joinDeadlineMs(plan) + TOKEN_MARGIN_MS) / 60_000);

/**
 * Revokes a worker's tokens when the work that they are for has ended, well or badly. A failure of the work comes
 * before one of the revocation.
 */
export async function revokingToken<T>(
  { master, log }: Pick<JoinSessions, "master" | "log">,
  owner: Owner,
  work: () => Promise<T>,
): Promise<T> {
  const done = await work().catch(async (error: unknown) => {
    await revokeTokensOf(master, owner).catch(({ message }: Error) =>
      log(`its token could not be revoked, and ends by itself: ${message.split("\n")[0]}`, "warning"),
    );
    throw error;
  });
  await revokeTokensOf(master, owner);
  return done;
}

/**
 * Makes sure that the worker has joined: does nothing where it has, clears away what a half-done join left, and joins.
 * Readiness is not waited for, and the token stays: see {@link revokingToken}. A worker on which a token was used for
 * something else gets no other one.
 *
 * @param hasJoined by our own state: then there is another token for it only where the cluster, too, has no Node or has
 * given its kubelet up
 * @returns what a token of the worker was used for beside its join, now or before, where it has joined; see {@link
 * misused}
 *
 * @throws UserError when the worker is not fit to join, a Node of its name is not ours, or kubeadm fails; with a named
 * cause where one is known
 */
export async function ensureJoined(
  sessions: JoinSessions,
  plan: JoinPlan,
  hasJoined = false,
): Promise<string | undefined> {
  const { worker, master, misuse, log } = sessions;
  const known = await misuse.known();
  const facts = await workerFacts(worker);
  const node = await getNode(master, plan.name);
  if (node && facts.joined && !facts.halfJoined && isThisMachine(node, facts)) return known;
  if (known !== undefined) throw misused(plan.name, known);
  if (hasJoined && node && !isGivenUp(node)) throw joinedBefore(plan, node, facts);
  if (node && !isThisMachine(node, facts)) await makeWayFor(plan, node, { master, log });
  await checkFitness(sessions, plan, facts);
  await takeBack(sessions, plan, facts, node);
  return joinWithToken(sessions, plan, facts);
}

/**
 * Takes back what an earlier join left, whole or in part: kubeadm refuses to join over its files, and under the name of
 * a Node that looks Ready.
 * @param known the Node that is known to be in the way, and may be deleted
 * @throws UserError where there is another Node by now, which is not ours
 */
async function takeBack(
  { worker, master, log }: JoinSessions,
  plan: JoinPlan,
  facts: WorkerFacts,
  known?: Node,
): Promise<void> {
  const isLeft = facts.joined || facts.halfJoined;
  if (isLeft) {
    log("taking back an earlier join (kubeadm reset)");
    await reset(worker, plan.criSocket);
  }
  // Until its reset a kubelet that was slow may have registered one.
  const node = isLeft ? await getNode(master, plan.name) : known;
  if (!node) return;
  if (node.metadata.uid !== known?.metadata.uid && !isThisMachine(node, facts))
    await makeWayFor(plan, node, { master, log });
  await deleteNode(master, plan.name);
}

const isThisMachine = (node: Node, facts: WorkerFacts) =>
  node.status.nodeInfo.machineID === facts.machineId &&
  node.status.nodeInfo.systemUUID.toLowerCase() === facts.systemUuid;

/**
 * A worker that has joined leaves before it joins again: a token on the worker's word alone would serve whoever has
 * taken it over.
 */
function joinedBefore({ name }: JoinPlan, node: Node, facts: WorkerFacts): UserError {
  const reasons = [
    !facts.joined && "its kubelet has no credentials",
    facts.halfJoined && "it shows a join that has not ended",
    !isThisMachine(node, facts) &&
      `its Node is the machine ${quoteValue(node.status.nodeInfo.systemUUID)}'s, and it says that it is ${quoteValue(facts.systemUuid)}`,
  ];
  return new UserError(`${name} has joined before, and cannot join again by itself`, {
    output: reasons.filter(Boolean).join("\n"),
    hint: [
      `have it leave and join again: pulumi up --replace '${urnOf("kubeadm:WorkerJoin", name)}'`,
      `or, if nobody meant this to happen, recreate the whole machine: pulumi up --replace '${urnOf("vbox:Vm", name)}'`,
    ].join("; "),
  });
}

/**
 * Judges what the worker says of itself by what the cluster needs.
 * @throws UserError with everything that keeps it from joining
 */
export async function checkFitness(
  { master, log }: Pick<JoinSessions, "master" | "log">,
  plan: Pick<JoinPlan, "name" | "address" | "criSocket">,
  facts: WorkerFacts,
): Promise<void> {
  const { name, address, criSocket } = plan;
  const server = await serverVersion(master);
  checkSupported(server);
  const expected = {
    name,
    address,
    criSocket,
    serverVersion: server,
    nodes: await getNodes(master),
    masterEpoch: await epochAt(master, facts.readAt),
  };
  const problems = preflightProblems(facts, expected);
  if (problems.length > 0)
    throw new UserError("the worker is not fit to join", {
      output: problems.join("\n"),
      hint: "fix this on the worker or in its base image, then run `pulumi up` again",
    });
  const { criSockets, kubeletVersion, kubeadmVersion } = facts;
  const lag = behind(kubeletVersion, server);
  const mixed =
    kubeadmVersion !== kubeletVersion && `its kubeadm is ${kubeadmVersion}, and its kubelet ${kubeletVersion}`;
  const sockets =
    criSockets.length > 1 &&
    `of its container runtimes' sockets, ${criSockets.join(" and ")}, kubeadm and the kubelet use ${criSocket}`;
  log(["fit to join", sockets].filter(Boolean).join("; "));
  for (const remark of [lag, mixed]) if (remark) log(remark, "warning");
}

/** What the machine's clock said at an earlier moment of ours, in seconds since the epoch. */
const epochAt = async (session: SshSession, moment: number) =>
  (await epochOf(session)) - (performance.now() - moment) / 1000;

/**
 * With the plan's token where it still lives; else, as when a node is joined again long after, with one for this join
 * alone.
 */
async function joinWithToken(sessions: JoinSessions, plan: JoinPlan, facts: WorkerFacts): Promise<string | undefined> {
  await ensureTokenGroup(sessions.master, plan);
  if (await isUsable(sessions, plan)) return joinWith(plan.token, sessions, plan, facts);
  sessions.log("making a token for this join: its own is spent, or ends before the join must");
  const token = newToken();
  await registerToken(sessions.master, token, { ttlMinutes: ttlMinutes(plan), description: tokenDescription(plan) });
  return joinWith(token, sessions, plan, facts);
}

async function joinWith(
  token: string,
  sessions: JoinSessions,
  plan: JoinPlan,
  facts: WorkerFacts,
): Promise<string | undefined> {
  const { worker, master, misuse, log } = sessions;
  const approval = startApproving(master, { name: plan.name, tokenId: tokenId(token) }, log, misuse.note);
  const denied = () => (approval.denied.length > 0 ? approval.denied.join("; ") : undefined);
  try {
    const configuration = joinConfiguration(facts.kubeadmVersion, {
      ...plan,
      token,
      nodeIp: plan.address,
      timeoutSeconds: plan.joinTimeoutSeconds,
    });
    log(`joining the cluster: kubeadm join, ${plan.endpoint}`);
    const again = async () => takeBack(sessions, plan, await workerFacts(worker));
    await tryToJoin(worker, configuration, { takeBack: again, deadlineMs: joinDeadlineMs(plan), log }).finally(() =>
      approval.end(),
    );
    return denied();
  } catch (error) {
    const failure = joinFailed(error as Error, await workerReport(worker), approval.trouble);
    const asked = denied();
    throw asked === undefined ? failure : misused(plan.name, asked, failure);
  }
}

function joinFailed(error: Error, report: string, trouble: string | undefined): UserError {
  const approval = trouble === undefined ? [] : [`its kubelet's certificate could not be approved: ${trouble}`];
  const output = [error.message, report, ...approval].join("\n");
  return new UserError("kubeadm join failed", {
    output: lastLines(output, 60),
    hint: namedCause(output) ?? "look at the worker's kubelet: journalctl -u kubelet",
    cause: error,
  });
}

/**
 * The error for a worker whose token was used for something else, which its own kubelet does not do: somebody is on it.
 * It stays until the machine is another one, see {@link Misuse}.
 *
 * @param what it was used for
 * @param failure of the join, if it failed as well
 */
export const misused = (name: string, what: string, failure?: UserError) =>
  new UserError(
    `${name} cannot be trusted: its token was also used to ask for certificates that are not its own, and got none`,
    {
      output: [what, ...(failure ? [failure.message] : [])].join("\n"),
      hint: `find out who did that on ${name}, and recreate the machine: pulumi up --replace '${urnOf("vbox:Vm", name)}'`,
      cause: failure,
    },
  );

/**
 * Whether the plan's token is there, and lives until the join must have ended, by the master's clock. Version 0.1.0's,
 * without the stack's id in its description, is in kubeadm's own group.
 */
async function isUsable({ master }: JoinSessions, plan: JoinPlan): Promise<boolean> {
  const known = (await listTokens(master)).find(
    ({ id, description }) => id === tokenId(plan.token) && description === tokenDescription(plan),
  );
  const livesUntil = known?.expiration?.getTime() ?? (known ? Infinity : 0);
  return livesUntil > (await epochOf(master)) * 1000 + joinDeadlineMs(plan) + TOKEN_MARGIN_MS;
}
