import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { ExecResult } from "../../../common/exec";
import type { Binding, ClusterState } from "../state";
import { done, failed } from "./command";
import { type KubectlVerb, notFound } from "./kubectlVerb";

const GROUP = "rbac.authorization.k8s.io";

const resourceOf = ({ kind, metadata: { name } }: Pick<Binding, "kind" | "metadata">) =>
  `${kind.toLowerCase()}.${GROUP}/${name}`;
const isNamed =
  (word: string) =>
  ({ kind, metadata: { name } }: Binding) =>
    word === `${kind.toLowerCase()}/${name}`;

/** Whether a command line is about bindings, named as `KIND/NAME`. */
export const isAboutBindings = (operands: readonly string[]): boolean =>
  operands.some((word) => /^(cluster)?rolebinding\//.test(word));

/** `kubectl get KIND/NAME… --ignore-not-found -o json`: a list, but nothing at all where there is none. */
export const getBindings: KubectlVerb = ({ state: { cluster } }, { operands }) => {
  const items = operands.flatMap((word) => (cluster.bindings ?? []).filter(isNamed(word)));
  return items.length === 0
    ? done()
    : done(JSON.stringify({ apiVersion: "v1", items, kind: "List", metadata: { resourceVersion: "" } }, null, 4));
};

/**
 * `kubectl apply --server-side -f -` of bindings: each field manager adds what it has, and may not change what others
 * have.
 */
export function applyBindings(cluster: ClusterState, items: readonly Binding[]): ExecResult {
  const lines: string[] = [];
  for (const item of items) {
    const refusal = applyOne(cluster, item);
    if (refusal) return failed(refusal, 1, lines.join("\n"));
    lines.push(`${resourceOf(item)} serverside-applied`);
  }
  return done(lines.join("\n"));
}

function applyOne(cluster: ClusterState, { kind, metadata, roleRef, subjects }: Binding): string | undefined {
  const found = (cluster.bindings ??= []).find((other) => other.kind === kind && other.metadata.name === metadata.name);
  if (!found) {
    cluster.bindings.push({
      apiVersion: `${GROUP}/v1`,
      kind,
      metadata: { ...metadata, uid: randomUUID(), resourceVersion: "1" },
      roleRef,
      subjects,
    });
    return undefined;
  }
  if (!isDeepStrictEqual(found.roleRef, roleRef))
    return `error: Apply failed with 1 conflict: conflict with "used-by.vbox-kubeadm":\n- .roleRef`;
  if (!isDeepStrictEqual(found.subjects, subjects))
    return 'error: Apply failed with 1 conflict: conflict with "kubectl-edit": .subjects';
  const before = JSON.stringify(found.metadata);
  Object.assign(found.metadata, {
    labels: { ...found.metadata.labels, ...metadata.labels },
    annotations: { ...found.metadata.annotations, ...metadata.annotations },
  });
  if (JSON.stringify(found.metadata) !== before) touch(found);
  return undefined;
}

const touch = ({ metadata }: Binding) => void (metadata.resourceVersion = String(Number(metadata.resourceVersion) + 1));

/** `kubectl annotate KIND/NAME… KEY-`. */
export const annotateBindings: KubectlVerb = ({ state: { cluster } }, { operands }) => {
  const [keys, names] = [operands.filter((word) => word.endsWith("-")), operands.filter((word) => !word.endsWith("-"))];
  const lines: string[] = [];
  for (const word of names) {
    const found = cluster.bindings?.find(isNamed(word));
    if (!found)
      return failed(notFound(`${word.split("/")[0]}s.${GROUP}`, word.split("/")[1]!).stderr, 1, lines.join("\n"));
    for (const key of keys) delete found.metadata.annotations?.[key.slice(0, -1)];
    touch(found);
    lines.push(`${resourceOf(found)} annotated`);
  }
  return done(lines.join("\n"));
};

/** `kubectl delete --raw PATH -f -`, with preconditions. */
export function deleteRaw(cluster: ClusterState, path: string, input: string): ExecResult {
  const [, kinds = "", name = ""] = /\/((?:cluster)?rolebindings)\/([^/]+)$/.exec(path) ?? [];
  const found = cluster.bindings?.find(isNamed(`${kinds.slice(0, -1)}/${name}`));
  if (!found) return notFound(`${kinds}.${GROUP}`, name);
  const { preconditions } = JSON.parse(input) as { preconditions?: { uid?: string; resourceVersion?: string } };
  const { uid, resourceVersion } = found.metadata;
  if (!isDeepStrictEqual(preconditions, { uid, resourceVersion }))
    return failed(
      `Error from server (Conflict): Operation cannot be fulfilled on ${found.kind}.${GROUP} "${name}": the UID in the precondition does not match the UID in record`,
    );
  cluster.bindings = cluster.bindings!.filter((other) => other !== found);
  return done('{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success"}');
}
