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

/** What a machine does for a command line; what it does not know it answers as a shell does. */
export function workOf<S extends Scene>({ programs, scripts }: Programs<S>, command: string): Work<S> {
  const script = scripts.get(command);
  if (script) return script;
  const line = parseCommand(command);
  const [program = command.trim(), ...args] = line?.words ?? [];
  if (program === "sh" && args[0] === "-c" && scripts.has(args[1] ?? "")) return scripts.get(args[1]!)!;
  return programs[program] ?? (() => failed(`bash: line 1: ${program.split("\n")[0]}: command not found`, 127));
}
