import type { Scenario } from "./drift";
import type { Refusal } from "./refusals";
import { type Difference, isCompared } from "./stackState";

/** A line of a table: what was done, what a refresh saw, and what became of it. */
export interface Row {
  done: string;
  saw: readonly Difference[];
  /** The columns behind these two. */
  rest: readonly string[];
}

/** Everything that the document is made of, as it was seen. */
export interface Document {
  routes: readonly Row[];
  workers: readonly Row[];
  cluster: readonly Row[];
  refused: readonly Row[];
  never: readonly Row[];
  /** By type and property: why it cannot drift. */
  unseen: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** How the resources are called in the program. */
const classes: Record<string, string> = {
  "vbox:HostRoute": "HostRoute",
  "vbox:CloudInitIso": "CloudInitIso",
  "vbox:Vm": "VBoxVm",
  "kubeadm:Cluster": "KubeadmCluster",
  "kubeadm:JoinToken": "KubeadmJoinToken",
  "kubeadm:WorkerJoin": "WorkerJoin",
};

/** What becomes of a worker's machine and its Node, in two columns. */
export const outcomesOf = ({ machine, node }: Scenario) => [machine, node];

/** The columns of what is refused. */
export const refusalOf = (by: "refresh" | "up", { goOn }: Refusal) => [`\`${by}\` is refused`, goOn];

/** `docs/drift.md`. */
export const documentText = ({ routes, workers, cluster, refused, never, unseen }: Document): string =>
  `<!-- Written by __tests__/dev/simulator/drift.test.ts, which fails where this file differs from what it saw:
     UPDATE_DOCS=1 npx jest __tests__/dev/simulator/drift.test.ts -->

# Drift

What others do to the things of a stack behind Pulumi's back: what \`pulumi refresh\` then sees, and what the next \`pulumi up\` does. Each line is
an outcome of a run of the real Pulumi CLI on the [simulated site](development.md#tests), and after what \`up\` fixed,
\`pulumi preview --expect-no-changes\` ended well. \`pulumi up --refresh\` does both at once. Properties in parentheses are outputs, which a
refresh brings up to date; a diff does not compare them.

## Host routes

${table(["what was done", "`refresh` sees", "`up`"], routes)}
## Workers

${table(["what was done", "`refresh` sees", "`up`", "the machine", "its Node"], workers)}
A machine that has to be stopped is shut down by its power button first, and one machine at a time; workers that join again because their machine
or their cluster is another one leave one at a time. Where an ISO has to be rewritten, a preview does not know yet that it will be the same
one, and shows its machine as replaced; \`up\` then leaves the machine as it is.

## The cluster

${table(["what was done", "`refresh` sees", "`up`", "the machines", "the Nodes"], cluster)}
## Refused

What may be somebody else's, or cannot be fixed without a loss, is left as it is.

${table(["what was done", "`refresh` sees", "the end", "how to go on"], refused)}
## Never drift

What VirtualBox does not tell, and what is not ours.

${table(["what was done", "`refresh` sees", "`up`"], never)}
## What a refresh does not look for

A diff compares these as well, so that a change of the configuration is a change of the thing. A refresh leaves them as they are.

${unseenTable(unseen)}`;

const table = (head: readonly string[], rows: readonly Row[]) =>
  lines([head, head.map(() => "---"), ...rows.map(({ done, saw, rest }) => [done, sightOf(saw), ...rest])]);

const lines = (rows: readonly (readonly string[])[]) => rows.map((cells) => `| ${cells.join(" | ")} |\n`).join("");

/** By resource: what is compared, then in parentheses what is not. */
function sightOf(saw: readonly Difference[]): string {
  const types = [...new Set(saw.map(({ type }) => type))];
  const sights = types.map((type) => {
    const properties = [
      ...new Set(saw.filter((difference) => difference.type === type).map(({ property }) => property)),
    ];
    return {
      name: classes[type]!,
      isGone: properties.includes(undefined),
      properties: properties.flatMap((property) =>
        property ? [[isCompared(type, property), `\`${property}\``] as const] : [],
      ),
    };
  });
  return (
    sights
      .map(({ name, isGone, properties }) =>
        isGone
          ? `${name} gone`
          : `${name} ${[true, false]
              .map((compared) => joined(properties, compared))
              .filter(Boolean)
              .join(" ")}`,
      )
      .join("; ") || "nothing"
  );
}

function joined(properties: readonly (readonly [boolean, string])[], compared: boolean): string {
  const names = properties
    .filter(([isCompared]) => isCompared === compared)
    .map(([, name]) => name)
    .join(", ");
  return names && (compared ? names : `(${names})`);
}

/** A line for each reason of a resource, with its properties. */
function unseenTable(unseen: Document["unseen"]): string {
  const rows = Object.entries(unseen).flatMap(([type, reasons]) => {
    const propertiesOf = (reason: string) => Object.keys(reasons).filter((property) => reasons[property] === reason);
    return [...new Set(Object.values(reasons))].map((reason) => [
      classes[type]!,
      propertiesOf(reason)
        .map((property) => `\`${property}\``)
        .join(", "),
      reason,
    ]);
  });
  return lines([["resource", "properties", "why"], ["---", "---", "---"], ...rows]);
}
