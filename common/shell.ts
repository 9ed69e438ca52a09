/** Words that a POSIX shell, or bash, reads as its own grammar where a command is expected. */
const RESERVED = /^(if|then|else|elif|fi|do|done|case|esac|while|until|for|in|select|function|time|coproc)$/;

/**
 * Quotes arguments for a POSIX shell, so that it runs exactly this program with exactly these arguments. Plain words
 * stay readable.
 */
export const shellCommand = (args: readonly string[]): string => args.map(quote).join(" ");

function quote(word: string): string {
  if (word.includes("\0")) throw new Error("an argument cannot hold a NUL byte");
  if (/^[\w@%+:,./-]+$/.test(word) && !RESERVED.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
