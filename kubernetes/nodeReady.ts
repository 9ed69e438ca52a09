import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../common/errors";
import { namedCause } from "./joinReport";
import { ApiUnreachable, getNode, getPodsOn, internalIp, isTrue, type Node, type Pod } from "./kubectl";
import { beginningOf } from "../common/quoted";
import type { SshSession } from "../ssh/session";
import type { Log } from "../common/log";

/** When a worker counts as joined. */
export interface ReadyExpectation {
  name: string;
  /** The address that the Node must have as InternalIP. */
  address: string;
  /** Of each of these a Ready pod must be on the node: labels, such as `app=flannel`. */
  requiredPods: readonly string[];
}

/** What a kubeadm cluster with flannel has on each node. */
export const DEFAULT_PODS: readonly string[] = ["k8s-app=kube-proxy", "app=flannel"];

/** The pods that a node needs: those given; or, with labels of the CNI's pod alone, kube-proxy's and that. */
export const podsOf = ({
  requiredPods,
  cniSelector,
}: {
  requiredPods: readonly string[];
  cniSelector: string;
}): readonly string[] => (cniSelector ? ["k8s-app=kube-proxy", cniSelector] : requiredPods);

const POLL_MS = 3_000;
/** Between two lines of progress: the reasons change all the time. */
const PROGRESS_MS = 20_000;

/**
 * Waits until the Node is Ready with the expected address, and the pods that it needs run on it. An API server that
 * does not answer meanwhile is waited for, too.
 *
 * @throws UserError at the deadline, with what was still missing; at once for an unexpected address, which will not
 * change
 */
export async function waitForReady(
  session: SshSession,
  expected: ReadyExpectation,
  deadlineMs: number,
  log: Log,
): Promise<Node> {
  const end = performance.now() + deadlineMs;
  let output = -Infinity;
  for (;;) {
    const { node, missing, failure } = await look(session, expected);
    if (node && missing.length === 0) return node;
    const state = missing.join("; ");
    if (performance.now() > output + PROGRESS_MS) {
      log(`waiting to be Ready: ${state}`);
      output = performance.now();
    }
    const leftMs = end - performance.now();
    if (leftMs <= 0) throw timedOut(expected, deadlineMs, state, failure);
    await sleep(Math.min(POLL_MS, leftMs));
  }
}

/** Whoever looks again and again needs no patience within a look. */
const ONCE = { patienceMs: 0 };

async function look(
  session: SshSession,
  expected: ReadyExpectation,
): Promise<{ node?: Node; missing: string[]; failure?: UserError }> {
  try {
    const node = await getNode(session, expected.name, ONCE);
    return { node, missing: whatIsMissing(node, node ? await getPodsOn(session, expected.name, ONCE) : [], expected) };
  } catch (error) {
    if (!(error instanceof ApiUnreachable)) throw error;
    return { missing: [error.summary], failure: error };
  }
}

function timedOut({ name }: ReadyExpectation, deadlineMs: number, state: string, failure?: UserError): UserError {
  const look = `kubectl describe node ${name}; kubectl get pods -A --field-selector spec.nodeName=${name}`;
  const cause = failure ? failure.detail.hint : namedCause(state);
  return new UserError(`${name} has joined, but was not ready within ${deadlineMs / 1000} s: ${state}`, {
    output: failure?.detail.output,
    hint: cause ? `${cause}; ${look}` : look,
  });
}

/** What a Node and its pods still lack. */
export function whatIsMissing(
  node: Node | undefined,
  pods: readonly Pod[],
  { address, requiredPods }: ReadyExpectation,
): string[] {
  if (!node) return ["the Node is not registered"];
  const ip = internalIp(node);
  if (ip !== undefined && ip !== address) {
    throw new UserError(`the Node has the InternalIP ${ip}, not ${address}`, {
      hint: "look at the worker's interfaces and the kubelet's --node-ip",
    });
  }
  const notReady = node.status.conditions?.find(({ type }) => type === "Ready");
  return [
    ...(isTrue(node, "Ready")
      ? []
      : [`the Node is not Ready${notReady?.message ? ` (${beginningOf(notReady.message, 500)})` : ""}`]),
    ...requiredPods.flatMap((selector) => missingPod(selector, pods)),
  ];
}

function missingPod(selector: string, pods: readonly Pod[]): string[] {
  const all = pods.filter((pod) => matches(pod, selector));
  const [pod] = all;
  if (!pod) return [`no pod with ${selector} is on it`];
  if (all.some((pod) => isTrue(pod, "Ready"))) return [];
  const waiting = pod.status.containerStatuses?.map(({ state }) => state?.waiting?.reason).filter(Boolean);
  return [`the pod ${pod.metadata.name} is ${waiting?.length ? waiting.join(", ") : pod.status.phase}`];
}

const matches = (pod: Pod, selector: string) =>
  selector.split(",").every((term) => {
    const [key, value] = term.split("=") as [string, string];
    return pod.metadata.labels?.[key] === value;
  });
