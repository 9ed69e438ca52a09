import { setTimeout as sleep } from "node:timers/promises";
import type { SshTargetArgs } from "./bastion";
import { type CloudInitReport, readReport, REPORT_COMMAND } from "./cloudInitReport";
import { UserError } from "./errors";
import { namedCause } from "./joinReport";
import { beginningOf, lastLines, MOST_READ } from "./quoted";
import { SshError, type SshSession, type SshTarget, withSession } from "./ssh";

/** How to tell that a machine's first boot is over. */
export interface Readiness {
  /** How to log in on the machine. */
  target: SshTargetArgs;
  /** Whether cloud-init ends with a reboot (`power_state`), so that the machine is ready only in the boot after it. */
  rebootExpected: boolean;
  /** How long all of it may take, in seconds. */
  timeoutSeconds: number;
}

/** What to wait for, and where to tell of it. */
export interface CloudInitWait {
  /** The machine's name, for messages. */
  name: string;
  target: SshTarget;
  rebootExpected: boolean;
  timeoutSeconds: number;
  /** How long one look may take, in milliseconds. Default: two minutes. */
  commandTimeoutMs?: number;
  log(line: string): void;
}

const PROGRESS_MS = 30_000;

/** Between two looks; an emulated guest feels each. */
const PAUSES_MS = { first: 1_000, longest: 10_000 };

/** How often in a row cloud-init may report a failure, or nothing readable: a machine that is going down for its reboot does so too. */
const DOUBTS = 3;

/**
 * Waits until cloud-init has finished, in the boot after its reboot where one is expected. Connections that drop on the way are normal.
 * @param open opens sessions; another one in tests
 * @returns the machine's last report
 * @throws UserError when cloud-init fails or is switched off, or the time is over: with what was seen last, and what to look at
 */
export async function waitForCloudInit(wait: CloudInitWait, open: typeof withSession = withSession): Promise<CloudInitReport> {
  const watch: Watch = { ...wait, end: performance.now() + wait.timeoutSeconds * 1000, progress: progressOf(wait) };
  for (const pause of pauses(watch)) {
    try {
      const { name: what, commandTimeoutMs, log } = wait;
      const options = { deadlineMs: watch.end - performance.now(), commandTimeoutMs, what, log };
      const report = await open(wait.target, options, (session) => watchOver(session, watch));
      if (report) return report;
    } catch (error) {
      if (!isPassing(error) || (error.kind === "unreachable" && !watch.last)) throw error;
      watch.lost = error;
      watch.progress("the connection ended, as it does in a reboot");
    }
    await sleep(Math.min(pause, Math.max(0, watch.end - performance.now())));
  }
  throw late(watch);
}

interface Watch extends CloudInitWait {
  end: number;
  progress(state: string): void;
  last?: CloudInitReport;
  /** How the connection ended, until there is another one. */
  lost?: SshError;
}

/** Longer and longer ones, as long as there is time. */
function* pauses({ end }: Watch): Generator<number> {
  for (let pause = PAUSES_MS.first; performance.now() < end; pause = Math.min(PAUSES_MS.longest, pause * 1.5)) {
    yield Math.max(0, Math.min(pause, end - performance.now()));
  }
}

/** Looks over one session until the machine is ready or the time is over. */
async function watchOver(session: SshSession, watch: Watch): Promise<CloudInitReport | undefined> {
  let doubts = 0;
  for (const pause of pauses(watch)) {
    const { stdout } = await session.exec(REPORT_COMMAND);
    const report = readReport(stdout);
    watch.last = report ?? watch.last;
    watch.lost = undefined;
    if (report && isReady(report, watch)) {
      if (report.warnings.length > 0) watch.log(`cloud-init went on in spite of: ${beginningOf(report.warnings.join("; "), 2000)}`);
      return report;
    }
    doubts = report && !isBad(report) ? 0 : doubts + 1;
    if (doubts === DOUBTS) throw report ? await failed(session, watch, report) : unreadable(watch, stdout);
    watch.progress(report ? describe(report, watch) : "cloud-init gives no answer");
    await sleep(pause);
  }
  return undefined;
}

const isBad = ({ status }: CloudInitReport) => status === "error" || status === "disabled";

function isReady({ status, bootId, firstBootId }: CloudInitReport, { name, rebootExpected }: CloudInitWait): boolean {
  if (status !== "done") return false;
  if (!rebootExpected) return true;
  if (firstBootId) return bootId !== firstBootId;
  throw new UserError(`cloud-init on ${name} is done and has not written /var/lib/cloud/instance/first-boot-id`, {
    todo: "have the user-data write it in the first boot, see cloudinit/templates: without it nobody can tell whether the machine rebooted",
  });
}

const isPassing = (error: unknown): error is SshError =>
  error instanceof SshError && ["dropped", "timeout", "unreachable"].includes(error.kind);

const describe = ({ status }: CloudInitReport, { rebootExpected }: CloudInitWait) =>
  status === "done" && rebootExpected ? "cloud-init is done, its reboot is still to come" : `cloud-init is ${status}`;

/** Logs a state when it is new, and every 30 seconds. */
function progressOf({ log }: CloudInitWait): (state: string) => void {
  const start = performance.now();
  let [said, next] = ["", 0];
  return (state) => {
    if (state === said && performance.now() < next) return;
    [said, next] = [state, performance.now() + PROGRESS_MS];
    log(`${state} (${Math.round((performance.now() - start) / 1000)} s)`);
  };
}

async function failed(session: SshSession, { name }: CloudInitWait, { status, errors }: CloudInitReport): Promise<UserError> {
  const output = await session.exec(`sudo -n tail -c ${2 * MOST_READ} /var/log/cloud-init-output.log`).catch(() => undefined);
  const said = [...errors.map((error) => beginningOf(error, 1000)), output && `/var/log/cloud-init-output.log ends:\n${lastLines(output.stdout)}`].filter(Boolean).join("\n");
  return new UserError(status === "error" ? `cloud-init failed on ${name}` : `cloud-init is ${status} on ${name}`, {
    said,
    todo: namedCause(said) ?? "mend the user-data, which replaces the machine, or log in and look at `cloud-init status --long` and /var/log/cloud-init.log",
  });
}

const unreadable = ({ name }: CloudInitWait, said: string) =>
  new UserError(`${name} does not tell cloud-init's status`, {
    said: beginningOf(said, 2000),
    todo: "see whether its image has cloud-init and iproute2",
  });

function late(watch: Watch): UserError {
  const { name, timeoutSeconds, rebootExpected, last, lost } = watch;
  const goal = rebootExpected ? "cloud-init to be done and the machine to have rebooted" : "cloud-init to be done";
  const summary = `${name} is not ready: waited ${timeoutSeconds} s for ${goal}`;
  const detail = {
    said: `last seen: ${last ? describe(last, watch) : "no session"}${lost ? `, and then: ${lost.summary}` : ""}`,
    todo: "look at /var/log/cloud-init-output.log on it and at its console; a slow machine may need a longer timeout",
  };
  return lost ? new SshError("unreachable", summary, detail) : new UserError(summary, detail);
}
