import { constants } from "node:os";
import type { ClientChannel } from "ssh2";
import { UserError } from "../common/errors";
import type { ExecResult } from "../common/exec";
import { beginningOf, lastLines, MOST_READ } from "../common/quoted";
import type { SshConnection } from "./connection";
import { SshError } from "./error";
import { answerIn, framed, newMark } from "./frame";

/** How much a command may print, in bytes, unless its caller expects more. */
const MOST_OUTPUT = 1024 * 1024;

/** How to run a command on a machine. */
export interface SshExecOptions {
  /** Text for its standard input: the only way in for a secret. Default: none. */
  input?: string;
  /** Deadline in milliseconds. Default: the session's. */
  timeoutMs?: number;
  /** It changes nothing, so it is run again when the connection drops. Default: false. */
  readOnly?: boolean;
  /**
   * How many bytes it may print to its standard output. Default: 1 MB. Of what it prints to the other one, the last 64
   * kB are kept.
   */
  mostOutput?: number;
}

/** The command, fit for an error. */
export const shortened = (command: string) => beginningOf(command, 200);

/**
 * Runs a command over a connection; see `SshSession.exec`. Like a local one's, its output's last newline is taken off.
 */
export function execOver(
  connection: SshConnection,
  name: string,
  command: string,
  options: SshExecOptions = {},
): Promise<ExecResult> {
  const { input, timeoutMs = 120_000, mostOutput = MOST_OUTPUT } = options;
  const mark = newMark();
  return new Promise((resolve, reject) => {
    let channel: ClientChannel | undefined;
    let settled = false;
    const settle = (then: () => void) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      connection.gone.removeEventListener("abort", onGone);
      then();
    };
    const fail = (error: Error) =>
      settle(() => {
        channel?.close();
        reject(error);
      });
    const onGone = () => fail(dropped(name, command, connection.gone.reason as Error));
    const timer = setTimeout(
      () =>
        fail(
          new SshError(
            "timeout",
            `${name}: the command did not end within ${timeoutMs / 1000} s: ${shortened(command)}`,
          ),
        ),
      timeoutMs,
    );
    if (connection.gone.aborted) return onGone();
    connection.gone.addEventListener("abort", onGone);
    const started = (error: Error | undefined, opened?: ClientChannel) => {
      if (!opened) return fail(new SshError("unreachable", `${name} did not start a command: ${error?.message}`));
      channel = opened;
      if (settled) return channel.close();
      collect(channel, { name, mostOutput, mark }, (result) => settle(() => resolve(result)), fail);
      channel.end(input);
    };
    try {
      connection.client.exec(framed(command, mark), started);
    } catch (error) {
      fail(dropped(name, command, error as Error));
    }
  });
}

const dropped = (name: string, command: string, { message }: Error) =>
  new SshError("dropped", `the connection to ${name} dropped during: ${shortened(command)}`, { output: message });

interface Expected {
  name: string;
  mostOutput: number;
  mark: string;
}

function collect(
  channel: ClientChannel,
  { name, mostOutput, mark }: Expected,
  done: (result: ExecResult) => void,
  fail: (error: Error) => void,
): void {
  const tooMuch = () => fail(new UserError(`${name}: a command printed more than ${mostOutput / 1024} kB`));
  const stdout = endOf(channel, mostOutput + MOST_READ, tooMuch); // A greeting comes before it.
  const stderr = endOf(channel.stderr, MOST_READ);
  let exitCode: number | undefined;
  channel.on("exit", (code: number | null, signal?: NodeJS.Signals) => (exitCode = code ?? exitCodeOf(signal)));
  channel.on("close", () => {
    if (exitCode === undefined) return fail(new SshError("dropped", `${name} did not say how a command ended`));
    const [answer, words] = [answerIn(stdout(), mark), stderr()];
    if (answer === undefined) return fail(notBegun(name, exitCode, words || stdout()));
    done({ stdout: withoutLastNewline(answer), stderr: withoutLastNewline(answerIn(words, mark) ?? words), exitCode });
  });
}

/**
 * A shell that a signal ended before it came to the command, as while the machine goes down; or one that does not run
 * commands at all.
 */
const notBegun = (name: string, exitCode: number, output: string) =>
  exitCode > 128
    ? new SshError("dropped", `${name} ended a session before its command began`, { output })
    : new UserError(`the login shell on ${name} ran no command, and ended with exit code ${exitCode}`, {
        output: lastLines(output),
        hint: "give the user an ordinary shell there (`getent passwd`), without a ForceCommand in sshd_config, and see that the shell's start-up files do not end it",
      });

const withoutLastNewline = (text: string) => text.replace(/\r?\n$/, "");

/** The end of an output, not much more than `most` bytes of it; `onMore` is told when there is more. */
function endOf(stream: NodeJS.ReadableStream, most: number, onMore?: () => void): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size > most) onMore?.();
    while (size - chunks[0]!.length > most) size -= chunks.shift()!.length;
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

/** What a shell gives as the exit code of a program that a signal ended. */
const exitCodeOf = (signal: NodeJS.Signals | undefined) => 128 + ((signal && constants.signals[signal]) ?? 0);
