import { UserError } from "./errors";
import { notUnderstood } from "./json";
import { kubectlJson } from "./kubectl";
import type { SshSession } from "./ssh";
import { isDropped } from "./sshError";
import { urnOf } from "./urn";

/** `v1.36.3`, `1.36.3`, and what distributions and pre-releases add to it. */
const VERSION = /^v?1\.(\d{1,3})\.(\d{1,3})(?:-[\w.-]+)?(?:\+[\w.-]+)?$/;

const parts = (version: string) => {
  const [, minor, patch] = VERSION.exec(version) ?? [];
  return minor === undefined ? undefined : { minor: Number(minor), patch: Number(patch) };
};

/** A Kubernetes version's minor number; NaN for what is no version. */
export const minorOf = (version: string): number => parts(version)?.minor ?? NaN;

/** The API server's version, such as `v1.36.3`, asked on a master. */
export async function serverVersion(master: SshSession): Promise<string> {
  const answer = (await kubectlJson(master, ["version"])) as { serverVersion?: { gitVersion?: unknown } } | undefined;
  const version = answer?.serverVersion?.gitVersion;
  if (typeof version !== "string" || !parts(version)) throw notUnderstood("kubectl version", "with the API server's version", JSON.stringify(answer ?? ""));
  return version;
}

/** By how many minor versions a kubelet may be older than the API server: kubernetes.io/releases/version-skew-policy. */
const mostBehind = (server: string) => (minorOf(server) >= 28 ? 3 : 2);

/**
 * What keeps a kubelet from working with an API server, or undefined; what is no version is too old. Patch versions do not count. kubeadm's policy wants its own minor
 * version to be the cluster's; up to the kubelet's limit `kubeadm join` works all the same (by kubeadm's sources of 1.29 and 1.36).
 */
export function skewProblem(kubelet: string, server: string): "newer" | "too old" | undefined {
  const behind = minorOf(server) - minorOf(kubelet);
  if (behind < 0) return "newer";
  return behind <= mostBehind(server) ? undefined : "too old";
}

/** The kubelets that an API server takes: `1.33.0 … 1.36.x`. */
export const versionsFor = (server: string): string => `1.${Math.max(0, minorOf(server) - mostBehind(server))}.0 … 1.${minorOf(server)}.x`;

/** Says by how much a worker's Kubernetes is older than the cluster's; undefined where it is not. */
export function behind(kubelet: string, server: string): string | undefined {
  const [worker, cluster] = [parts(kubelet), parts(server)];
  if (!worker || !cluster) return undefined;
  const minors = cluster.minor - worker.minor;
  if (minors < 0 || (minors === 0 && worker.patch >= cluster.patch)) return undefined;
  const limit = skewProblem(kubelet, server) ? `, and no more than ${mostBehind(server)} minor versions behind is supported` : "";
  return `its Kubernetes ${kubelet} is older than the cluster's ${server}${limit}`;
}

/** Notes where a worker's Kubernetes is older than the cluster's, see {@link behind}. Nothing depends on it: what fails here fails nothing. */
export async function noteBehind(master: SshSession, name: string, kubelet: string, log: (line: string) => void): Promise<void> {
  try {
    const late = behind(kubelet, await serverVersion(master));
    if (late) log(`${late}: ${catchUp(name)}`);
  } catch (error) {
    if (!(error instanceof UserError) || isDropped(error)) throw error;
    log(`whether its Kubernetes ${kubelet} is older than the cluster's is not known: ${error.summary}`);
  }
}

/** What to do about a worker that is {@link behind}: its content, and so its machine, is replaced. */
export const catchUp = (name: string): string => `replace it when that suits: pulumi up --replace '${urnOf("vbox:CloudInitIso", name)}' (and change kubernetesVersion first where that is given)`;

/**
 * The version that a worker is to have: the one that is given, else the one that it had, as long as the cluster takes it, else the cluster's.
 * @throws UserError that names the configuration's key
 */
export function versionToInstall(server: string, { given, kept }: { given?: string; kept?: string }): string {
  if (given !== undefined && skewProblem(given, server)) throw notTaken(given, server, { orNothing: ", or nothing for the cluster's own", orRemove: ", or pulumi config rm kubernetesVersion" });
  if (given !== undefined) return given;
  return kept !== undefined && skewProblem(kept, server) === undefined ? kept : released(server);
}

/**
 * Refuses a version that a worker is to install again, and that the cluster does not take any more.
 * @throws UserError that names the configuration's key, and the command that makes the worker's content, and so its machine, with the cluster's own
 */
export function checkKept(kept: string, server: string, name: string): void {
  if (skewProblem(kept, server)) throw notTaken(kept, server, { otherwise: `take the cluster's own: pulumi up --replace '${urnOf("vbox:CloudInitIso", name)}'; or, for all workers, ` });
}

function notTaken(version: string, server: string, { orNothing = "", orRemove = "", otherwise = "" }): UserError {
  const is = skewProblem(version, server) === "newer" ? "newer than" : "too old for";
  return new UserError(`kubernetesVersion: ${version} is ${is} the cluster's ${server}; give ${versionsFor(server)}${orNothing}`, {
    todo: `${otherwise}pulumi config set kubernetesVersion VERSION${orRemove}`,
  });
}

/** The version as packages have it. There are none of pre-releases. */
function released(server: string): string {
  const [, version] = /^v?(1\.\d+\.\d+)(?:\+.*)?$/.exec(server) ?? [];
  if (version !== undefined) return version;
  throw new UserError(`kubernetesVersion: the cluster's own, ${server}, is a pre-release, which no package repository has`, {
    todo: `give one of ${versionsFor(server)}: pulumi config set kubernetesVersion VERSION`,
  });
}
