import { setTimeout as sleep } from "node:timers/promises";
import { join } from "./kubeadm";
import { SshError } from "../ssh/error";
import type { SshSession } from "../ssh/session";
import type { Log } from "../common/log";

/** How a join is tried. */
export interface JoinAttempts {
  /** Takes back what a failed attempt left, on the worker and in the cluster. */
  takeBack(): Promise<void>;
  /** For all attempts together. */
  deadlineMs: number;
  log: Log;
}

/** Between two attempts: a tenth of the time that there is for all, and no more than this. */
const MOST_PAUSE_MS = 5_000;

/**
 * What passes: Go's words for lost connections and deadlines, the API server's for being busy or sick, and kubeadm's up
 * to 1.30 for a kubelet that has not registered its Node in time.
 */
const PASSING =
  /deadline exceeded|timed out|i\/o timeout|TLS handshake timeout|Client\.Timeout exceeded|connect(ion)?(: connection)? (refused|reset)|no route to host|\bEOF\b|etcdserver: |uploading crisocket: nodes "[^"\n]{0,100}" not found|the server (is currently unable to handle|was unable to return|has received too many)|Internal error occurred|an error on the server/;

/** A kubelet that does not come up has been waited for by kubeadm itself, for minutes. */
const UNHEALTHY = /kubelet is not healthy|:10248\/healthz/;

/** A preflight check that failed, in one line. */
const FAILED_CHECK = /^\s*\[ERROR [^\n]*/gm;

/**
 * Whether a failed `kubeadm join` may go well the next time: a busy machine or API server, and no check that failed for
 * another reason.
 */
export function isTransient(message: string): boolean {
  const checks = message.match(FAILED_CHECK);
  if (checks) return checks.every((check) => PASSING.test(check));
  return PASSING.test(message) && !UNHEALTHY.test(message);
}

/**
 * Runs `kubeadm join`, and again where it failed for a reason that passes and there is time left; what it left
 * half-done is taken back before.
 * @throws the last attempt's error, or the one before where the last was only cut short by the deadline
 */
export async function tryToJoin(
  worker: SshSession,
  configuration: string,
  { takeBack, deadlineMs, log }: JoinAttempts,
): Promise<void> {
  const pauseMs = Math.min(deadlineMs / 10, MOST_PAUSE_MS);
  const end = performance.now() + deadlineMs;
  let earlier: Error | undefined;
  for (;;) {
    try {
      return await join(worker, configuration, end - performance.now());
    } catch (error) {
      if (earlier && error instanceof SshError && error.kind === "timeout") throw earlier;
      if (error instanceof SshError || !isTransient((error as Error).message) || end - performance.now() <= pauseMs)
        throw error;
      earlier = error as Error;
      log("joining the cluster: kubeadm join failed for a reason that may pass, trying again");
      await sleep(pauseMs);
      await takeBack();
    }
  }
}
