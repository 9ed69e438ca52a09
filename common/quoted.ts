import { redact } from "./redact";

// What others say (a guest, the other side of a connection, a tool, the cluster) can be anything, of any length. It is
// shown by these functions alone, which do the same things in the same order: bound, redact, shorten, and make visible
// what a terminal would obey.

/** How much of a text is looked at at all, in characters: what comes after costs time and memory. */
export const MOST_READ = 64 * 1024;

/** How much of it is shown, in characters. */
const MOST_SHOWN = 8000;

/**
 * The end, or the beginning, of a text: whole lines of 64 kB together. Of a line that is longer, whole words, so that
 * no secret is cut in two and then no longer recognised.
 */
export function bounded(text: string, keep: "end" | "beginning" = "end"): string {
  if (text.length <= MOST_READ) return text;
  if (keep === "end") {
    const kept = text.slice(-MOST_READ);
    const line = kept.indexOf("\n") + 1;
    return `…${line > 0 && line < kept.length ? `\n${kept.slice(line)}` : kept.replace(/^\S*/, "")}`;
  }
  const kept = text.slice(0, MOST_READ);
  const line = kept.lastIndexOf("\n");
  return `${line > 0 ? kept.slice(0, line + 1) : kept.slice(0, 1 + Math.max(kept.lastIndexOf(" "), kept.lastIndexOf("\t")))}…`;
}

/** The last lines of what somebody said, fit to be shown: what fits into an error. */
export function lastLines(text: string, count = 20): string {
  const lines = redact(bounded(text)).trimEnd().split("\n").slice(-count).join("\n");
  return visible(lines.length > MOST_SHOWN ? `…${lines.slice(-MOST_SHOWN)}` : lines);
}

/** The beginning of what somebody said, fit to be shown. */
export function beginningOf(text: string, characters = MOST_SHOWN): string {
  const safe = redact(bounded(text, "beginning"));
  return visible(safe.length > characters ? `${safe.slice(0, characters)}…` : safe);
}

/**
 * A text, perhaps with words of others in it, in which only the first line begins at the left edge: no other can pass
 * for a line of ours.
 */
export const hanging = (text: string): string => text.replace(/\n(?! {4})/g, "\n    ");

/** What a terminal obeys or hides: control and format characters, line separators, halves of a surrogate pair. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * A text with every invisible character spelled out, but for line feeds and tabs. The last step of all: what is spelled
 * out stays as it is.
 */
export const visible = (text: string): string =>
  text
    .replaceAll("\r\n", "\n")
    .replace(INVISIBLE, (character) => (character === "\n" || character === "\t" ? character : spelledOut(character)));

/** {@link visible}, also line feeds and tabs. */
export const visibleInOneLine = (text: string): string => text.replace(INVISIBLE, spelledOut);

const spelledOut = (character: string) => `\\u{${character.codePointAt(0)!.toString(16)}}`;
