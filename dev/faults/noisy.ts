import { join } from "node:path";
import { planFaults } from "../simulator/faults";
import { progressOf, share } from "./matrix";
import { type Operation, operations } from "./operations";
import { Stage } from "./stage";
import { compare } from "./trial";
import { unfit } from "./unfit";

/** How many runs, and of what. */
export interface NoisyOptions {
  folder: string;
  seed: number;
  jobs: number;
  runs: number;
}

/** The part of all VBoxManage calls that meet a lock, and of all commands over SSH whose connection drops. */
const RATE = 0.2;

/** How often a user would type the same again. */
const PATIENCE = 3;

/**
 * How one run went: how many attempts each operation took (none where it never ended well), and what was not as it
 * should be.
 */
interface NoisyRun {
  seed: number;
  ups?: number;
  destroys?: number;
  missing: string[];
  leaks: string[];
}

/**
 * Brings a stack up and takes it down under random failures, which pass: each must end well within a few attempts, and
 * leave nothing.
 * @returns whether all did
 */
export async function runNoisy({ folder, seed, jobs, runs }: NoisyOptions): Promise<boolean> {
  const [up, destroy] = ["up", "destroy"].map((name) => operations.find((operation) => operation.name === name)!) as [
    Operation,
    Operation,
  ];
  const stages = await Promise.all(Array.from({ length: jobs }, (_, job) => Stage.open(join(folder, String(job)))));
  try {
    const whole = (await stages[0]!.rehearse(up)).result;
    const nothing = (await stages[0]!.rehearse(destroy)).result;
    const seeds = Array.from({ length: runs }, (_, run) => seed + run);
    const tick = progressOf(runs);
    const results = await share(stages, seeds, async (stage, runSeed): Promise<NoisyRun> => {
      await stage.begin(up);
      const output: string[] = [];
      const ups = await repeat(stage, up, runSeed, output);
      const made = compare(stage.observe(), whole);
      const destroys = await repeat(stage, destroy, runSeed, output);
      const left = compare(stage.observe(), nothing);
      const run = {
        seed: runSeed,
        ups,
        destroys,
        missing: [...made.missing, ...left.missing],
        leaks: [...made.leaks, ...left.leaks, ...unfit(output.join("\n"))],
      };
      if (!isConverged(run) || run.leaks.length > 0) console.log(`NOT CONVERGED ${JSON.stringify(run)}`);
      tick();
      return run;
    });
    const [converged, leaks] = [results.filter(isConverged).length, results.flatMap((run) => run.leaks).length];
    console.log(
      `ups that ended well at the first, second, … attempt: ${histogram(results.map(({ ups }) => ups))}; destroys: ${histogram(results.map(({ destroys }) => destroys))}`,
    );
    console.log(`noisy runs ${runs}, converged ${converged}, leaks ${leaks}`);
    return converged === runs && leaks === 0;
  } finally {
    for (const stage of stages) await stage.close();
  }
}

const isConverged = ({ ups, destroys, missing }: NoisyRun) =>
  ups !== undefined && destroys !== undefined && missing.length === 0;

const histogram = (counts: readonly (number | undefined)[]) =>
  Array.from({ length: PATIENCE }, (_, index) => counts.filter((count) => count === index + 1).length).join(", ");

/** Runs an operation until it ends well; how often that took, or undefined. What it says goes into `output`. */
async function repeat(
  { stack }: Stage,
  { args }: Operation,
  seed: number,
  output: string[],
): Promise<number | undefined> {
  for (let attempt = 1; attempt <= PATIENCE; attempt++) {
    planFaults(stack.site, { noise: { seed: seed * 100 + attempt, rate: RATE } });
    const { exitCode, stdout, stderr } = await stack.pulumi(args);
    planFaults(stack.site);
    output.push(stdout, stderr);
    if (exitCode === 0) return attempt;
    if (attempt === PATIENCE) console.log(stdout);
  }
  return undefined;
}
