import { setTimeout as sleep } from "node:timers/promises";
import { type ApiFailure, apiFailureOf, lastWords, NO_ANSWER } from "./apiFailure";
import { UserError } from "../common/errors";
import { namedCause } from "./joinReport";
import { parseJson } from "../common/json";
import { type Node, nodeIn, nodesIn, type Pod, podsIn } from "./kubeObjects";
import { lastLines } from "../common/quoted";
import { shellCommand } from "../common/shell";
import { SshError } from "../ssh/error";
import type { SshExecOptions } from "../ssh/exec";
import type { SshSession } from "../ssh/session";

/** Where kubeadm puts the administrator's kubeconfig on a master. */
export const ADMIN_CONF = "/etc/kubernetes/admin.conf";

export type { Node, Pod, Taint } from "./kubeObjects";

/**
 * The API server does not work for the administrator on a master that answers: it is away, sick, or does not let him
 * in.
 */
export class ApiUnreachable extends UserError {
  /** @param output the tool's own last words */
  constructor(
    readonly failure: ApiFailure,
    output: string,
    cause?: unknown,
  ) {
    super(failure.summary, { output, hint: failure.hint, cause });
  }
}

/** How to run kubectl. */
export interface KubectlOptions extends SshExecOptions {
  /**
   * How long it is tried again where the API server does not answer, in milliseconds. Default: the session's; 0 where
   * the caller asks again by itself.
   */
  patienceMs?: number;
}

/** Between two tries. */
const AGAIN_MS = 1_000;

/**
 * Runs kubectl as the administrator on a master; resolves with its standard output. An API server that does not answer
 * for a moment, as one that restarts or whose etcd changes its leader, is asked again: what the program has kubectl do
 * can be done twice.
 * @throws ApiUnreachable, or another UserError where the command is refused, with kubectl's last words
 */
export async function kubectl(
  session: SshSession,
  args: readonly string[],
  { patienceMs = session.patienceMs ?? 0, ...options }: KubectlOptions = {},
): Promise<string> {
  let end: number | undefined;
  for (;;) {
    try {
      return await kubectlOnce(session, args, options);
    } catch (error) {
      if (!(error instanceof ApiUnreachable)) throw error;
      end ??= performance.now() + patienceMs;
      if (performance.now() >= end) throw error;
      await sleep(Math.min(AGAIN_MS, end - performance.now()));
    }
  }
}

async function kubectlOnce(session: SshSession, args: readonly string[], options: SshExecOptions): Promise<string> {
  const command = shellCommand(["sudo", "-n", "kubectl", "--kubeconfig", ADMIN_CONF, ...args]);
  const { stdout, stderr, exitCode } = await session.exec(command, options).catch((error: unknown) => {
    throw isHung(error, options) ? new ApiUnreachable(NO_ANSWER, error.summary, error) : error;
  });
  if (exitCode === 0) return stdout;
  const words = lastWords(stderr || stdout);
  const failure = apiFailureOf(words, exitCode);
  const output = lastLines(words);
  if (!failure)
    throw new UserError(`${commandName(args)} failed with exit code ${exitCode}`, { output, hint: namedCause(output) });
  throw new ApiUnreachable(failure, output);
}

/** A command that has no deadline of its own ends soon, or its server does not answer. */
const isHung = (error: unknown, { timeoutMs }: SshExecOptions): error is SshError =>
  error instanceof SshError && error.kind === "timeout" && timeoutMs === undefined;

/** A Node is some 10 kB, with its images 50: the Nodes of a large cluster fit in, in bytes. */
const MOST_JSON = 64 * 1024 * 1024;

/** The command without its options: `kubectl get node kube-node01`. */
function commandName([first, ...rest]: readonly string[]): string {
  const words = first === "-n" ? rest.slice(1) : [first, ...rest];
  const options = words.findIndex((word) => word?.startsWith("-"));
  return ["kubectl", ...words.slice(0, options === -1 ? undefined : options)].join(" ");
}

/**
 * A {@link kubectl} that only looks, and answers in JSON; what is not there and may be missing is answered with
 * nothing.
 */
const kubectlText = (session: SshSession, args: readonly string[], options?: KubectlOptions) =>
  kubectl(session, [...args, "-o", "json"], { mostOutput: MOST_JSON, ...options, readOnly: true });

/** The answer in JSON; undefined where it has none, as for what is not there and may be missing. */
export async function kubectlJson(
  session: SshSession,
  args: readonly string[],
  options?: KubectlOptions,
): Promise<unknown> {
  const json = await kubectlText(session, args, options);
  return json.trim() ? parseJson(json, `kubectl ${args[0]}`) : undefined;
}

/** The Node of this name, or undefined where there is none. */
export const getNode = async (session: SshSession, name: string, options?: KubectlOptions): Promise<Node | undefined> =>
  nodeIn(await kubectlText(session, ["get", "node", name, "--ignore-not-found"], options), name);

/** Every Node of the cluster. */
export const getNodes = async (session: SshSession): Promise<Node[]> =>
  nodesIn(await kubectlText(session, ["get", "nodes"]));

/** The pods that are bound to a node, of all namespaces. */
export const getPodsOn = async (session: SshSession, node: string, options?: KubectlOptions): Promise<Pod[]> =>
  podsIn(await kubectlText(session, ["get", "pods", "-A", "--field-selector", `spec.nodeName=${node}`], options));

/** Whether a condition of a Node or Pod is "True". */
export const isTrue = (thing: { status: { conditions?: { type: string; status: string }[] } }, condition: string) =>
  thing.status.conditions?.some(({ type, status }) => type === condition && status === "True") ?? false;

/** A Node's first address of type InternalIP. */
export const internalIp = (node: Node) => node.status.addresses?.find(({ type }) => type === "InternalIP")?.address;

/**
 * What is wrong where another Ready node has an address already: pods and services would reach either. Undefined where
 * none has.
 */
export function addressTwin(
  nodes: readonly Node[],
  { name, address }: { name: string; address: string },
): string | undefined {
  const twin = nodes.find(
    (node) => node.metadata.name !== name && internalIp(node) === address && isTrue(node, "Ready"),
  );
  return twin && `its address ${address} is also the InternalIP of ${twin.metadata.name}, which is Ready`;
}
