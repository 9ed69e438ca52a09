import type { ExecResult } from "../../../common/exec";
import { nodeAt } from "../cluster";
import type { ClusterNode } from "../state";
import { done, failed, type Scene } from "./command";
import { annotateBindings, isAboutBindings } from "./kubectlBindings";
import { podsOf } from "./kubectlGet";
import { type KubectlVerb, notFound } from "./kubectlVerb";

/** `kubectl label node NAME KEY=VALUE… KEY-…`. */
export const label: KubectlVerb = (scene, { operands: [kind, name, ...changes], flags }) =>
  onNode(scene, kind, name, (node) => {
    const before = { ...node.labels };
    const refusal = change(node.labels, changes, "overwrite" in flags);
    if (refusal) return refusal;
    const isChanged = JSON.stringify(before) !== JSON.stringify(node.labels);
    const isOnlyRemoval = changes.every((text) => !text.includes("="));
    return done(`node/${node.name} ${!isChanged ? "not labeled" : isOnlyRemoval ? "unlabeled" : "labeled"}`);
  });

/** `kubectl annotate node NAME KEY=VALUE… KEY-…`, and of bindings. */
export const annotate: KubectlVerb = (scene, args) =>
  isAboutBindings(args.operands) ? annotateBindings(scene, args) : annotateNode(scene, args);

const annotateNode: KubectlVerb = (scene, { operands: [kind, name, ...changes], flags }) =>
  onNode(
    scene,
    kind,
    name,
    (node) => change(node.annotations, changes, "overwrite" in flags) ?? done(`node/${node.name} annotated`),
  );

/** `kubectl cordon NAME`. */
export const cordon: KubectlVerb = (scene, { operands: [name] }) =>
  onNode(scene, "node", name, (node) => done(mark(node, true)));

/** `kubectl uncordon NAME`. */
export const uncordon: KubectlVerb = (scene, { operands: [name] }) =>
  onNode(scene, "node", name, (node) => done(mark(node, false)));

/** `kubectl drain NAME`: nothing but the DaemonSets' pods is on it. */
export const drain: KubectlVerb = (scene, { operands: [name], flags }) =>
  onNode(scene, "node", name, (node) => {
    const cordoned = mark(node, true);
    const pods = podsOf(scene, `spec.nodeName=${node.name}`)
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
      .join(", ");
    if ("ignore-daemonsets" in flags)
      return done(`${cordoned}\nnode/${node.name} drained`, `Warning: ignoring DaemonSet-managed Pods: ${pods}`);
    const reason = `cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): ${pods}`;
    const words = [
      `error: unable to drain node "${node.name}" due to error: ${reason}, continuing command...`,
      "There are pending nodes to be drained:",
    ];
    return failed([...words, ` ${node.name}`, `error: ${reason}`].join("\n"), 1, cordoned);
  });

/** Runs `work` on a Node that exists. */
export function onNode(
  { state, now }: Scene,
  kind: string | undefined,
  name: string | undefined,
  work: (node: ClusterNode) => ExecResult,
): ExecResult {
  if (!/^nodes?$/.test(kind ?? "")) return failed(`error: the server doesn't have a resource type "${kind}"`);
  const node = nodeAt(state, name, now);
  return node ? work(node) : notFound("nodes", name ?? "");
}

function mark(node: ClusterNode, unschedulable: boolean): string {
  const was = node.unschedulable ?? false;
  node.unschedulable = unschedulable;
  return `node/${node.name} ${was === unschedulable ? "already " : ""}${unschedulable ? "cordoned" : "uncordoned"}`;
}

/** Makes the changes of a command line; or gives kubectl's refusal, and makes none. */
function change(
  values: Record<string, string>,
  changes: readonly string[],
  overwrite: boolean,
): ExecResult | undefined {
  const set = changes
    .filter((text) => text.includes("="))
    .map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)] as const);
  const taken = set.find(([key, value]) => !overwrite && key in values && values[key] !== value);
  if (taken) return failed(`error: '${taken[0]}' already has a value (${values[taken[0]]}), and --overwrite is false`);
  for (const text of changes) if (!text.includes("=") && text.endsWith("-")) delete values[text.slice(0, -1)];
  for (const [key, value] of set) values[key] = value;
  return undefined;
}
