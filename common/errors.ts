import { beginningOf, hanging, lastLines } from "./quoted";

/**
 * Something that the user can fix: what happened, to what, the tool's own last words, and what to do. It is shown as
 * its message alone; any other error is a bug of ours and keeps its stack. Whatever others said in it is shown without
 * secrets and without control characters.
 */
export class UserError extends Error {
  override readonly name = "UserError";

  /**
   * @param summary what happened, to which thing; one sentence without its full stop
   * @param detail `output`: the tool's own last words; `hint`: what to do about it
   */
  constructor(
    readonly summary: string,
    readonly detail: { output?: string; hint?: string; cause?: unknown } = {},
  ) {
    const { output, hint, cause } = detail;
    super(
      [
        hanging(beginningOf(summary)),
        output && indent(lastLines(output, Infinity).trim()),
        hint && `→ ${hanging(beginningOf(hint))}`,
      ]
        .filter(Boolean)
        .join("\n"),
      { cause },
    );
  }
}

const indent = (text: string) => text.replace(/^/gm, "    ");
