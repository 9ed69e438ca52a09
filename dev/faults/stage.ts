import { cp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { journal, planFaults } from "../simulator/faults";
import { run } from "../lab/exec";
import { baseImage } from "../simulator/site";
import { type CliResult, openSimulatedStack, type SimulatedStack } from "../simulator/stack";
import { plantForeign } from "./foreign";
import { identities } from "./names";
import { details, observe } from "./observation";
import { baseSnapshot, type Operation } from "./operations";

/** An operation that was run without a fault: what it did, and what it led to. */
export interface Rehearsal {
  operation: Operation;
  /** Its commands, in the order in which they were begun. */
  commands: string[];
  /** What there is after it. */
  result: string[];
}

/** What of the stack's folder changes, and is put back before each run. */
const CHANGING = ["site", "backend", "cache", "user"];

/** Looks side by side would have no order, and are no steps of an operation: they are tried by themselves. */
const WITHOUT_CHECKS = { checks: "off" };

/** Compiled TypeScript, which stays: it would cost every run a second. */
const COMPILED = /^tsx-/;

/** A simulated stack, beside what is somebody else's, that can be put back to where an operation begins. */
export class Stage {
  private constructor(readonly stack: SimulatedStack) {}

  static async open(folder: string): Promise<Stage> {
    const stack = await openSimulatedStack(folder);
    await plantForeign(stack);
    await run(join(stack.site, "bin/VBoxManage"), ["snapshot", baseImage, "take", baseSnapshot]);
    const stage = new Stage(stack);
    await stage.keep("nothing");
    return stage;
  }

  /** Runs an operation from its beginning, without a fault. */
  async rehearse(operation: Operation): Promise<Rehearsal> {
    await this.begin(operation);
    planFaults(this.stack.site);
    const { exitCode, stdout, stderr } = await this.stack.pulumi(operation.args);
    if (exitCode !== 0) throw new Error(`${operation.name} failed without a fault:\n${stdout}\n${stderr}`);
    return { operation, commands: journal(this.stack.site), result: this.observe() };
  }

  /** Puts the stack to where an operation begins; what is up before it is brought up once. */
  async begin({ before, configuration }: Operation): Promise<void> {
    const kept = JSON.stringify(before ?? "nothing");
    if (before && !this.names.has(kept)) await this.bringUp(before, kept);
    await this.putBack(before ? kept : "nothing");
    await this.stack.configure({ ...WITHOUT_CHECKS, ...configuration });
    this.before = identities(this.stack.world.read());
  }

  /** Everything that there is, and what Pulumi's state says of it. */
  observe = () => [...observe(this.stack, this.before), ...details(this.stack, this.before)];

  /** Runs the operation's command; see SimulatedStack.pulumi. */
  run = (operation: Operation, started?: (pid: number) => void): Promise<CliResult> =>
    this.stack.pulumi(operation.args, { started, timeoutMs: 240_000 });

  async close(): Promise<void> {
    await this.stack.stop();
    await rm(this.stack.folder, { recursive: true, force: true });
  }

  private readonly names = new Map<string, string>();
  /** The machines and Nodes that were there when the operation began. */
  private before: ReadonlySet<string> = new Set();

  private async bringUp(before: NonNullable<Operation["before"]>, name: string): Promise<void> {
    await this.putBack("nothing");
    await this.stack.configure({ ...WITHOUT_CHECKS, ...before });
    const { exitCode, stdout, stderr } = await this.stack.pulumi(["up", "--yes", "--skip-preview"]);
    if (exitCode !== 0) throw new Error(`what is before an operation did not come up:\n${stdout}\n${stderr}`);
    await this.keep(name);
  }

  private async keep(name: string): Promise<void> {
    const folder = join(this.stack.folder, "kept", String(this.names.size));
    for (const part of CHANGING)
      await cp(join(this.stack.folder, part), join(folder, part), { recursive: true, preserveTimestamps: true });
    this.names.set(name, folder);
  }

  private async emptyTmp(): Promise<void> {
    const tmp = join(this.stack.folder, "tmp");
    for (const name of await readdir(tmp))
      if (!COMPILED.test(name)) await rm(join(tmp, name), { recursive: true, force: true });
  }

  private async putBack(name: string): Promise<void> {
    const kept = this.names.get(name);
    if (kept === undefined) throw new Error(`nothing was kept as ${name}`);
    await this.emptyTmp();
    const trash = join(this.stack.folder, "trash");
    for (const part of CHANGING) {
      await rename(join(this.stack.folder, part), join(trash)).catch(() => {});
      await rm(trash, { recursive: true, force: true });
      await cp(join(kept, part), join(this.stack.folder, part), { recursive: true, preserveTimestamps: true });
    }
  }
}
