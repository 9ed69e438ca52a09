import { connect as connectTcp } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import pLimit, { type LimitFunction } from "p-limit";
import pTimeout from "p-timeout";
import type { SshTarget } from "./target";
import { throughBastion } from "./bastion";
import { connect, type SshConnection } from "./connection";
import { type SshCredentials, sshCredentials } from "./credentials";
import { SshError } from "./error";
import { hostKeyAlgorithms, parseHostKey } from "./hostKey";
import type { Log } from "../common/log";

/** For one attempt, from TCP to signed in: an emulated guest needs long. */
const HANDSHAKE_MS = 60_000;

/**
 * Handshakes at a time with one machine; sshd drops some at random when more than 10 are under way (`MaxStartups`,
 * sshd_config(5)).
 */
const HANDSHAKES_PER_HOST = 4;

/**
 * How near to the deadline counts as at it. An attempt's own deadline comes first, as it knows what was waited for;
 * this much later ends what waits for its turn.
 */
const GRACE_MS = 100;

const PROGRESS_MS = 30_000;

/** How to wait for a machine. */
export interface OpenOptions {
  /** How long to wait for a session, in milliseconds from now. */
  deadlineMs: number;
  /** How long a command may take that is run without a deadline of its own, in milliseconds. Default: two minutes. */
  commandTimeoutMs?: number;
  /** The machine's name for messages, such as "kube-node01". */
  what: string;
  /** Told what is being waited for, at most every 30 seconds. */
  log?: Log;
}

/**
 * Opens a connection, trying again while the machine boots. Whatever a booting machine shows is tried again; a wrong
 * host key, a refused authentication and a machine without an algorithm in common are not.
 * @throws SshError
 * @throws UserError when there is no usable host key to expect
 */
export async function openConnection(
  target: SshTarget,
  { deadlineMs, what, log }: OpenOptions,
): Promise<SshConnection> {
  for (const { hostKeys } of [target, target.bastion ?? target]) hostKeyAlgorithms(hostKeys.map(parseHostKey));
  const credentials = sshCredentials(target);
  const start = performance.now();
  const left = () => start + deadlineMs - performance.now();
  let nextLog = 0;
  let failure: SshError | undefined;
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce(target, credentials, what, left);
    } catch (error) {
      if (!(error instanceof SshError) || error.kind !== "unreachable") throw error;
      // An attempt that the deadline cut short knows less than the one before; its timer may fire some milliseconds
      // early.
      if (!failure || left() > GRACE_MS) failure = error;
    }
    const pause = pauseAfter(attempt);
    if (left() <= pause) throw gaveUp(target, what, deadlineMs, attempt, failure);
    if (performance.now() >= nextLog) {
      log?.(`waiting for SSH on ${what}: ${failure.summary}`);
      nextLog = performance.now() + PROGRESS_MS;
    }
    await sleep(pause);
  }
}

/**
 * 250 ms at first, half as much again each time up to 5 s; somewhere in the upper half, so that several waiters spread.
 */
const pauseAfter = (attempt: number) => Math.min(5_000, 250 * 1.5 ** (attempt - 1)) * (0.5 + Math.random() / 2);

const limits = new Map<string, LimitFunction>();

async function attemptOnce(
  target: SshTarget,
  credentials: SshCredentials,
  what: string,
  left: () => number,
): Promise<SshConnection> {
  const host = `${target.address}:${target.port ?? 22}`;
  const limit = limits.get(host) ?? pLimit(HANDSHAKES_PER_HOST);
  limits.set(host, limit);
  const opening = limit(() => openOnce(target, credentials, what, Math.min(HANDSHAKE_MS, left())));
  const giveUp = () => {
    opening.then(
      (connection) => connection.close(),
      () => {},
    );
    throw new SshError("unreachable", `too many handshakes with ${host} are under way`);
  };
  return await pTimeout(opening, { milliseconds: Math.max(1, left() + GRACE_MS), fallback: giveUp });
}

async function openOnce(
  target: SshTarget,
  credentials: SshCredentials,
  what: string,
  timeoutMs: number,
): Promise<SshConnection> {
  const port = target.port ?? 22;
  const name = `${what} (${target.user}@${target.address}:${port})`;
  const end = performance.now() + timeoutMs;
  const { stream, release } = target.bastion
    ? await throughBastion(target.bastion, credentials, target, timeoutMs)
    : { stream: connectTcp({ host: target.address, port, noDelay: true }), release: () => {} };
  const connection = connect({ name, host: target, credentials, socket: stream, timeoutMs: end - performance.now() });
  connection.gone.addEventListener("abort", release, { once: true });
  await connection.ready;
  return connection;
}

function gaveUp(target: SshTarget, what: string, deadlineMs: number, attempts: number, last: SshError): SshError {
  const through = target.bastion ? `, through the bastion ${target.bastion.address}` : "";
  const at = `${target.address}:${target.port ?? 22}${through}`;
  return new SshError(
    "unreachable",
    `${what} gave no SSH session within ${Math.round(deadlineMs / 100) / 10} s, at ${at} (${attempts} attempts)`,
    {
      output: `last seen: ${last.summary}`,
      hint: last.detail.hint ?? adviceFor(last),
      cause: last,
    },
  );
}

/** What to do about a machine that gave no session, for an error that does not say it itself. */
export function adviceFor({ message }: SshError): string {
  if (/^the bastion \S+ could not reach \S+: administratively prohibited/.test(message))
    return "look whether the bastion's sshd allows AllowTcpForwarding and PermitOpen to this address";
  if (/^the bastion \S+: /.test(message))
    return "look at the bastion: does it run, has it this address, does its sshd run? And is there a route to it from here?";
  return "look at the machine's console: does it run, has it this address, does its sshd run? And is there a way to it?";
}
