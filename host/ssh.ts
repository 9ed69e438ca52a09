import type { ExecResult } from "./exec";
import type { SshExecOptions } from "./sshExec";
import type { OpenOptions } from "./sshOpen";
import { Session } from "./sshSession";

export { shellCommand } from "./shell";
export { SshError, type SshErrorKind } from "./sshError";
export type { SshExecOptions } from "./sshExec";
export type { OpenOptions } from "./sshOpen";

/** Where and as whom. */
export interface SshHost {
  /** A name or an address; a target's is resolved by its bastion. */
  address: string;
  /** Default: 22. */
  port?: number;
  user: string;
  /** The host keys to accept, each "ssh-ed25519 AAAA…"; at least one. Only keys of these types are asked for. */
  hostKeys: string[];
}

/** A machine to open sessions on. A plain value without secrets: it goes through Pulumi's state. */
export interface SshTarget extends SshHost {
  /** A private key without a passphrase, for bastion and target alike. Default: the keys of the agent at `SSH_AUTH_SOCK`. */
  privateKeyFile?: string;
  /** Which of the agent's keys is offered, as in a `.pub` file. Default: each in turn, of which sshd takes six. */
  publicKey?: string;
  /** The machine to go through. All targets share one connection to it. */
  bastion?: SshHost;
}

/** Commands on a machine, over one connection at a time. */
export interface SshSession {
  /** How long something on the machine that does not answer for the moment, as an API server, is asked again, in milliseconds. Default: 0. */
  readonly patienceMs?: number;
  /**
   * Runs a POSIX shell command; resolves whatever its exit code is (128 + n when signal n ended it).
   * @throws SshError `dropped` or `timeout`: it may have had its effect; `unreachable`: it was not started. Only what `looks` is run a second time.
   * @throws UserError when it prints more than 1 MB, or than `mostOutput`
   */
  exec(command: string, options?: SshExecOptions): Promise<ExecResult>;
  /**
   * {@link exec} that must succeed; gives its standard output.
   * @throws UserError with the command's last words when its exit code is not 0
   */
  run(command: string, options?: SshExecOptions): Promise<string>;
}

/**
 * Opens a session, waiting and trying again while the machine boots, runs `use` with it, and closes it. `use` itself is never run again.
 * @throws SshError when there is no session within the deadline, or there never will be one
 */
export async function withSession<T>(target: SshTarget, options: OpenOptions, use: (session: SshSession) => Promise<T>): Promise<T> {
  const session = await Session.open(target, options);
  try {
    return await use(session);
  } finally {
    session.close();
  }
}
