import { setTimeout as sleep } from "node:timers/promises";
import { hasStruck, planFaults } from "../simulator/faults";
import type { CliResult } from "../simulator/stack";
import { unfit } from "./unfit";
import type { Point } from "./points";
import type { Rehearsal, Stage } from "./stage";

/** What became of one point. */
export interface Outcome {
  point: Point;
  /** The fault took place; otherwise nothing was tried. */
  struck: boolean;
  /**
   * It did, the operation ended by itself, and the same operation, run again, ended well and with all that it makes.
   */
  converged: boolean;
  /** What is there that was not there without the fault. */
  leaks: string[];
  /** What is not there that should be. */
  missing: string[];
  /** What the two runs of the CLI said, where it did not converge. */
  output?: string;
  seconds: number;
}

/** The CLI, killed, leaves its lock on the stack, and children that end when they notice. */
const SETTLE_MS = 15_000;

/**
 * Runs an operation with one fault, then once more without, and compares what there is with what there was without a
 * fault.
 */
export async function attempt(stage: Stage, rehearsal: Rehearsal, point: Point): Promise<Outcome> {
  const start = performance.now();
  const { operation, result } = rehearsal;
  const { site } = stage.stack;
  await stage.begin(operation);
  const at = { command: point.command, occurrence: point.occurrence, kind: point.kind };
  planFaults(site, { at });
  const broken = await stage.run(operation, (cli) => planFaults(site, { at, cli }));
  const struck = hasStruck(site);
  planFaults(site);
  const isKilled = broken.exitCode === undefined;
  if (isKilled) await repairAfterKill(stage);
  const again = await stage.run(operation);
  const { leaks, missing } = await settledDifference(stage, result);
  leaks.push(...unfit([broken, again].map(shown).join("\n")));
  // A CLI that nobody was to kill ran into the stage's deadline.
  if (isKilled && point.kind !== "cliKilled") missing.push("an end of the operation, within the deadlines");
  const converged = struck && again.exitCode === 0 && missing.length === 0;
  const output = converged && leaks.length === 0 ? undefined : [broken, again].map(shown).join("\n--- again\n");
  return { point, struck, converged, leaks, missing, output, seconds: (performance.now() - start) / 1000 };
}

/**
 * What docs/troubleshooting.md tells a user to do whose CLI was killed: Pulumi keeps the stack locked, and asks what
 * became of what was being made.
 */
async function repairAfterKill({ stack }: Stage): Promise<void> {
  await stack.pulumi(["cancel", "--yes"]);
  await stack.pulumi(["refresh", "--yes", "--skip-preview", "--clear-pending-creates"]);
}

/** A process that is on its way out is none that was left. */
async function settledDifference(
  stage: Stage,
  expected: readonly string[],
): Promise<{ leaks: string[]; missing: string[] }> {
  const end = performance.now() + SETTLE_MS;
  for (;;) {
    const difference = compare(stage.observe(), expected);
    if (!difference.leaks.some((leak) => leak.startsWith("process ")) || performance.now() > end) return difference;
    await sleep(250);
  }
}

/** How what there is differs from what is expected; a line may stand more than once in both. */
export function compare(is: readonly string[], expected: readonly string[]) {
  const without = (lines: readonly string[], others: readonly string[]) => {
    const rest = [...others];
    return lines.filter((line) => {
      const found = rest.indexOf(line);
      if (found >= 0) rest.splice(found, 1);
      return found < 0;
    });
  };
  return { leaks: without(is, expected), missing: without(expected, is) };
}

const shown = ({ stdout, stderr, exitCode }: CliResult) =>
  `exit code ${exitCode ?? "none: killed"}\n${stdout}\n${stderr}`;
