import { setTimeout as sleep } from "node:timers/promises";
import type { ExecResult } from "../../common/exec";

/** What a simulated program may have happen to it. */
export interface Lifetime {
  /** Never ends, until whoever waits for the program ends it, or is gone itself. */
  hang(): Promise<never>;
  /** Ends it at once, as a kill does: what calls this goes no further. */
  end(): void;
}

/** A simulated program, which works on the site in `folder`. */
export type Program = (folder: string, args: readonly string[], life: Lifetime) => Promise<ExecResult>;

/** Runs a program as what this process is. */
export async function runHere(program: Program, folder: string): Promise<void> {
  const { stdout, stderr, exitCode } = await program(folder, process.argv.slice(2), {
    hang: untilParentEnds,
    end: () => void process.kill(process.pid, "SIGKILL"),
  });
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = exitCode;
}

async function untilParentEnds(): Promise<never> {
  const parent = process.ppid;
  while (process.ppid === parent) await sleep(200);
  process.exit(1);
}
