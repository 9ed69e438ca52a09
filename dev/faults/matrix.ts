import { join } from "node:path";
import { operations } from "./operations";
import { nameOf, type Point, pointsOf, sample } from "./points";
import { outcomeText } from "./report";
import { type Rehearsal, Stage } from "./stage";
import { attempt, type Outcome } from "./trial";

/** Which points to try, and how. */
export interface MatrixOptions {
  folder: string;
  seed: number;
  /** Stacks side by side. */
  jobs: number;
  /** How many points to choose. */
  sample: number;
  /** Only points whose name contains one of these. */
  only?: readonly string[];
}

/**
 * Rehearses every operation, and tries the points: each job on a stack of its own. Says what does not converge as soon
 * as it is known. What a rehearsal shows holds for every stack.
 */
export async function runMatrix({ folder, seed, jobs, sample: count, only = [""] }: MatrixOptions): Promise<Outcome[]> {
  const stages = await Promise.all(Array.from({ length: jobs }, (_, job) => Stage.open(join(folder, String(job)))));
  try {
    const rehearsals = await share(stages, operations, (stage, operation) => stage.rehearse(operation));
    const all = rehearsals.flatMap(pointsOf).filter((point) => only.some((text) => nameOf(point).includes(text)));
    const points = sample(all, count, seed);
    console.log(
      `${points.length} of ${all.length} points: ${rehearsals.map(({ operation, commands }) => `${operation.name} ${commands.length} commands`).join(", ")}`,
    );
    return await tryAll(stages, rehearsals, points);
  } finally {
    for (const stage of stages) await stage.close();
  }
}

async function tryAll(
  stages: readonly Stage[],
  rehearsals: readonly Rehearsal[],
  points: readonly Point[],
): Promise<Outcome[]> {
  const tick = progressOf(points.length);
  return share(stages, points, async (stage, point) => {
    const outcome = await attempt(
      stage,
      rehearsals.find(({ operation }) => operation.name === point.operation)!,
      point,
    );
    if (outcome.output !== undefined) console.log(outcomeText(outcome));
    tick();
    return outcome;
  });
}

/** To be called as each of so many things is done: now and then it says how many are, and since when. */
export function progressOf(count: number): () => void {
  const start = performance.now();
  let done = 0;
  return () => {
    if (++done % 10 === 0) console.log(`${done} of ${count}, ${Math.round((performance.now() - start) / 1000)} s`);
  };
}

/** Gives each item to the next stage that is free; the results are in the items' order. */
export async function share<T, R>(
  stages: readonly Stage[],
  items: readonly T[],
  work: (stage: Stage, item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = [...items.entries()];
  await Promise.all(
    stages.map(async (stage) => {
      for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await work(stage, next[1]);
    }),
  );
  return results;
}
