import pLimit from "p-limit";
import { UserError } from "./errors";
import { type ExecResult, lastLines } from "./exec";
import { redact } from "./redact";
import type { SshConnection } from "./sshConnection";
import { execOver, shortened, type SshExecOptions } from "./sshExec";
import { type OpenOptions, openConnection } from "./sshOpen";

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
  /** The machine to go through. All targets share one connection to it. */
  bastion?: SshHost;
}

/** An open connection to a machine. */
export interface SshSession {
  /**
   * Runs a POSIX shell command; resolves whatever its exit code is (128 + n when signal n ended it).
   * @throws SshError `dropped` or `timeout`: it may have had its effect; `unreachable`: it was not started. Nothing is run a second time.
   * @throws UserError when it prints more than 16 MB
   */
  exec(command: string, options?: SshExecOptions): Promise<ExecResult>;
  /**
   * {@link exec} that must succeed; gives its standard output.
   * @throws UserError with the command's last words when its exit code is not 0
   */
  run(command: string, options?: SshExecOptions): Promise<string>;
}

/** Commands at a time on one connection; sshd refuses the eleventh (`MaxSessions`, sshd_config(5)). */
const COMMANDS_PER_SESSION = 8;

/**
 * Opens a session, waiting and trying again while the machine boots, runs `use` with it, and closes it. `use` itself is never run again.
 * @throws SshError when there is no session within the deadline, or there never will be one
 */
export async function withSession<T>(target: SshTarget, options: OpenOptions, use: (session: SshSession) => Promise<T>): Promise<T> {
  const connection = await openConnection(target, options);
  try {
    return await use(sessionOver(connection, options));
  } finally {
    connection.close();
  }
}

function sessionOver(connection: SshConnection, { what, commandTimeoutMs: timeoutMs }: OpenOptions): SshSession {
  const limit = pLimit(COMMANDS_PER_SESSION);
  const exec: SshSession["exec"] = (command, options) => limit(() => execOver(connection, what, command, { ...options, timeoutMs: options?.timeoutMs ?? timeoutMs }));
  const run: SshSession["run"] = async (command, options) => {
    const { stdout, stderr, exitCode } = await exec(command, options);
    if (exitCode === 0) return stdout;
    throw new UserError(`${what}: ${shortened(command)} failed with exit code ${exitCode}`, { said: redact(lastLines(stderr || stdout)) });
  };
  return { exec, run };
}
