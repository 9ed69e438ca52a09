import { isIP } from "node:net";
import { resolveTarget, type SshTargetArgs } from "../access/bastion";
import { UserError } from "../common/errors";
import { execWithin } from "../common/exec";
import { isUnreachable, withMaster } from "../access/masters";
import { SshError } from "../ssh/error";
import { withSession } from "../ssh/session";
import { serverVersion, versionToInstall } from "../kubernetes/versionSkew";
import { type Finding, finding, later, right } from "../common/finding";

/** What a stack needs of the cluster that its workers join. */
export interface ClusterNeeds {
  masters: readonly SshTargetArgs[];
  zone: string;
  vboxManage: string;
  /** The version that is given, if one is. */
  kubernetesVersion?: string;
}

/** What a master answered: the cluster's version, or why there is none. */
type Answer = { master: SshTargetArgs; version: string } | { master: SshTargetArgs; error: UserError };

/**
 * The masters' answer, the cluster's version, and whether the bastion knows the machines' names. That nobody answers
 * may change before it is needed.
 * @param routesAreThere without them nobody can be expected to answer
 */
export async function lookAtCluster(
  needs: ClusterNeeds,
  routesAreThere: boolean,
  deadlineMs: number,
): Promise<Finding[]> {
  const answers = await Promise.all(needs.masters.map((master) => ask(master, needs.vboxManage, deadlineMs)));
  const isSilent = (answer: Answer) => "error" in answer && !isFinal(answer.error);
  if (answers.every((answer) => "error" in answer && isUnreachable(answer.error)) && !routesAreThere)
    return [later("the masters and the cluster's version: the routes to them are not there yet")];
  const first = answers.find((answer) => !isSilent(answer));
  const findings = answers.flatMap((answer) =>
    "error" in answer ? [finding(answer === first ? "wrong" : "warning", answer.error)] : [],
  );
  if (!first || "error" in first) return findings;
  return [
    ...findings,
    versionOf(first.version, needs.kubernetesVersion),
    ...(await lookAtNames(first.master, needs, deadlineMs)),
  ];
}

/** What time alone does not change: a wrong host key, a refused login. Anything else may be right when it is needed. */
const isFinal = (error: UserError) =>
  error instanceof SshError && !["unreachable", "dropped", "timeout"].includes(error.kind);

async function ask(master: SshTargetArgs, vboxManage: string, deadlineMs: number): Promise<Answer> {
  try {
    return {
      master,
      version: await withMaster([master], vboxManage, { deadlineMs, commandTimeoutMs: deadlineMs }, serverVersion),
    };
  } catch (error) {
    if (error instanceof UserError) return { master, error };
    throw error;
  }
}

function versionOf(server: string, given: string | undefined): Finding {
  try {
    return right(`the cluster has Kubernetes ${server}, and workers get ${versionToInstall(server, { given })}`);
  } catch (error) {
    if (error instanceof UserError) return finding("wrong", error);
    throw error;
  }
}

/** What a bastion's sshd says of a name that it cannot resolve: gai_strerror(3). */
const UNKNOWN_NAME =
  /name or service not known|no address associated|name resolution|nodename nor servname|unknown host/i;

/** Workers are reached as NAME.ZONE; that a master's is not known says that theirs may not be either. */
async function lookAtNames(
  master: SshTargetArgs,
  { zone, vboxManage }: ClusterNeeds,
  deadlineMs: number,
): Promise<Finding[]> {
  const { address } = master;
  if (isIP(address) !== 0 || address.includes(".") || !master.bastion) return [];
  const name = `${address}.${zone}`;
  try {
    const target = await resolveTarget({ ...master, address: name }, vboxManage, execWithin(deadlineMs));
    await withSession(target, { deadlineMs: Math.min(2_000, deadlineMs), what: name }, () => Promise.resolve());
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    if (!UNKNOWN_NAME.test(error.message)) return [];
    const hint = `workers are reached as NAME.${zone}: let the bastion's name server know them by their DHCP leases, or correct \`zone\``;
    return [{ is: "warning", what: `the bastion does not know the name ${name}`, hint }];
  }
  return [right(`the bastion knows the name ${name}`)];
}
