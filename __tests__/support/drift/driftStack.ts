import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { observe } from "../../../dev/faults/observation";
import { openSimulatedStack, type SimulatedStack } from "../../../dev/simulator/stack";
import type { SiteState } from "../../../dev/simulator/state";
import type { MachineFate, NodeFate } from "./drift";
import { Hand, machineOf, nodeOf } from "./hand";

/** A simulated stack on which drift is tried. */
export interface DriftStack extends SimulatedStack {
  /** Runs the CLI, which has to end well; gives what it printed. */
  succeed(...args: string[]): Promise<string>;
  /** Runs the CLI, which has to end badly; gives what it printed. */
  fail(...args: string[]): Promise<string>;
  /**
   * Everything that there is, but for what is somebody else's, which has `theirs` in its file name, the cache's folder,
   * and processes on their way out.
   */
  observed(): string[];
  /** Somebody who works on a worker. */
  handOn(worker: string): Hand;
  /** Ends all of it, and deletes its folder. */
  remove(): Promise<void>;
}

/** Opens a stack in a folder of its own. */
export async function openDriftStack(configuration: Readonly<Record<string, unknown>>): Promise<DriftStack> {
  const stack = await openSimulatedStack(await mkdtemp(join(tmpdir(), "drift-")));
  await stack.configure(configuration);
  const hands = new Map<string, Hand>();
  return {
    ...stack,
    async succeed(...args) {
      const { stdout, stderr, exitCode } = await stack.pulumi(args);
      if (exitCode !== 0) throw new Error(`pulumi ${args.join(" ")}:\n${stdout}\n${stderr}`);
      return stdout;
    },
    async fail(...args) {
      const { stdout, exitCode } = await stack.pulumi(args);
      if (exitCode === 0) throw new Error(`pulumi ${args.join(" ")} ended well:\n${stdout}`);
      return stdout;
    },
    observed: () => observe(stack).filter((line) => !/theirs\.|^process |^file cache\/vbox-kubeadm 755$/.test(line)),
    handOn: (worker) => hands.get(worker) ?? hands.set(worker, new Hand(stack, worker)).get(worker)!,
    async remove() {
      await stack.stop();
      await rm(stack.folder, { recursive: true, force: true });
    },
  };
}

/** What became of a worker's machine and Node from one state to the other. `uuid`: of the machine as it was made. */
export function fateOf(
  before: SiteState,
  after: SiteState,
  worker: string,
  uuid: string,
): { machine: MachineFate; node: NodeFate } {
  const [was, is] = [machineOf(before, uuid), machineOf(after, uuid)];
  const isSameNode = nodeOf(before, worker) !== undefined && nodeOf(before, worker)?.uid === nodeOf(after, worker)?.uid;
  const isSameBoot = was?.boot !== undefined && was.boot.id === is?.boot?.id;
  const machine =
    !was || !is
      ? "is recreated"
      : was.state === "running"
        ? isSameBoot
          ? "runs on"
          : "is restarted"
        : isSameBoot
          ? "is resumed"
          : "is started";
  return { machine, node: isSameNode ? "stays" : "rejoins" };
}
