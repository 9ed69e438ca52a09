import pLimit from "p-limit";
import { UserError } from "./errors";
import { lastLines } from "./quoted";
import type { SshSession, SshTarget } from "./ssh";
import type { SshConnection } from "./sshConnection";
import { isDropped } from "./sshError";
import { execOver, shortened, type SshExecOptions } from "./sshExec";
import { type OpenOptions, openConnection } from "./sshOpen";

/** Commands at a time on one connection; sshd refuses the eleventh (`MaxSessions`, sshd_config(5)). */
const COMMANDS_PER_SESSION = 8;

/** How often a look is repeated whose connection drops each time. */
const REPEATS = 3;

/** How long a dropped connection is tried to be opened again, in milliseconds: a machine that is away for longer is on its way down, or gone. */
const REOPEN_MS = 10_000;

/** A control plane that restarts, or elects another leader of its etcd, answers again within so long, in milliseconds. */
const PATIENCE_MS = 30_000;

/** A session that outlives its connection: the next command, and a look that was under way, get a new one. */
export class Session implements SshSession {
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

  exec: SshSession["exec"] = (command, options = {}) => this.limit(() => this.execOrRepeat(command, options, options.looks ? REPEATS : 0));

  run: SshSession["run"] = async (command, options) => {
    const { stdout, stderr, exitCode } = await this.exec(command, options);
    if (exitCode === 0) return stdout;
    throw new UserError(`${this.options.what}: ${shortened(command)} failed with exit code ${exitCode}`, { said: lastLines(stderr || stdout) });
  };

  private async execOrRepeat(command: string, options: SshExecOptions, repeats: number): ReturnType<SshSession["exec"]> {
    await this.isUp();
    try {
      return await execOver(this.connection, this.options.what, command, { ...options, timeoutMs: options.timeoutMs ?? this.options.commandTimeoutMs });
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
      this.connection = await openConnection(this.target, { ...this.options, deadlineMs: Math.min(REOPEN_MS, this.options.deadlineMs) });
      if (this.isClosed) this.connection.close();
      return !this.isClosed;
    } catch {
      return false;
    }
  }
}
