import { kubectl, type Node, type Taint } from "./kubectl";
import type { SshSession } from "./ssh";

/** The annotation by which a Node is known as ours: `stack/name`. */
export const OWNER_ANNOTATION = "vbox-kubeadm/owner";

/** What the program keeps on a Node. */
export interface NodeMarks {
  owner: string;
  labels: Record<string, string>;
  taints: Taint[];
}

/** Which of `labels` a Node has, with the values it has. */
export const labelsOn = (node: Node, labels: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(node.metadata.labels ?? {}).filter(([key]) => key in labels));

/** Which of the taints of `known` a Node has. Kubernetes sets taints of its own, which are none of our business. */
export const taintsOn = (node: Node, known: readonly Taint[]): Taint[] =>
  known.flatMap(({ key, effect }) => {
    const found = node.spec.taints?.find((taint) => taint.key === key && taint.effect === effect);
    return found ? [{ key, ...(found.value ? { value: found.value } : {}), effect }] : [];
  });

/** Brings a Node's annotation, labels and taints to what is wanted; takes away what `before` had and `wanted` has not. */
export async function syncMarks(session: SshSession, node: Node, wanted: NodeMarks, before?: NodeMarks): Promise<void> {
  const { name } = node.metadata;
  if (node.metadata.annotations?.[OWNER_ANNOTATION] !== wanted.owner) {
    await kubectl(session, ["annotate", "node", name, "--overwrite", `${OWNER_ANNOTATION}=${wanted.owner}`]);
  }
  const labels = [...changedLabels(node, wanted.labels), ...Object.keys(before?.labels ?? {}).filter((key) => !(key in wanted.labels)).map((key) => `${key}-`)];
  if (labels.length > 0) await kubectl(session, ["label", "node", name, "--overwrite", ...labels]);
  const taints = [...changedTaints(node, wanted.taints), ...goneTaints(node, wanted.taints, before?.taints ?? [])];
  if (taints.length > 0) await kubectl(session, ["taint", "node", name, "--overwrite", ...taints]);
}

const changedLabels = (node: Node, labels: Record<string, string>) =>
  Object.entries(labels)
    .filter(([key, value]) => node.metadata.labels?.[key] !== value)
    .map(([key, value]) => `${key}=${value}`);

const changedTaints = (node: Node, taints: readonly Taint[]) =>
  taints
    .filter((wanted) => !node.spec.taints?.some((taint) => isSame(taint, wanted) && (taint.value ?? "") === (wanted.value ?? "")))
    .map(({ key, value, effect }) => `${key}=${value ?? ""}:${effect}`);

/** kubectl refuses to take away a taint that is not there. */
const goneTaints = (node: Node, wanted: readonly Taint[], before: readonly Taint[]) =>
  before
    .filter((old) => !wanted.some((taint) => isSame(taint, old)) && node.spec.taints?.some((taint) => isSame(taint, old)))
    .map(({ key, effect }) => `${key}:${effect}-`);

const isSame = (a: Taint, b: Taint) => a.key === b.key && a.effect === b.effect;
