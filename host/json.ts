import { UserError } from "./errors";
import { redact } from "./redact";

/**
 * Reads a program's answer.
 * @param what whose answer it is, such as `kubectl get`
 * @throws UserError with the beginning of what is no JSON
 */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError(`${what} did not answer in JSON`, { said: redact(text.slice(0, 200)), todo: "run it by hand: is it the program that it should be?", cause });
  }
}
