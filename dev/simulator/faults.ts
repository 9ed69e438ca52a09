import { randomUUID } from "node:crypto";
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecResult } from "../../common/exec";
import { readText } from "../lab/processes";
import type { Lifetime } from "./program";

/**
 * What may go wrong at a command:
 * - `fails`: it has no effect and an exit code, each time;
 * - `failsOnce`: only the first time;
 * - `hangs`: it has no effect and never ends;
 * - `halfway`: of those that work in two halves: it ends between them, by a kill or with the connection;
 * - `rubbish`: it has no effect, prints nonsense and claims success;
 * - `providerKilled`: it takes effect, and the process with the providers is killed before it is told;
 * - `cliKilled`: the Pulumi CLI is killed, then it takes effect;
 * - `dropped`: over SSH only: it takes effect, and the connection ends before the answer.
 */
export const faultKinds = [
  "fails",
  "failsOnce",
  "hangs",
  "halfway",
  "rubbish",
  "providerKilled",
  "cliKilled",
  "dropped",
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** What is to go wrong in one run. */
export interface FaultPlan {
  /** The command, as the journal has it, and which of its occurrences, from 1. */
  at?: { command: string; occurrence: number; kind: FaultKind };
  /**
   * Random failures of the kind that passes: this part of all calls of VBoxManage meets a lock, and of all commands
   * over SSH a lost connection.
   */
  noise?: { seed: number; rate: number };
  /** The Pulumi CLI, whose descendant the providers' process is. */
  cli?: number;
}

const planFile = (folder: string) => join(folder, "fault.json");
const journalFile = (folder: string) => join(folder, "journal");
const struckFile = (folder: string) => join(folder, "struck");

/** Plans what goes wrong from now on, or that nothing does, and begins a new journal. */
export function planFaults(folder: string, plan: FaultPlan = {}): void {
  for (const file of [journalFile(folder), struckFile(folder)]) rmSync(file, { force: true });
  writeFileSync(planFile(folder), JSON.stringify(plan));
}

/** The commands so far, in the order in which they were begun. */
export const journal = (folder: string): string[] => entries(folder).map(([, command]) => command);

/** Whether what was planned to go wrong at a command has done so. */
export const hasStruck = (folder: string): boolean => existsSync(struckFile(folder));

const entries = (folder: string): [string, string][] =>
  (existsSync(journalFile(folder)) ? readFileSync(journalFile(folder), "utf8") : "")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as [string, string]);

/** The connection ends, after the command took effect. */
export class Dropped extends Error {}

/**
 * What a command does; where it is to end halfway, only the first half of it, and throws {@link Dropped} or ends its
 * process.
 */
export type FaultyWork = (isHalfway?: boolean) => Promise<ExecResult>;

/** What a program says where it is made to fail. */
export interface FaultOptions {
  /** A failure that stays. */
  failure: ExecResult;
  /** What it says where only one call fails. Default: the failure that stays. */
  once?: ExecResult;
  /** One that passes: a lock, say; undefined where the connection is what fails. */
  passing?: ExecResult;
  /** Never ends, see {@link Lifetime}. */
  hang: Lifetime["hang"];
}

/**
 * Runs a command of the simulated site: writes it into the journal, and makes go wrong what is planned for it.
 * @param command what is done to what, such as `VBoxManage startvm kube-node01`: the same in each run
 * @throws Dropped
 */
export async function underFaults(
  folder: string,
  command: string,
  voice: FaultOptions,
  work: FaultyWork,
): Promise<ExecResult> {
  const plan = existsSync(planFile(folder))
    ? (JSON.parse(readFileSync(planFile(folder), "utf8")) as FaultPlan)
    : undefined;
  if (!plan) return work();
  const occurrence = note(folder, command);
  if (plan.noise && NOISY.test(command) && isNoisy(plan.noise, command, occurrence)) {
    if (voice.passing) return voice.passing;
    await work();
    throw new Dropped();
  }
  const { at } = plan;
  if (at?.command !== command || (at.kind === "fails" ? occurrence < at.occurrence : occurrence !== at.occurrence))
    return work();
  return broken(at.kind, { folder, cli: plan.cli }, voice, work);
}

async function broken(
  kind: FaultKind,
  { folder, cli }: { folder: string; cli?: number },
  { failure, once = failure, hang }: FaultOptions,
  work: FaultyWork,
): Promise<ExecResult> {
  if (kind === "providerKilled") {
    const result = await work();
    kill(folder, cli === undefined ? [] : providersOf(cli));
    return result;
  }
  if (kind === "cliKilled") {
    kill(folder, cli === undefined ? [] : [cli]);
    return work();
  }
  strike(folder);
  switch (kind) {
    case "fails":
      return failure;
    case "failsOnce":
      return once;
    case "rubbish":
      return { exitCode: 0, stdout: '\u0000}{ <html>"%s" \u2028 no such thing\n', stderr: "" };
    case "hangs":
      return hang();
    case "halfway":
      return work(true);
    case "dropped":
      await work();
      throw new Dropped();
  }
}

/** Leaves word that the fault took place. */
const strike = (folder: string) => writeFileSync(struckFile(folder), "");

function kill(folder: string, pids: readonly number[]): void {
  for (const pid of pids) {
    strike(folder);
    process.kill(pid, "SIGKILL");
  }
}

/** Journals the command; gives which of its occurrences this is. */
function note(folder: string, command: string): number {
  const id = randomUUID();
  appendFileSync(journalFile(folder), `${JSON.stringify([id, command])}\n`);
  const same = entries(folder).filter(([, other]) => other === command);
  return same.findIndex(([other]) => other === id) + 1;
}

/** What has failures that pass. */
const NOISY = /^(VBoxManage|ssh) /;

/** Decides by the command itself, so that a seed gives the same faults whatever order parallel commands come in. */
function isNoisy({ seed, rate }: NonNullable<FaultPlan["noise"]>, command: string, occurrence: number): boolean {
  let hash = 2166136261 ^ seed;
  for (const character of `${command}#${occurrence}`) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 2246822507);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32 < rate;
}

/** The dynamic providers' processes below a Pulumi CLI. */
function providersOf(cli: number): number[] {
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const parents = new Map(processes.map((pid) => [pid, parentOf(pid)]));
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pid === cli || isBelow(parents.get(pid)));
  return processes.filter(
    (pid) => isBelow(parents.get(pid)) && readText(`/proc/${pid}/cmdline`).includes("dynamic-provider"),
  );
}

/** The name in the second field may hold anything; the parent's id is the second one behind it (proc_pid_stat(5)). */
const parentOf = (pid: number) => Number(/\) \S (\d+)/.exec(readText(`/proc/${pid}/stat`))?.[1] ?? 0) || undefined;
