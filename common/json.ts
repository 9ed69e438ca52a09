import type { z } from "zod";
import { UserError } from "./errors";
import { beginningOf } from "./quoted";

/**
 * Reads a program's answer.
 * @param what whose answer it is, such as `kubectl get`
 * @throws UserError with the beginning of what is no JSON
 */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notUnderstood(what, "in JSON", text, cause);
  }
}

/**
 * Reads a program's answer of a known form.
 * @throws UserError as {@link parseJson}, and where it has another form
 */
export function readJson<T>(form: z.ZodType<T>, text: string, what: string): T {
  const read = form.safeParse(parseJson(text, what));
  if (!read.success) throw notUnderstood(what, "in the form that is known", text, read.error);
  return read.data;
}

/** The error for a program that did not answer as it should: with the beginning of what it said. */
export const notUnderstood = (what: string, how: string, text: string, cause?: unknown) =>
  new UserError(`${what} did not answer ${how}`, {
    output: beginningOf(text, 200),
    hint: "run it by hand: is it the program that it should be?",
    cause,
  });
