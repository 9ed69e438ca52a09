import pLimit from "p-limit";
import { UserError } from "../common/errors";
import type { ExecResult } from "../common/exec";
import { lastLines } from "../common/quoted";
import type { SshTarget } from "./target";
import type { SshConnection } from "./connection";
import { isDropped } from "./error";
import { execOver, shortened, type SshExecOptions } from "./exec";
import { type OpenOptions, openConnection } from "./open";

/** Commands at a time on one connection; sshd refuses the eleventh (`MaxSessions`, sshd_config(5)). */
const COMMANDS_PER_SESSION = 8;

/** How often a look is repeated whose connection drops each time. */
const REPEATS = 3;

/**
 * How long a dropped connection is tried to be opened again, in milliseconds: a machine that is away for longer is on
 * its way down, or gone.
 */
const REOPEN_MS = 10_000;

/**
 * A control plane that restarts, or elects another leader of its etcd, answers again within so long, in milliseconds.
 */
const PATIENCE_MS = 30_000;

/** Commands on a machine, over one connection at a time. */
export interface SshSession {
  /**
   * How long something on the machine that does not answer for the moment, as an API server, is asked again, in
   * milliseconds. Default: 0.
   */
  readonly patienceMs?: number;
  /**
   * Runs a POSIX shell command; resolves whatever its exit code is (128 + n when signal n ended it).
   * @throws SshError `dropped` or `timeout`: it may have had its effect; `unreachable`: it was not started. Only what
   * `readOnly` is run a second time.
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
 * Opens a session, waiting and trying again while the machine boots, runs `use` with it, and closes it. `use` itself is
 * never run again.
 * @throws SshError when there is no session within the deadline, or there never will be one
 */
export async function withSession<T>(
  target: SshTarget,
  options: OpenOptions,
  use: (session: SshSession) => Promise<T>,
): Promise<T> {
  const session = await Session.open(target, options);
  try {
    return await use(session);
  } finally {
    session.close();
  }
}

/** A session that outlives its connection: the next command, and a look that was under way, get a new one. */
class Session implements SshSession {
  private readonly limit = pLimit(COMMANDS_PER_SESSION);
  private reopening: Promise<boolean> | undefined;
  private isClosed = false;

  private constructor(
    private connection: SshConnection,
    private readonly target: SshTarget,
    private readonly options: OpenOptions,
  ) {}

  /** @throws SshError where there is no connection within the deadline, or there never will be one */
  static async open(target: SshTarget, options: OpenOptions): Promise<Session> {
    return new Session(await openConnection(target, options), target, options);
  }

  get patienceMs(): number {
    return Math.min(PATIENCE_MS, this.options.deadlineMs);
  }

  close(): void {
    this.isClosed = true;
    this.connection.close();
  }

  exec: SshSession["exec"] = (command, options = {}) =>
    this.limit(() => this.execOrRepeat(command, options, options.readOnly ? REPEATS : 0));

  run: SshSession["run"] = async (command, options) => {
    const { stdout, stderr, exitCode } = await this.exec(command, options);
    if (exitCode === 0) return stdout;
    throw new UserError(`${this.options.what}: ${shortened(command)} failed with exit code ${exitCode}`, {
      output: lastLines(stderr || stdout),
    });
  };

  private async execOrRepeat(
    command: string,
    options: SshExecOptions,
    repeats: number,
  ): ReturnType<SshSession["exec"]> {
    await this.isUp();
    try {
      return await execOver(this.connection, this.options.what, command, {
        ...options,
        timeoutMs: options.timeoutMs ?? this.options.commandTimeoutMs,
      });
    } catch (error) {
      if (!isDropped(error) || repeats === 0 || !(await this.isUp())) throw error;
      return this.execOrRepeat(command, options, repeats - 1);
    }
  }

  /** Whether there is a connection; one that dropped is opened again first, once for all commands that need it. */
  private async isUp(): Promise<boolean> {
    if (!this.connection.gone.aborted) return true;
    this.reopening ??= this.reopen().finally(() => (this.reopening = undefined));
    return this.reopening;
  }

  private async reopen(): Promise<boolean> {
    if (this.isClosed) return false;
    try {
      this.connection = await openConnection(this.target, {
        ...this.options,
        deadlineMs: Math.min(REOPEN_MS, this.options.deadlineMs),
      });
      if (this.isClosed) this.connection.close();
      return !this.isClosed;
    } catch {
      return false;
    }
  }
}
