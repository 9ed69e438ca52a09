import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { UserError } from "../../common/errors";
import { quoteValue } from "../../common/quoteValue";
import { runMatrix } from "./matrix";
import { runNoisy } from "./noisy";
import { matrixTable } from "./report";

const usage = `npm run faults                    every fault at every command of every operation; it takes hours
npm run faults -- --sample 300    so many of them, chosen by --seed (default 1)
npm run faults -- --only TEXT     those whose name contains it, such as "replace: hangs"; may be given more than once
npm run faults -- --noisy 100     so many ups and destroys, of which a fifth of all VBoxManage calls fails and SSH drops
  --jobs N        stacks side by side (default: as many as processors)
  --json FILE     writes every outcome`;

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      sample: { type: "string" },
      seed: { type: "string", default: "1" },
      only: { type: "string", multiple: true },
      noisy: { type: "string" },
      jobs: { type: "string", default: String(availableParallelism()) },
      json: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    console.log(usage);
    return true;
  }
  const folder = await mkdtemp(join(tmpdir(), "faults-"));
  try {
    const common = { folder, seed: count("seed", values.seed), jobs: count("jobs", values.jobs) };
    if (values.noisy !== undefined) return await runNoisy({ ...common, runs: count("noisy", values.noisy) });
    const outcomes = await runMatrix({
      ...common,
      sample: values.sample === undefined ? Infinity : count("sample", values.sample),
      only: values.only,
    });
    if (values.json) await writeFile(values.json, JSON.stringify(outcomes, undefined, 2));
    console.log(matrixTable(outcomes));
    return outcomes.length > 0 && outcomes.every(({ converged, leaks }) => converged && leaks.length === 0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function count(option: string, value: string): number {
  if (!/^[1-9]\d*$/.test(value))
    throw new UserError(`--${option} is ${quoteValue(value)}`, { hint: "give a number, from 1 on" });
  return Number(value);
}

main().then(
  (isFine) => {
    process.exitCode = isFine ? 0 : 1;
  },
  (error: unknown) => {
    console.error(error instanceof UserError ? error.message : error);
    process.exit(1); // Stages that are still open would keep it.
  },
);
