import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { commandLine, readText } from "./processes";
import { backend, labStack, onHost } from "./stack";

/** Pulumi's file backend keeps a stack's locks here, one JSON file for each holder, with its process id. */
const locksFolder = () => join(backend(), ".pulumi/locks/organization/vbox-kubeadm", labStack);

/**
 * Takes the stack up where a Pulumi that was killed has left it: unlocks it, and lets a refresh find out what became of
 * what was being made. A lock whose holder still runs is left alone, so that Pulumi refuses to work beside it.
 */
export async function takeUpStack(pulumi: string, log: (line: string) => void): Promise<void> {
  const holders = lockHolders();
  if (holders.length === 0 || holders.some(isPulumi)) return;
  log("a Pulumi that was killed left the stack locked: unlocking and refreshing it");
  const commands = [
    ["cancel", "--yes", "--stack", labStack],
    ["refresh", "--yes", "--non-interactive", "--skip-preview", "--suppress-progress", "--clear-pending-creates"],
  ];
  for (const command of commands)
    if ((await onHost(pulumi, "pulumi", command)) !== 0) log(`pulumi ${command[0]} failed; going on all the same`);
}

/** The process ids of those that hold a lock. */
function lockHolders(): number[] {
  const folder = locksFolder();
  if (!existsSync(folder)) return [];
  const locks = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return locks.map((name) => holderOf(readText(join(folder, name))));
}

/** The process id in a lock; 0, which no program has, where the lock is only half written. */
function holderOf(lock: string): number {
  try {
    return (JSON.parse(lock) as { pid?: number }).pid ?? 0;
  } catch {
    return 0;
  }
}

/** Whether the process of that id runs and is Pulumi: another may have been given the id since. */
const isPulumi = (pid: number) => commandLine(pid).includes("pulumi");
