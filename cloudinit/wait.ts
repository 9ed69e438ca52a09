import { setTimeout as sleep } from "node:timers/promises";
import type { SshTargetArgs } from "../access/bastion";
import { type CloudInitReport, readReport, REPORT_COMMAND } from "./report";
import { UserError } from "../common/errors";
import { FirstBootFailed } from "../common/firstBootFailed";
import { namedCause } from "../kubernetes/joinReport";
import { beginningOf, lastLines, MOST_READ } from "../common/quoted";
import { SshError } from "../ssh/error";
import { type SshSession, withSession } from "../ssh/session";
import type { SshTarget } from "../ssh/target";
import type { Log } from "../common/log";

/** How to tell that a machine's first boot is over. */
export interface Readiness {
  /** How to log in on the machine. */
  target: SshTargetArgs;
  /** Whether cloud-init ends with a reboot (`power_state`), so that the machine is ready only in the boot after it. */
  rebootExpected: boolean;
  /**
   * The user-data does not write the mark of its end (`FIRST_BOOT_MARK`), as one's own did in version 0.1.0:
   * cloud-init's status alone counts, which is `done` also in the boot after one that was cut short. Default: false.
   */
  endsUnmarked?: boolean;
  /** How long all of it may take, in seconds. */
  timeoutSeconds: number;
}

/** What to wait for, and where to log. */
export interface CloudInitWait {
  /** The machine's name, for messages. */
  name: string;
  target: SshTarget;
  rebootExpected: boolean;
  endsUnmarked?: boolean;
  timeoutSeconds: number;
  /** How long one look may take, in milliseconds. Default: two minutes. */
  commandTimeoutMs?: number;
  log: Log;
}

const PROGRESS_MS = 30_000;

/** Between two looks; an emulated guest feels each. */
const PAUSES_MS = { first: 1_000, longest: 10_000 };

/**
 * How often in a row cloud-init may report a failure, or nothing readable: a machine that is going down for its reboot
 * does so too.
 */
const FAILURES_IN_A_ROW = 3;

/**
 * Waits until the user-data has come to its end, in the boot after its reboot where one is expected. Connections that
 * drop on the way are normal.
 * @param open opens sessions; another one in tests
 * @returns the machine's last report
 * @throws FirstBootFailed where only another machine helps
 * @throws UserError when cloud-init is switched off, or the time is over: with what was seen last, and what to look at
 */
export async function waitForCloudInit(
  wait: CloudInitWait,
  open: typeof withSession = withSession,
): Promise<CloudInitReport> {
  const watch: Watch = { ...wait, end: performance.now() + wait.timeoutSeconds * 1000, progress: progressOf(wait) };
  for (const pause of pauses(watch)) {
    try {
      const { name: what, commandTimeoutMs } = wait;
      const options = { deadlineMs: watch.end - performance.now(), commandTimeoutMs, what, log: watch.progress };
      const report = await open(wait.target, options, (session) => watchOver(session, watch));
      if (report) return report;
    } catch (error) {
      if (!isTransient(error) || (error.kind === "unreachable" && !watch.last)) throw error;
      watch.lost = error;
      watch.progress("the connection ended, as it does in a reboot");
    }
    await sleep(Math.min(pause, Math.max(0, watch.end - performance.now())));
  }
  throw timedOut(watch);
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
      if (report.warnings.length > 0)
        watch.log(`cloud-init went on in spite of: ${beginningOf(report.warnings.join("; "), 2000)}`, "warning");
      return report;
    }
    doubts = report && !isBad(report) && !isCutShort(report, watch) ? 0 : doubts + 1;
    if (doubts === FAILURES_IN_A_ROW) throw report ? await failed(session, watch, report) : unreadable(watch, stdout);
    watch.progress(report ? describe(report, watch) : "no answer");
    await sleep(pause);
  }
  return undefined;
}

const isBad = ({ status }: CloudInitReport) => status === "error" || status === "disabled";

/** A machine that is in a cluster had its first boot, whatever version of the program made it. */
const isCutShort = ({ status, reached }: CloudInitReport, { endsUnmarked = false }: CloudInitWait) =>
  status === "done" && reached === "-" && !endsUnmarked;

function isReady(report: CloudInitReport, wait: CloudInitWait): boolean {
  const { status, bootId, firstBootId } = report;
  const { name, rebootExpected } = wait;
  if (status !== "done" || isCutShort(report, wait)) return false;
  if (!rebootExpected) return true;
  if (firstBootId) return bootId !== firstBootId;
  throw new UserError(`cloud-init on ${name} is done and has not written /var/lib/cloud/instance/first-boot-id`, {
    hint: "have the user-data write it in the first boot, see cloudinit/templates: without it nobody can tell whether the machine rebooted",
  });
}

const isTransient = (error: unknown): error is SshError =>
  error instanceof SshError && ["dropped", "timeout", "unreachable"].includes(error.kind);

const describe = (report: CloudInitReport, wait: CloudInitWait) =>
  isCutShort(report, wait)
    ? "done, and the last step of the first boot is missing"
    : report.status === "done" && wait.rebootExpected
      ? "done, its reboot is still to come"
      : report.status;

/** Logs a state when it is new, and every 30 seconds. */
function progressOf({ log }: CloudInitWait): (state: string) => void {
  let [shownState, next] = ["", 0];
  return (state) => {
    if (state === shownState && performance.now() < next) return;
    [shownState, next] = [state, performance.now() + PROGRESS_MS];
    log(`waiting for cloud-init: ${state}`);
  };
}

async function failed(session: SshSession, wait: CloudInitWait, report: CloudInitReport): Promise<UserError> {
  const { status, errors } = report;
  const log = await session
    .exec(`sudo -n tail -c ${2 * MOST_READ} /var/log/cloud-init-output.log`)
    .catch(() => undefined);
  const output = [
    beginningOf(errors.join("\n"), 2000),
    log && `/var/log/cloud-init-output.log ends:\n${lastLines(log.stdout)}`,
  ]
    .filter(Boolean)
    .join("\n");
  const summary = isCutShort(report, wait)
    ? `the first boot of ${wait.name} did not come to its end, and cloud-init does not repeat it`
    : status === "error"
      ? `cloud-init failed on ${wait.name}`
      : `cloud-init is ${status} on ${wait.name}`;
  const hint =
    namedCause(output) ??
    "look at `cloud-init status --long` and /var/log/cloud-init.log on it, and correct what failed";
  if (status === "disabled" || report.reached !== "-") return new UserError(summary, { output, hint });
  return new FirstBootFailed(summary, { output, hint });
}

const unreadable = ({ name }: CloudInitWait, output: string) =>
  new UserError(`${name} does not tell cloud-init's status`, {
    output: beginningOf(output, 2000),
    hint: "see whether its image has cloud-init and iproute2",
  });

function timedOut(watch: Watch): UserError {
  const { name, timeoutSeconds, rebootExpected, last, lost } = watch;
  const goal = rebootExpected ? "cloud-init to be done and the machine to have rebooted" : "cloud-init to be done";
  const summary = `${name} is not ready: waited ${timeoutSeconds} s for ${goal}`;
  const detail = {
    output: `last seen: ${last ? `cloud-init is ${describe(last, watch)}` : "no session"}${lost ? `, and then: ${lost.summary}` : ""}`,
    hint: "look at /var/log/cloud-init-output.log on it and at its console; a slow machine may need a longer timeout",
  };
  return lost ? new SshError("unreachable", summary, detail) : new UserError(summary, detail);
}
