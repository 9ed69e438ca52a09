import { faultKinds } from "../simulator/faults";
import { operations } from "./operations";
import { nameOf } from "./points";
import type { Outcome } from "./trial";

const isFine = ({ converged, leaks }: Outcome) => converged && leaks.length === 0;

/** What a point that did not converge, or leaked, has to tell. */
export const outcomeText = ({ point, struck, leaks, missing, output }: Outcome): string =>
  [
    `NOT CONVERGED ${nameOf(point)}`,
    ...(struck ? [] : ["  the fault did not take place"]),
    ...leaks.map((line) => `  left: ${brief(line)}`),
    ...missing.map((line) => `  missing: ${brief(line)}`),
    output,
  ].join("\n");

const brief = (line: string) => (line.length > 600 ? `${line.slice(0, 600)}…` : line);

/** Operations by kinds of fault, `converged/points` in each field, and the sum. */
export function matrixTable(outcomes: readonly Outcome[]): string {
  const field = (operation: string, kind: string) => {
    const those = outcomes.filter(({ point }) => point.operation === operation && point.kind === kind);
    return those.length === 0 ? "" : `${those.filter(isFine).length}/${those.length}`;
  };
  const rows = [
    ["", ...faultKinds],
    ...operations.map(({ name }) => [name, ...faultKinds.map((kind) => field(name, kind))]),
  ];
  const leaks = outcomes.reduce((sum, outcome) => sum + outcome.leaks.length, 0);
  return [
    ...rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(column === 0 ? 12 : 16))
        .join("")
        .trimEnd(),
    ),
    `points ${outcomes.length}, converged ${outcomes.filter(({ converged }) => converged).length}, leaks ${leaks}`,
  ].join("\n");
}
