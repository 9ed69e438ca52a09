import { randomUUID } from "node:crypto";
import { shellCommand } from "../common/shell";

/** A mark that nobody else prints. */
export const newMark = (): string => `--${randomUUID()}--`;

/**
 * A command as it is sent. The login shell, whose start-up files may print a greeting, is replaced by a POSIX shell
 * that prints the mark on both outputs, and then runs the command: what comes before the mark is no answer, and nothing
 * comes after the command.
 */
export const framed = (command: string, mark: string): string =>
  shellCommand(["exec", "sh", "-c", `echo ${mark}; echo ${mark} >&2\n${command}`]);

/** What a command printed, or undefined where the mark is missing: then no command of ours has begun. */
export function answerIn(output: string, mark: string): string | undefined {
  const at = output.indexOf(`${mark}\n`);
  return at === -1 ? undefined : output.slice(at + mark.length + 1);
}
