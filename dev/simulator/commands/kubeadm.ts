import { loadAll } from "js-yaml";
import type { ExecResult } from "../../../common/exec";
import { minorOf } from "../../../kubernetes/versionSkew";
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
  const hint =
    "[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`";
  const list = ["[preflight] Some fatal errors occurred:", ...errors.map((error) => `\t${error}`), hint, ""].join("\n");
  return kubeadmError("error execution phase preflight: preflight checks failed", CHECKING, list);
}

interface Document {
  apiVersion?: string;
  kind?: string;
}

const documentsIn = (input: string) =>
  loadAll(input).filter((document): document is Document => typeof document === "object" && document !== null);

/** The document of a kind in a configuration that came over standard input. */
export function configurationOf<T>({ words, input }: Scene, kind: string): T | undefined {
  if (words[words.indexOf("--config") + 1] !== "/dev/stdin") return undefined;
  return documentsIn(input).find((document) => document.kind === kind) as T | undefined;
}

/**
 * What kubeadm says to a configuration of an API version that it does not take (kubernetes/cmd/kubeadm,
 * `validateSupportedVersion`; tried with 1.29 and 1.36).
 */
export function apiProblem(version: string, { input }: Scene): string | undefined {
  const minor = minorOf(version);
  for (const { apiVersion = "", kind } of documentsIn(input)) {
    if (apiVersion === "kubeadm.k8s.io/v1beta2" && minor >= 27)
      return `your configuration file uses an old API spec: "${apiVersion}". Please use kubeadm v1.22 instead`;
    if (apiVersion === "kubeadm.k8s.io/v1beta4" && minor >= 28 && minor < 31)
      return `experimental API spec: "${apiVersion}" is not allowed. You can use the --allow-experimental-api flag if the command supports it.`;
    if (!apiVersions(minor).includes(apiVersion))
      return `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:100"`;
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

/** What a client says that finds nobody at an address. */
export const unreachable = (endpoint: string, method: string, path: string) =>
  `${method} "https://${endpoint}/api/v1/${path}?timeout=10s": dial tcp ${endpoint}: connect: connection refused`;

/** Reads a Go duration such as `30m0s`; 0 does not expire. */
export function milliseconds(duration: string): number {
  const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1_000 };
  return [...duration.matchAll(/(\d+)([hms])/g)].reduce(
    (sum, [, number, unit]) => sum + Number(number) * units[unit!]!,
    0,
  );
}
