import { createInterface } from "node:readline";
import { UserError } from "./errors";

/** Shows a question; its answer, one line. Empty where none will come. */
export type Ask = (question: string) => Promise<string>;

/**
 * Asks the user at the terminal.
 * @param hint what to do where there is none
 * @throws UserError where input or output is no terminal: what a pipe says is no answer
 */
export async function atTerminal<T>(hint: string, use: (ask: Ask) => Promise<T>): Promise<T> {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY)
    throw new UserError("there is a question to answer, and this is no terminal", { hint });
  // Without readline's own editing of lines, in which Ctrl-C would end the question alone.
  const input = createInterface({ input: stdin, terminal: false });
  const lines: AsyncIterator<string, unknown> = input[Symbol.asyncIterator]();
  try {
    return await use(async (question) => {
      stdout.write(question);
      const line = await lines.next();
      return line.done === true ? "" : line.value;
    });
  } finally {
    input.close();
  }
}
