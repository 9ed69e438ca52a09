import { UserError } from "../common/errors";
import { notUnderstood } from "../common/json";
import { kubectlJson } from "./kubectl";
import type { SshSession } from "../ssh/session";
import { isDropped } from "../ssh/error";
import { urnOf } from "../common/urn";
import type { Log } from "../common/log";

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
  if (typeof version !== "string" || !parts(version))
    throw notUnderstood("kubectl version", "with the API server's version", JSON.stringify(answer ?? ""));
  return version;
}

/**
 * The oldest minor version, of clusters and workers, whose `kubeadm join` our tokens' bindings are enough for. Earlier
 * ones read the kubelet's configuration by a name, and a Role, for each minor version (kubernetes/cmd/kubeadm,
 * `UnversionedKubeletConfigMap`).
 */
const LEAST_MINOR = 24;

/** @throws UserError for a cluster that no worker of ours can join */
export function checkSupported(server: string): void {
  if (minorOf(server) >= LEAST_MINOR) return;
  throw new UserError(
    `the cluster's Kubernetes ${server} is older than 1.${LEAST_MINOR}, the oldest that this program joins workers to`,
    { hint: "upgrade its control plane first" },
  );
}

/**
 * By how many minor versions a kubelet may be older than the API server: kubernetes.io/releases/version-skew-policy.
 */
const mostBehind = (server: string) => (minorOf(server) >= 28 ? 3 : 2);

const oldestFor = (server: string) => Math.max(LEAST_MINOR, minorOf(server) - mostBehind(server));

/**
 * What keeps a kubelet from working with an API server, or undefined; what is no version is too old. Patch versions do
 * not count.
 */
export function skewProblem(kubelet: string, server: string): "newer" | "too old" | undefined {
  if (minorOf(kubelet) > minorOf(server)) return "newer";
  return minorOf(kubelet) >= oldestFor(server) ? undefined : "too old";
}

/**
 * What keeps a kubeadm from joining a kubelet to an API server: it may be one minor version newer than the cluster, and
 * its kubelet three older than itself, which it checks (kubernetes.io, "Creating a cluster with kubeadm", version skew
 * policy). An older one works up to the kubelet's limit, though the policy wants the cluster's own minor version (by
 * kubeadm's sources of 1.29 and 1.36).
 */
export function kubeadmProblem(kubeadm: string, kubelet: string, server: string): string | undefined {
  const [own, newest] = [minorOf(kubeadm), minorOf(server) + 1];
  if (!(own >= oldestFor(server) && own <= newest))
    return `its kubeadm ${kubeadm} does not go with the API server's ${server}; use one of 1.${oldestFor(server)}.0 … 1.${newest}.x`;
  if (minorOf(kubelet) < own - 3)
    return `its kubeadm ${kubeadm} joins no kubelet as old as ${kubelet}; use both in one version`;
  return undefined;
}

/** The kubelets that an API server takes: `1.33.0 … 1.36.x`. */
export const versionsFor = (server: string): string => `1.${oldestFor(server)}.0 … 1.${minorOf(server)}.x`;

/** Says by how much a worker's Kubernetes is older than the cluster's; undefined where it is not. */
export function behind(kubelet: string, server: string): string | undefined {
  const [worker, cluster] = [parts(kubelet), parts(server)];
  if (!worker || !cluster) return undefined;
  const minors = cluster.minor - worker.minor;
  if (minors < 0 || (minors === 0 && worker.patch >= cluster.patch)) return undefined;
  const limit = skewProblem(kubelet, server)
    ? `, and no more than ${mostBehind(server)} minor versions behind is supported`
    : "";
  return `its Kubernetes ${kubelet} is older than the cluster's ${server}${limit}`;
}

/**
 * Notes where a worker's Kubernetes is older than the cluster's, see {@link behind}. Nothing depends on it: what fails
 * here fails nothing.
 */
export async function noteBehind(master: SshSession, name: string, kubelet: string, log: Log): Promise<void> {
  try {
    const lag = behind(kubelet, await serverVersion(master));
    if (lag) log(`${lag}: ${catchUp(name)}`, "warning");
  } catch (error) {
    if (!(error instanceof UserError) || isDropped(error)) throw error;
    log(`whether its Kubernetes ${kubelet} is older than the cluster's is not known: ${error.summary}`, "warning");
  }
}

/** What to do about a worker that is {@link behind}: its content, and so its machine, is replaced. */
export const catchUp = (name: string): string =>
  `replace it when that suits: pulumi up --replace '${urnOf("vbox:CloudInitIso", name)}' (and change kubernetesVersion first where that is given)`;

/**
 * The version that a worker is to have: the one that is given, else the one that it had, as long as the cluster takes
 * it, else the cluster's.
 * @throws UserError that names the configuration's key
 */
export function versionToInstall(server: string, { given, kept }: { given?: string; kept?: string }): string {
  checkSupported(server);
  if (given !== undefined && skewProblem(given, server))
    throw notTaken(given, server, {
      orNothing: ", or nothing for the cluster's own",
      orRemove: ", or pulumi config rm kubernetesVersion",
    });
  if (given !== undefined) return given;
  return kept !== undefined && skewProblem(kept, server) === undefined ? kept : released(server);
}

/**
 * Refuses a version that a worker is to install again, and that the cluster does not take any more.
 * @throws UserError that names the configuration's key, and the command that makes the worker's content, and so its
 * machine, with the cluster's own
 */
export function checkKept(kept: string, server: string, name: string): void {
  checkSupported(server);
  if (skewProblem(kept, server))
    throw notTaken(kept, server, {
      otherwise: `take the cluster's own: pulumi up --replace '${urnOf("vbox:CloudInitIso", name)}'; or, for all workers, `,
    });
}

function notTaken(version: string, server: string, { orNothing = "", orRemove = "", otherwise = "" }): UserError {
  const is = skewProblem(version, server) === "newer" ? "newer than" : "too old for";
  return new UserError(
    `kubernetesVersion: ${version} is ${is} the cluster's ${server}; give ${versionsFor(server)}${orNothing}`,
    {
      hint: `${otherwise}pulumi config set kubernetesVersion VERSION${orRemove}`,
    },
  );
}

/** The version as packages have it. There are none of pre-releases. */
function released(server: string): string {
  const [, version] = /^v?(1\.\d+\.\d+)(?:\+.*)?$/.exec(server) ?? [];
  if (version !== undefined) return version;
  throw new UserError(
    `kubernetesVersion: the cluster's own, ${server}, is a pre-release, which no package repository has`,
    {
      hint: `give one of ${versionsFor(server)}: pulumi config set kubernetesVersion VERSION`,
    },
  );
}
