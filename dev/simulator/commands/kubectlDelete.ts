import type { ExecResult } from "../../../common/exec";
import { nodeAt } from "../cluster";
import { done, failed, type Scene } from "./command";
import { deleteRaw } from "./kubectlBindings";
import { podsOf } from "./kubectlGet";
import { type KubectlVerb, notFound } from "./kubectlVerb";

/** `kubectl delete` of a node, a token's secret, a binding by its path, and pods (which their DaemonSets recreate). */
export const deleteResources: KubectlVerb = (scene, { operands, flags }) => {
  const [kind = "", name = ""] = operands;
  if (flags.raw !== undefined) return deleteRaw(scene.state.cluster, flags.raw, scene.input);
  switch (kind.replace(/s$/, "")) {
    case "node":
      return deleteNode(scene, name, "ignore-not-found" in flags);
    case "secret":
      return deleteSecret(scene, name, flags);
    case "pod":
      return deletePods(scene, flags["field-selector"]);
    default:
      return failed(`error: the server doesn't have a resource type "${kind}"`);
  }
};

function deleteNode({ state, now }: Scene, name: string, ignoreMissing: boolean): ExecResult {
  const node = nodeAt(state, name, now);
  if (!node) return ignoreMissing ? done() : notFound("nodes", name);
  state.cluster.nodes = state.cluster.nodes.filter((other) => other !== node);
  return done(`node "${name}" deleted`);
}

function deleteSecret(
  { state: { cluster } }: Scene,
  name: string,
  { namespace, ...flags }: Readonly<Record<string, string>>,
): ExecResult {
  const left = cluster.tokens.filter(({ id }) => namespace !== "kube-system" || name !== `bootstrap-token-${id}`);
  if (left.length === cluster.tokens.length) return "ignore-not-found" in flags ? done() : notFound("secrets", name);
  cluster.tokens = left;
  return done(`secret "${name}" deleted from kube-system namespace`);
}

function deletePods(scene: Scene, selector: string | undefined): ExecResult {
  const warning =
    "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. " +
    "The resource may continue to run on the cluster indefinitely.";
  const pods = podsOf(scene, selector);
  if (pods.length === 0) return done("No resources found", warning);
  return done(
    pods.map(({ metadata }) => `pod "${metadata.name}" force deleted from ${metadata.namespace} namespace`).join("\n"),
    warning,
  );
}
