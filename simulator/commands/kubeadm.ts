import { loadAll } from "js-yaml";
import type { ExecResult } from "../../host/exec";
import { minorOf } from "../../host/versionSkew";
import { settleCluster } from "../cluster";
import { done, failed, type Scene } from "./command";

/** `kubeadm version -o short`. */
export const kubeadmVersion = (version: string, { words }: Scene): ExecResult =>
  words.includes("short") ? done(version) : failed('error: only "-o short" is simulated');

/** What kubeadm says without root's rights. */
export const notRoot = (): ExecResult => preflightErrors(["[ERROR IsPrivilegedUser]: user is not running as root"]);

/** kubeadm's own failure, with its words (kubernetes/cmd/kubeadm, `HandleError`). */
export const kubeadmError = (message: string, stdout = "", before = ""): ExecResult =>
  failed(`${before}error: ${message}\nTo see the stack trace of this error execute with --v=5 or higher`, 1, stdout);

/** What kubeadm says first. */
export const CHECKING = "[preflight] Running pre-flight checks";

/** Checks that failed (kubernetes/cmd/kubeadm, `RunChecks`). */
export function preflightErrors(errors: readonly string[]): ExecResult {
  const hint = "[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`";
  const list = ["[preflight] Some fatal errors occurred:", ...errors.map((error) => `\t${error}`), hint, ""].join("\n");
  return kubeadmError("error execution phase preflight: preflight checks failed", CHECKING, list);
}

interface Document {
  apiVersion?: string;
  kind?: string;
}

const documentsIn = (input: string) => loadAll(input).filter((document): document is Document => typeof document === "object" && document !== null);

/** The document of a kind in a configuration that came over standard input. */
export function configurationOf<T>({ words, input }: Scene, kind: string): T | undefined {
  if (words[words.indexOf("--config") + 1] !== "/dev/stdin") return undefined;
  return documentsIn(input).find((document) => document.kind === kind) as T | undefined;
}

/** What kubeadm says to a configuration of an API version that it does not take (kubernetes/cmd/kubeadm, `validateSupportedVersion`; tried with 1.29 and 1.36). */
export function apiProblem(version: string, { input }: Scene): string | undefined {
  const minor = minorOf(version);
  for (const { apiVersion = "", kind } of documentsIn(input)) {
    if (apiVersion === "kubeadm.k8s.io/v1beta2" && minor >= 27) return `your configuration file uses an old API spec: "${apiVersion}". Please use kubeadm v1.22 instead`;
    if (apiVersion === "kubeadm.k8s.io/v1beta4" && minor >= 28 && minor < 31) return `experimental API spec: "${apiVersion}" is not allowed. You can use the --allow-experimental-api flag if the command supports it.`;
    if (!apiVersions(minor).includes(apiVersion)) return `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:100"`;
  }
  return undefined;
}

const apiVersions = (minor: number) => {
  const known: [number, boolean][] = [
    [2, minor < 27],
    [3, minor >= 22],
    [4, minor >= 28],
  ];
  return known.filter(([, is]) => is).map(([number]) => `kubeadm.k8s.io/v1beta${number}`);
};

interface InitConfiguration {
  localAPIEndpoint?: { advertiseAddress?: string };
  bootstrapTokens?: { token: string; ttl?: string; description?: string; groups?: string[] }[];
}

/** kubeadm on a master: `version`, and `token create --config /dev/stdin`. */
export function kubeadmOnMaster(scene: Scene): ExecResult {
  const { state, now, words, isRoot } = scene;
  const [, verb, object] = words;
  if (verb === "version") return kubeadmVersion(state.cluster.version, scene);
  if (verb !== "token" || object !== "create") return failed(`error: unknown command "${verb}" for "kubeadm"`);
  if (!isRoot) return kubeadmError("failed to load admin kubeconfig: open /etc/kubernetes/admin.conf: permission denied");
  const problem = apiProblem(state.cluster.version, scene);
  if (problem) return kubeadmError(problem);
  const { localAPIEndpoint, bootstrapTokens: [wanted] = [] } = configurationOf<InitConfiguration>(scene, "InitConfiguration") ?? {};
  if (state.cluster.noIpv4Route && !localAPIEndpoint?.advertiseAddress) return kubeadmError("unable to select an IP from default routes");
  const [, id = "", secret = ""] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(wanted?.token ?? "") ?? [];
  if (!wanted || !id) return kubeadmError("the bootstrap token is invalid: it does not match \\A([a-z0-9]{6})\\.([a-z0-9]{16})\\z");
  if (state.cluster.apiDown) return kubeadmError(unreachable(state.cluster.endpoint, "Post", "namespaces/kube-system/secrets"));
  settleCluster(state, now);
  if (state.cluster.tokens.some((token) => token.id === id)) return kubeadmError(`a token with id "${id}" already exists`);
  const ttl = milliseconds(wanted.ttl ?? "24h0m0s");
  state.cluster.tokens.push({ id, secret, description: wanted.description ?? "", ...(wanted.groups && { group: wanted.groups[0] }), ...(ttl > 0 && { expires: now + ttl }) });
  return done(wanted.token);
}

/** What a client says that finds nobody at an address. */
export const unreachable = (endpoint: string, method: string, path: string) =>
  `${method} "https://${endpoint}/api/v1/${path}?timeout=10s": dial tcp ${endpoint}: connect: connection refused`;

/** Reads a Go duration such as `30m0s`; 0 does not expire. */
export function milliseconds(duration: string): number {
  const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1_000 };
  return [...duration.matchAll(/(\d+)([hms])/g)].reduce((sum, [, number, unit]) => sum + Number(number) * units[unit!]!, 0);
}
