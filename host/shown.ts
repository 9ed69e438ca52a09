import { redact } from "./redact";

/** The beginning of a value says which one it is; all of it may be a megabyte. */
const MOST_CHARACTERS = 80;

/** What a terminal obeys or hides: control and format characters, line separators, halves of a surrogate pair. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A value as an error shows it: its beginning as JSON, on one line, with every invisible character spelled out, and without secrets. */
export function shown(value: unknown): string {
  const json = redact(JSON.stringify(value) ?? String(value));
  const visible = json.slice(0, MOST_CHARACTERS).replace(INVISIBLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
  return json.length > MOST_CHARACTERS ? `${visible}… (${json.length} characters)` : visible;
}
