import type { WorkerConfiguration } from "../../../config/schema";
import type { SiteState } from "../../../dev/simulator/state";
import type { Hand } from "./hand";
import type { Outputs, StackState } from "./stackState";

/** One thing that somebody did, and what becomes of it. */
export interface Drift {
  /** What was done, as the table says it. */
  done: string;
  /** Does it. */
  act(hand: Hand): Promise<unknown>;
  /** Makes the worker's outputs from before what a refresh makes of them. Default: it leaves them as they are. */
  seen?(outputs: WorkerOutputs, site: SiteState): void;
  /** What `up` does about it, as the table says it. */
  repair: string;
}

/** The outputs of a worker's resources; one that is gone is undefined. */
export interface WorkerOutputs {
  iso: Outputs;
  vm?: Outputs;
  token: Outputs;
  node?: Outputs;
}

/** What `up` does to a machine. */
export type MachineFate = "runs on" | "is restarted" | "is started" | "is resumed" | "is recreated";

/** What `up` does to a Node. */
export type NodeFate = "stays" | "rejoins";

/** A worker and what is done to it: several things that do not get into each other's way. */
export interface Scenario {
  worker: string;
  overrides?: Partial<WorkerConfiguration>;
  machine: MachineFate;
  node: NodeFate;
  drifts: readonly Drift[];
}

const keys = {
  iso: "vbox:CloudInitIso",
  vm: "vbox:Vm",
  token: "kubeadm:JoinToken",
  node: "kubeadm:WorkerJoin",
} as const;

/** The state that a refresh makes of the one from before, after one thing that was done to a worker. */
export function withDrift(
  before: StackState,
  worker: string,
  { seen }: Pick<Drift, "seen">,
  site: SiteState,
): StackState {
  const outputs = Object.fromEntries(
    Object.entries(keys).map(([key, type]) => [key, structuredClone(before[`${type} ${worker}`])]),
  ) as unknown as WorkerOutputs;
  seen?.(outputs, site);
  const after = Object.entries(keys).map(([key, type]) => [`${type} ${worker}`, outputs[key as keyof typeof keys]]);
  return { ...before, ...(Object.fromEntries(after) as StackState) };
}
