import type { ExecResult } from "../../common/exec";
import type { SshSession } from "../../ssh/session";

/** A command's answer: text means success. */
type Answer = string | Partial<ExecResult> | Error;

/**
 * A session that answers by the first pattern that a command matches, and keeps what was run and what went in.
 * Simulates a machine where a real one cannot show the fault.
 */
export class FakeSession implements SshSession {
  readonly ran: string[] = [];
  readonly inputs: string[] = [];

  constructor(private readonly answers: [RegExp, Answer | (() => Answer)][]) {}

  exec(command: string, { input = "" }: { input?: string } = {}): Promise<ExecResult> {
    this.ran.push(command);
    if (input) this.inputs.push(input);
    const [, found = ""] = this.answers.find(([pattern]) => pattern.test(command)) ?? [];
    const answer = typeof found === "function" ? found() : found;
    if (answer instanceof Error) return Promise.reject(answer);
    const result = typeof answer === "string" ? { stdout: answer } : answer;
    return Promise.resolve({ stdout: "", stderr: "", exitCode: 0, ...result });
  }

  async run(command: string, options?: { input?: string }): Promise<string> {
    const { stdout, stderr, exitCode } = await this.exec(command, options);
    if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${stderr}`);
    return stdout;
  }

  /** Whether a command that matches was run. */
  did(pattern: RegExp): boolean {
    return this.ran.some((command) => pattern.test(command));
  }
}
