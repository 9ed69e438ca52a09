import type { z } from "zod";

/** What a change of a key does to a stack that is up, in the order of the table in docs/configuration.md. */
export const CHANGES = {
  live: "made live",
  restart: "graceful stop, change, start; one machine at a time",
  scale: "new workers are made, and workers that are no longer listed are drained and removed",
  rename: "all new workers are made before the old ones go: that takes twice the memory",
  machine:
    "the worker is drained, removed, made and joined again; one worker at a time, and none while another is being changed or repaired. It keeps its Kubernetes version as long as the cluster takes that, and else gets the cluster's",
  content: "the same",
  marks: "the same, as both are part of the marks: every worker is replaced, one at a time",
  rejoin: "the worker leaves and joins again, on the same machine; one worker at a time",
  leave: "all workers leave the cluster at once; the machines keep running",
  override: "as a change of the key within it, for that worker",
  moveIsos: "the ISOs are moved",
  none: "nothing on the machines; from this `up` on they are used, also by `refresh` and `destroy`",
} as const;

/** One of {@link CHANGES}. */
export type Change = keyof typeof CHANGES;

/** One key of the configuration: Pulumi.yaml and docs/configuration.md are written from it, by `npm run docs`. */
export interface Key<Rule extends z.ZodType = z.ZodType> {
  /** What its value may be. Its errors say what to give. */
  rule: Rule;
  /** Its value where the stack gives none. Empty text: none. */
  byDefault: unknown;
  /** What a change of it does; where that is not all of the key, or of a part of it only, in words. */
  change: Change | Partial<Record<Change, string>>;
  /** What it is, in one line. */
  description: string;
}

/** A key whose value has this rule. */
export const key = <Rule extends z.ZodType>(rule: Rule, about: Omit<Key, "rule">): Key<Rule> => ({ rule, ...about });
