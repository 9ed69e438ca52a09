import { visibleInOneLine } from "./quoted";
import { redact } from "./redact";

/** The beginning of a value says which one it is; all of it may be a megabyte. */
const MOST_CHARACTERS = 80;

/**
 * A value as an error shows it: its beginning as JSON, on one line, with every invisible character spelled out, and
 * without secrets.
 */
export function quoteValue(value: unknown): string {
  const json = redact(JSON.stringify(value) ?? String(value));
  const visible = visibleInOneLine(json.slice(0, MOST_CHARACTERS));
  return json.length > MOST_CHARACTERS ? `${visible}… (${json.length} characters)` : visible;
}
