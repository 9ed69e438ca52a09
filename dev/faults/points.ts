import { createHash } from "node:crypto";
import { type FaultKind, faultKinds } from "../simulator/faults";
import type { Rehearsal } from "./stage";

/** One thing that goes wrong once: a kind of fault at one command of one operation. */
export interface Point {
  operation: string;
  command: string;
  /** Which of the command's occurrences, from 1. */
  occurrence: number;
  kind: FaultKind;
}

export const nameOf = ({ operation, command, occurrence, kind }: Point) =>
  `${operation}: ${kind} at ${command}${occurrence > 1 ? ` (${occurrence})` : ""}`;

/** Every fault at every command that an operation ran in its rehearsal. */
export function pointsOf({ operation, commands }: Rehearsal): Point[] {
  const seen = new Map<string, number>();
  return commands.flatMap((command) => {
    const occurrence = (seen.get(command) ?? 0) + 1;
    seen.set(command, occurrence);
    return kindsFor(command).map((kind) => ({ operation: operation.name, command, occurrence, kind }));
  });
}

/** Only what runs over a connection can lose it, and not everything has two halves. */
const kindsFor = (command: string) =>
  faultKinds.filter(
    (kind) => (kind !== "dropped" || command.startsWith("ssh ")) && (kind !== "halfway" || HALVED.test(command)),
  );

/** The simulated commands that are done in two halves. */
const HALVED = /^VBoxManage (clonevm|unregistervm|createmedium) |^ssh \S+ kubeadm join$/;

/** As many of the points as are wanted, chosen by the seed; the same seed chooses the same. */
export function sample(points: readonly Point[], count: number, seed: number): Point[] {
  const rank = (point: Point) =>
    createHash("sha256")
      .update(`${seed} ${nameOf(point)}`)
      .digest("hex");
  return points
    .map((point) => [rank(point), point] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, count)
    .map(([, point]) => point);
}
