import { clusterVersion, type Masters } from "./clusterVersion";
import { UserError } from "../common/errors";
import { isUnreachable } from "./masters";
import { checkKept, versionToInstall } from "../kubernetes/versionSkew";
import type { Log } from "../common/log";

/** The worker, the version that was given, if any, and whom to ask for the cluster's. */
interface Wanted extends Masters {
  name: string;
  kubernetesVersion?: string;
}

/**
 * The version to install, see {@link versionToInstall}.
 * @param kept the one that was chosen before
 * @throws UserError for one that the cluster does not take, before any machine is made or taken away for it
 */
export async function chosenVersion(wanted: Wanted, log: Log, kept?: string): Promise<string> {
  const { kubernetesVersion: given, masters } = wanted;
  if (masters.length === 0) return given ?? kept ?? needed();
  const server = await serverOf(wanted, log);
  const version = versionToInstall(server, { given, kept });
  if (version !== (given ?? kept))
    if (kept === undefined) log(`choosing Kubernetes ${version}, the cluster's own`);
    else log(`is to have Kubernetes ${version}: the cluster's ${server} does not take ${kept} any more`, "warning");
  return version;
}

/** @throws UserError where the cluster does not take the version that a machine is to install, or does not answer */
export async function checkVersion(wanted: Wanted, log: Log): Promise<void> {
  if (wanted.masters.length === 0) return;
  const server = await serverOf(wanted, log);
  if (wanted.kubernetesVersion !== undefined) checkKept(wanted.kubernetesVersion, server, wanted.name);
}

/** @throws UserError that names the configuration's key where no master answers */
async function serverOf(
  { kubernetesVersion, masters, vboxManage, sshTimeoutSeconds, commandTimeoutSeconds }: Wanted,
  log: Log,
): Promise<string> {
  try {
    return await clusterVersion({ masters, vboxManage, sshTimeoutSeconds, commandTimeoutSeconds }, log);
  } catch (error) {
    throw isUnreachable(error) ? noAnswer(error, kubernetesVersion) : error;
  }
}

/**
 * A machine that is to join the cluster cannot do so before it answers anyway; one that is only made can do without.
 */
function noAnswer(error: UserError, given: string | undefined): UserError {
  const { output, hint } = error.detail;
  const what = given === undefined ? "which version it has" : `whether it takes ${given}`;
  const otherwise =
    given === undefined
      ? "; a machine that is only made, with autostart false, needs no cluster once kubernetesVersion is given"
      : "";
  return new UserError(`kubernetesVersion: the cluster does not tell ${what}: ${error.summary}`, {
    output,
    hint: `${hint}${otherwise}`,
    cause: error,
  });
}

function needed(): never {
  throw new UserError("kubernetesVersion is needed without masters to ask for the cluster's", {
    hint: "give a full version such as 1.36.3",
  });
}
