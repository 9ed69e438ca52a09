import { notUnderstood } from "../common/json";
import { kubectl, type Node, type Taint } from "./kubectl";
import { claimOf, hasNamesOf, type Owner } from "../common/mark";
import { quoteValue } from "../common/quoteValue";
import type { SshSession } from "../ssh/session";

/** The annotation by which a Node is known as ours, see `markOf`. */
export const OWNER_ANNOTATION = "vbox-kubeadm/owner";

/**
 * Whether Kubernetes takes it for a label's key: perhaps a DNS domain and a slash, and a name (apimachinery,
 * `IsQualifiedName`).
 */
export function isLabelKey(key: string): boolean {
  const [name, domain, ...more] = key.split("/").reverse() as [string, ...string[]];
  return (
    more.length === 0 &&
    name !== "" &&
    isLabelValue(name) &&
    (domain === undefined || (domain.length <= 253 && DOMAIN.test(domain)))
  );
}

const DOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Whether Kubernetes takes it for a label's value, which may be empty. */
export const isLabelValue = (value: string) =>
  value === "" || (value.length <= 63 && /^[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?$/.test(value));

/** Whether it is a list of labels that a pod must have: `KEY=VALUE`, with commas between. */
export const isSelector = (text: string) =>
  text.split(",").every((term) => {
    const [key, value, ...more] = term.split("=") as [string, ...string[]];
    return more.length === 0 && isLabelKey(key) && value !== undefined && value !== "" && isLabelValue(value);
  });

/** By what a Node is known as ours. */
export interface NodeIdentity extends Owner {
  /** The Node's UID, as it was last seen. */
  nodeUid: string;
  /** UUID of the machine by its firmware, as the kubelet reports it. */
  systemUuid: string;
}

/**
 * Whether a Node of our name is ours: by its mark. One without any, or with the mark of version 0.1.0, is ours if it is
 * the very one that we made, or our machine's own, whose kubelet recreated it; so is one that an `up` marked with the
 * stack's id before it got that into the state.
 */
export function isOurs(node: Node, identity: NodeIdentity): boolean {
  const mark = node.metadata.annotations?.[OWNER_ANNOTATION];
  const claim = claimOf(mark, identity);
  if (claim === "ours") return true;
  if (claim === "foreign" && (identity.stackId || !hasNamesOf(mark, identity))) return false;
  return isOf(node, identity);
}

/**
 * What a Node of our name is to a state.
 * - `known`: the state's own, on the machine that the state has, or that machine's, recreated by its kubelet.
 * - `doubtful`: the state's own, whose kubelet says that it runs on another machine.
 * - `another`: another stack's, or another machine's.
 */
interface Judgement {
  what: "known" | "doubtful" | "another";
  /** What there is to tell about it. */
  remark?: string;
}

/**
 * A kubelet can say anything of its machine, and write any mark on its Node, but neither delete the Node nor choose its
 * UID. A worker that has the UID that the state has is no newcomer, whatever else it shows.
 */
export function judgeNode(node: Node, identity: NodeIdentity): Judgement {
  const machine = node.status.nodeInfo.systemUUID.toLowerCase();
  const isOnMachine = machine === identity.systemUuid;
  if (node.metadata.uid !== identity.nodeUid) {
    if (isOurs(node, identity) && isOnMachine) return { what: "known" };
    return {
      what: "another",
      remark: `the cluster's Node of this name is another's, or another machine's (${quoteValue(machine)}, not ${identity.systemUuid})`,
    };
  }
  if (!isOnMachine)
    return {
      what: "doubtful",
      remark: `its kubelet says that it runs on another machine, ${quoteValue(machine)} and not ${identity.systemUuid}`,
    };
  if (isOurs(node, identity)) return { what: "known" };
  return {
    what: "known",
    remark: `its Node carries another mark, ${quoteValue(node.metadata.annotations?.[OWNER_ANNOTATION])}, which its own kubelet may have written; by its UID it is ours`,
  };
}

/** Whether a Node is the very one that we made, whatever its kubelet says, or our machine's own. */
export const isOf = (node: Node, { nodeUid, systemUuid }: Pick<NodeIdentity, "nodeUid" | "systemUuid">): boolean =>
  node.metadata.uid === nodeUid || node.status.nodeInfo.systemUUID.toLowerCase() === systemUuid;

/** What the program keeps on a Node. */
export interface NodeMarks {
  owner: string;
  labels: Record<string, string>;
  taints: Taint[];
}

/** Which of `labels` a Node has, with the values it has. */
export const labelsOn = (node: Node, labels: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(node.metadata.labels ?? {}).filter(([key]) => Object.hasOwn(labels, key)));

/**
 * Which of the taints of `known` a Node has, in the spelling of `known` where they are the same. Kubernetes sets taints
 * of its own, which are none of our business.
 */
export const taintsOn = (node: Node, known: readonly Taint[]): Taint[] =>
  known.flatMap((wanted) => {
    const found = node.spec.taints?.find((taint) => isSame(taint, wanted));
    if (!found) return [];
    const { key, effect } = wanted;
    return [hasValueOf(found, wanted) ? wanted : { key, ...(found.value ? { value: found.value } : {}), effect }];
  });

/** Whether a Node carries the mark of this owner. */
export const isMarked = (node: Node, owner: string) => node.metadata.annotations?.[OWNER_ANNOTATION] === owner;

/**
 * Brings a Node's annotation, labels and taints to what is wanted; takes away what `before` had and `wanted` has not.
 */
export async function syncMarks(session: SshSession, node: Node, wanted: NodeMarks, before?: NodeMarks): Promise<void> {
  const { name } = node.metadata;
  if (!isMarked(node, wanted.owner)) {
    await changeNode(session, "annotate", name, [`${OWNER_ANNOTATION}=${wanted.owner}`]);
  }
  const labels = [
    ...changedLabels(node, wanted.labels),
    ...Object.keys(before?.labels ?? {})
      .filter((key) => !Object.hasOwn(wanted.labels, key))
      .map((key) => `${key}-`),
  ];
  if (labels.length > 0) await changeNode(session, "label", name, labels);
  const taints = [...changedTaints(node, wanted.taints), ...goneTaints(node, wanted.taints, before?.taints ?? [])];
  if (taints.length > 0) await changeNode(session, "taint", name, taints);
}

/**
 * kubectl says what it did: `node/NAME annotated`, say. An answer that does not is not trusted, as the Node would stay
 * without its mark.
 */
async function changeNode(
  session: SshSession,
  verb: "annotate" | "label" | "taint",
  name: string,
  changes: readonly string[],
): Promise<void> {
  const output = await kubectl(session, [verb, "node", name, "--overwrite", ...changes]);
  if (!output.includes(`node/${name} `))
    throw notUnderstood(`kubectl ${verb}`, `as it does when it has changed the Node ${name}`, output);
}

const changedLabels = (node: Node, labels: Record<string, string>) =>
  Object.entries(labels)
    .filter(([key, value]) => node.metadata.labels?.[key] !== value)
    .map(([key, value]) => `${key}=${value}`);

const changedTaints = (node: Node, taints: readonly Taint[]) =>
  taints
    .filter((wanted) => !node.spec.taints?.some((taint) => isSame(taint, wanted) && hasValueOf(taint, wanted)))
    .map(({ key, value, effect }) => `${key}=${value ?? ""}:${effect}`);

/** kubectl refuses to take away a taint that is not there. */
const goneTaints = (node: Node, wanted: readonly Taint[], before: readonly Taint[]) =>
  before
    .filter(
      (old) => !wanted.some((taint) => isSame(taint, old)) && node.spec.taints?.some((taint) => isSame(taint, old)),
    )
    .map(({ key, effect }) => `${key}:${effect}-`);

const isSame = (a: Taint, b: Taint) => a.key === b.key && a.effect === b.effect;

/** No value and an empty one are the same. */
const hasValueOf = (a: Taint, b: Taint) => (a.value ?? "") === (b.value ?? "");
