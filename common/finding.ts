import pTimeout from "p-timeout";
import { UserError } from "./errors";

/**
 * What a look at one thing found.
 * - `right`: it is as it must be.
 * - `wrong`: what needs it is certain to fail.
 * - `warning`: it may fail, or nothing could be found out.
 * - `later`: it was not looked at, as something else must be there first.
 */
export interface Finding {
  is: "right" | "wrong" | "warning" | "later";
  /** One sentence, without its full stop. */
  what: string;
  /** A tool's own last words. */
  output?: string;
  /** What to do about it. */
  hint?: string;
  /** The names of the workers that need it. Default: all, also those that there are. */
  of?: readonly string[];
}

/** A {@link Finding} that all is well. */
export const right = (what: string): Finding => ({ is: "right", what });

/** A {@link Finding} about what cannot be looked at yet. */
export const later = (what: string): Finding => ({ is: "later", what });

/** An error as a {@link Finding}. */
export const finding = (is: "wrong" | "warning", { summary, detail: { output, hint } }: UserError): Finding => ({
  is,
  what: summary,
  output,
  hint,
});

/**
 * What a look found. One that fails found nothing out, and is no reason to refuse anything.
 * @param what is looked at, for a failure
 */
export async function looked(what: string, deadlineMs: number, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    const message = new UserError(`it took longer than ${deadlineMs / 1000} s`);
    return await pTimeout(look(), { milliseconds: deadlineMs, message });
  } catch (error) {
    if (!(error instanceof UserError) && !isOfSystem(error)) throw error;
    const { what: why, ...rest } =
      error instanceof UserError ? finding("warning", error) : { is: "warning" as const, what: error.message };
    return [{ ...rest, what: `${what} could not be looked at: ${why}` }];
  }
}

/** What the system refused: a file that this user may not read, say. */
const isOfSystem = (error: unknown): error is NodeJS.ErrnoException =>
  typeof error === "object" && error !== null && "syscall" in error;

/** Findings as the output of an error: what happened, a tool's words further in, and what to do. */
export const shownFindings = (findings: readonly Finding[]): string =>
  findings.map(({ what, output, hint }) => new UserError(what, { output, hint }).message).join("\n");
