import type { Taint } from "../../../kubernetes/kubectl";
import { done, failed } from "./command";
import { onNode } from "./kubectlNode";
import type { KubectlVerb } from "./kubectlVerb";

/** `kubectl taint node NAME KEY=VALUE:EFFECT… KEY:EFFECT-…` (kubernetes/kubectl, pkg/cmd/taint). */
export const taint: KubectlVerb = (scene, { operands: [kind, name, ...specs], flags }) => {
  const wrong = specs.find((spec) => !parse(spec));
  if (wrong !== undefined) return failed(`error: invalid taint spec: ${wrong}`);
  const added = specs.filter((spec) => !spec.endsWith("-")).map((spec) => parse(spec)!);
  const removed = specs.filter((spec) => spec.endsWith("-")).map((spec) => parse(spec)!);
  return onNode(scene, kind, name, (node) => {
    const overwrite = "overwrite" in flags;
    const taken = added.find((taint) => node.taints.some(isSame(taint)));
    if (taken && !overwrite)
      return failed(
        `error: node ${node.name} already has ${taken.key} taint(s) with same effect(s) and --overwrite is false`,
      );
    const missing = removed.filter((taint) => !node.taints.some(isSame(taint)));
    if (missing.length > 0)
      return failed(missing.map(({ key, effect }) => `error: taint "${key}:${effect}" not found`).join("\n"));
    node.taints = [...added, ...node.taints.filter((old) => ![...added, ...removed].some(isSame(old)))];
    return done(`node/${node.name} ${overwrite ? "modified" : added.length > 0 ? "tainted" : "untainted"}`);
  });
};

const SPEC =
  /^(?<key>[A-Za-z0-9./_-]+?)(?:=(?<value>[A-Za-z0-9._-]*))?:(?<effect>NoSchedule|PreferNoSchedule|NoExecute)-?$/;

function parse(spec: string): Taint | undefined {
  const { key, value, effect } = SPEC.exec(spec)?.groups ?? {};
  return key === undefined ? undefined : { key, ...(value && { value }), effect: effect as Taint["effect"] };
}

const isSame = (a: Taint) => (b: Taint) => a.key === b.key && a.effect === b.effect;
