import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { readlink, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../common/errors";
import { labDir } from "./paths";

/** Where the process of that name is recorded. */
export function pidFile(name: string): string {
  return join(labDir(), "run", `${name}.pid`);
}

/**
 * The recorded process, if it still runs. Every process that the lab records has its pid file's path among its
 * arguments: this is how another process, which was given the same id later, is told from it.
 */
export function recordedPid(name: string): number | undefined {
  const pid = Number.parseInt(readText(pidFile(name)), 10);
  return pid > 1 && commandLine(pid).includes(pidFile(name)) ? pid : undefined;
}

/**
 * Whether the process is in the network namespace of that name: not so when the namespace was deleted and made again.
 */
export async function isInNamespace(pid: number, namespace: string): Promise<boolean> {
  const [own, named] = await Promise.all([readlink(`/proc/${pid}/ns/net`), stat(`/run/netns/${namespace}`)]);
  return own === `net:[${named.ino}]`;
}

/**
 * Ends the recorded process, if it runs, and its record.
 * @param signals sent one after the other, 5 s apart, until it is gone
 * @throws UserError when it outlives the last one
 */
export async function endRecorded(name: string, signals?: readonly NodeJS.Signals[]): Promise<void> {
  const pid = recordedPid(name);
  if (pid !== undefined) await endProcess(pid, name, signals);
  rmSync(pidFile(name), { force: true });
}

/**
 * Ends every process that is still recorded: such as a virtual machine that Pulumi, killed while it made it, does not
 * know of.
 */
export async function endAllRecorded(): Promise<void> {
  const folder = dirname(pidFile("any"));
  if (!existsSync(folder)) return;
  for (const file of readdirSync(folder)) {
    if (file.endsWith(".pid")) await endRecorded(basename(file, ".pid"));
  }
}

/** Ends the process of that id: {@link endRecorded} without a record. */
export async function endProcess(
  pid: number,
  name: string,
  signals: readonly NodeJS.Signals[] = ["SIGTERM", "SIGKILL"],
): Promise<void> {
  for (const signal of signals) {
    send(pid, signal);
    for (let waited = 0; waited < 5_000; waited += 50) {
      if (commandLine(pid) === "") return;
      await sleep(50);
    }
  }
  throw new UserError(`${name} (process ${pid}) cannot be ended`);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Empty for a process that is gone, and for one that only waits to be collected by its parent. */
export const commandLine = (pid: number) => readText(`/proc/${pid}/cmdline`);

/** A file's text; empty where it cannot be read, as when its process has ended meanwhile. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
