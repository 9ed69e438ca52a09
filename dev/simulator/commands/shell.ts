import { shellWords } from "../shellWords";
import { failed, type Scene, type Work } from "./command";

/** The programs of a machine by their names, and the whole scripts that it knows. */
export interface Programs<S extends Scene> {
  programs: Readonly<Record<string, Work<S>>>;
  scripts: ReadonlyMap<string, Work<S>>;
}

/** A command line, taken apart: the words of a simple command, without sudo; or a script, whole. */
export interface CommandLine {
  words: readonly string[];
  isRoot: boolean;
}

/** Takes a command line apart; undefined where it is more than a simple command. */
export function parseCommand(command: string): CommandLine | undefined {
  const words = shellWords(command);
  if (!words || words.length === 0) return undefined;
  if (words[0] !== "sudo") return { words, isRoot: false };
  return { words: words.slice(words[1] === "-n" ? 2 : 1), isRoot: true };
}

/**
 * A command as a login shell gets it, see `ssh/frame.ts`, and the mark that is printed before it runs; a command
 * without one is whole.
 */
export function unframed(text: string): { command: string; mark: string } {
  const words = shellWords(text) ?? [];
  const [, mark = "", command = ""] =
    (words.slice(0, 3).join(" ") === "exec sh -c" && /^echo (\S+); echo \1 >&2\n([^]*)$/.exec(words[3] ?? "")) || [];
  return mark ? { command, mark: `${mark}\n` } : { command: text, mark: "" };
}

/** What the start-up files of a login shell print, on both outputs: an administrator's greeting. */
export const GREETING = "Welcome! v0.0.0 {} 0\n";

/** What a machine does for a command line; what it does not know it answers as a shell does. */
export function workOf<S extends Scene>({ programs, scripts }: Programs<S>, command: string): Work<S> {
  const script = scripts.get(command);
  if (script) return script;
  const line = parseCommand(command);
  const [program = command.trim(), ...args] = line?.words ?? [];
  if (program === "sh" && args[0] === "-c" && scripts.has(args[1] ?? "")) return scripts.get(args[1]!)!;
  return programs[program] ?? (() => failed(`bash: line 1: ${program.split("\n")[0]}: command not found`, 127));
}
