import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "./errors";
import { namedCause } from "./joinReport";
import { ApiUnreachable, getNode, getPodsOn, internalIp, isTrue, type Node, type Pod } from "./kubectl";
import { beginningOf } from "./quoted";
import type { SshSession } from "./ssh";

/** When a worker counts as joined. */
export interface ReadyExpectation {
  name: string;
  /** The address that the Node must have as InternalIP. */
  address: string;
  /** Labels of the CNI's own pod on each node, such as `app=flannel`. */
  cniSelector: string;
}

const POLL_MS = 3_000;
/** Between two lines of progress: the reasons change all the time. */
const PROGRESS_MS = 20_000;

/**
 * Waits until the Node is Ready with the expected address, and its own kube-proxy and CNI pods run. An API server that does not answer
 * meanwhile is waited for, too.
 *
 * @throws UserError at the deadline, with what was still missing; at once for an unexpected address, which will not change
 */
export async function waitForReady(session: SshSession, expected: ReadyExpectation, deadlineMs: number, log: (line: string) => void): Promise<Node> {
  const end = performance.now() + deadlineMs;
  let said = -Infinity;
  for (;;) {
    const { node, missing, failure } = await look(session, expected);
    if (node && missing.length === 0) return node;
    const state = missing.join("; ");
    if (performance.now() > said + PROGRESS_MS) {
      log(`waits: ${state}`);
      said = performance.now();
    }
    const leftMs = end - performance.now();
    if (leftMs <= 0) throw late(expected, deadlineMs, state, failure);
    await sleep(Math.min(POLL_MS, leftMs));
  }
}

/** Whoever looks again and again needs no patience within a look. */
const ONCE = { patienceMs: 0 };

async function look(session: SshSession, expected: ReadyExpectation): Promise<{ node?: Node; missing: string[]; failure?: UserError }> {
  try {
    const node = await getNode(session, expected.name, ONCE);
    return { node, missing: whatIsMissing(node, node ? await getPodsOn(session, expected.name, ONCE) : [], expected) };
  } catch (error) {
    if (!(error instanceof ApiUnreachable)) throw error;
    return { missing: [error.summary], failure: error };
  }
}

function late({ name }: ReadyExpectation, deadlineMs: number, state: string, failure?: UserError): UserError {
  const look = `kubectl describe node ${name}; kubectl get pods -A --field-selector spec.nodeName=${name}`;
  const cause = failure ? failure.detail.todo : namedCause(state);
  return new UserError(`${name} has joined, but was not ready within ${deadlineMs / 1000} s: ${state}`, { said: failure?.detail.said, todo: cause ? `${cause}; ${look}` : look });
}

/** What a Node and its pods still lack. */
export function whatIsMissing(node: Node | undefined, pods: readonly Pod[], { address, cniSelector }: ReadyExpectation): string[] {
  if (!node) return ["the Node is not registered"];
  const ip = internalIp(node);
  if (ip !== undefined && ip !== address) {
    throw new UserError(`the Node has the InternalIP ${ip}, not ${address}`, { todo: "look at the worker's interfaces and the kubelet's --node-ip" });
  }
  const notReady = node.status.conditions?.find(({ type }) => type === "Ready");
  return [
    ...(isTrue(node, "Ready") ? [] : [`the Node is not Ready${notReady?.message ? ` (${beginningOf(notReady.message, 500)})` : ""}`]),
    ...missingPod("kube-proxy", "k8s-app=kube-proxy", pods),
    ...missingPod("CNI", cniSelector, pods),
  ];
}

function missingPod(what: string, selector: string, pods: readonly Pod[]): string[] {
  const pod = pods.find((pod) => matches(pod, selector));
  if (!pod) return [`no ${what} pod (${selector}) on it`];
  if (isTrue(pod, "Ready")) return [];
  const waiting = pod.status.containerStatuses?.map(({ state }) => state?.waiting?.reason).filter(Boolean);
  return [`the ${what} pod ${pod.metadata.name} is ${waiting?.length ? waiting.join(", ") : pod.status.phase}`];
}

const matches = (pod: Pod, selector: string) =>
  selector.split(",").every((term) => {
    const [key, value] = term.split("=") as [string, string];
    return pod.metadata.labels?.[key] === value;
  });
