import { constants } from "node:os";
import { childEnvironment } from "./childEnvironment";
import { UserError } from "./errors";
import { lastLines } from "./quoted";

export { lastLines } from "./quoted";

/** What a program left behind when it ended. */
export interface ExecResult {
  stdout: string;
  stderr: string;
  /** 128 + n when signal n ended it. */
  exitCode: number;
}

/** How to run a program. */
export interface ExecOptions {
  /** Text for its standard input: the only way in for a secret. Default: none. */
  input?: string;
  /** Deadline in milliseconds; the program is ended when it passes. Default: 10 minutes. */
  timeoutMs?: number;
  /** Added to what {@link childEnvironment} gives of our own environment. */
  env?: Record<string, string>;
  /** Gives the program all of our own environment. Default false. */
  inheritEnvironment?: boolean;
  /** Working directory. Default: our own. */
  cwd?: string;
}

/**
 * Runs a program with arguments, never through a shell; resolves whatever its exit code is. Injected where a test wants
 * another.
 */
export type Exec = (file: string, args: readonly string[], options?: ExecOptions) => Promise<ExecResult>;

/** A program that was ended because it passed its deadline: what it began may have been done, or may still be. */
export class TimedOut extends UserError {}

/** A program that is not there, or that the system does not run. */
export class NotRunnable extends UserError {}

/**
 * {@link Exec} on this machine.
 * @throws NotRunnable when the program does not exist or may not be run
 * @throws TimedOut when it passes its deadline
 */
export const exec: Exec = async (
  file,
  args,
  { input, timeoutMs = 600_000, env, inheritEnvironment = false, cwd } = {},
) => {
  // execa is an ES module whose dependencies cannot be required: tsx compiles a static import to a require.
  const { execa } = await import("execa");
  const result = await execa(file, args, {
    reject: false,
    timeout: timeoutMs,
    maxBuffer: 64 * 1024 * 1024,
    extendEnv: false,
    env: { ...(inheritEnvironment ? process.env : childEnvironment()), LC_ALL: "C.UTF-8", ...env },
    cwd,
    ...(input === undefined ? { stdin: "ignore" } : { input }),
  });
  if (result.timedOut)
    throw new TimedOut(`${file} ${args[0] ?? ""} did not end within ${timeoutMs / 1000} s`, {
      output: lastLines(result.stderr),
    });
  if (result.signal)
    return { stdout: result.stdout, stderr: result.stderr, exitCode: 128 + constants.signals[result.signal] };
  if (result.exitCode === undefined) {
    const missing = result.code === "ENOENT";
    throw new NotRunnable(
      missing ? `${file} is not installed, or not on PATH` : `${file} could not be run: ${result.shortMessage}`,
      {
        output: lastLines(result.stderr),
        cause: result.cause,
      },
    );
  }
  return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode };
};

/** {@link Exec} with another deadline for what is called without one. */
export const execWithin =
  (timeoutMs: number, run: Exec = exec): Exec =>
  (file, args, options) =>
    run(file, args, { ...options, timeoutMs: options?.timeoutMs ?? timeoutMs });
