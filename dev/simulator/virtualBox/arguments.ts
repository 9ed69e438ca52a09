import { misused } from "./refusal";

/** A call's arguments behind its verb. */
export interface Arguments {
  /** Those that are no option and no option's value. */
  rest: string[];
  /**
   * Each option as it was given, such as `--cpus`, with its value; `""` for one that has none. Several words follow
   * each other, after NULs.
   */
  options: [name: string, value: string][];
}

/**
 * Tells options from the rest, `--name value` and `--name=value` alike.
 * @param takesValue whether an option takes a value, or how many words it takes, by the first; undefined where it is
 * unknown
 * @throws Refusal for an option that is unknown or lacks its value
 */
export function readArguments(
  args: readonly string[],
  takesValue: (name: string, first: string) => boolean | number | undefined,
): Arguments {
  const read: Arguments = { rest: [], options: [] };
  for (let i = 0; i < args.length; i++) {
    const [, name = "", , value] = /^(--[^=]+)(=([^]*))?$/.exec(args[i]!) ?? [];
    const takes = name && takesValue(name, value ?? args[i + 1] ?? "");
    if (takes === undefined) throw misused(`Unknown option: ${args[i]}`);
    if (!name) read.rest.push(args[i]!);
    else if (!takes) read.options.push([name, ""]);
    else if (value === undefined && i + 1 >= args.length)
      throw misused(`${name}: RTGetOpt: Command line option needs argument.`);
    else {
      const words = [value ?? args[++i]!];
      while (words.length < Number(takes)) {
        if (i + 1 >= args.length) throw misused(`${name}: RTGetOpt: Command line option needs argument.`);
        words.push(args[++i]!);
      }
      read.options.push([name, words.join("\0")]);
    }
  }
  return read;
}

/** Arguments whose options each come once; `flags` take no value. */
export function named(args: readonly string[], options: readonly string[], flags: readonly string[] = []) {
  const read = readArguments(args, (name) => (flags.includes(name) ? false : options.includes(name) || undefined));
  const values = new Map(read.options);
  return { rest: read.rest, option: (name: string) => values.get(name), has: (name: string) => values.has(name) };
}
