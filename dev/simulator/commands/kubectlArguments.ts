/** A kubectl command line, taken apart. */
export interface KubectlArguments {
  verb: string;
  /** What is no flag: kind, names, changes. */
  operands: string[];
  /** By their long names; a switch is `true`. */
  flags: Readonly<Record<string, string>>;
}

const SHORT: Readonly<Record<string, string>> = { n: "namespace", o: "output", l: "selector", A: "all-namespaces" };

const VALUED = [
  "kubeconfig",
  "namespace",
  "output",
  "selector",
  "field-selector",
  "timeout",
  "grace-period",
  "field-manager",
  "filename",
  "raw",
];

const SWITCHES = [
  "all-namespaces",
  "ignore-not-found",
  "overwrite",
  "ignore-daemonsets",
  "delete-emptydir-data",
  "force",
  "server-side",
];

/**
 * Takes a command line apart.
 * @param args without the program
 * @returns kubectl's error for a flag that it, or the simulator, does not know
 */
export function kubectlArguments(args: readonly string[]): KubectlArguments | string {
  const operands: string[] = [];
  const flags: Record<string, string> = {};
  for (let at = 0; at < args.length; at++) {
    const [, dashes = "", given = "", value] = /^(--?)([A-Za-z-]+)(?:=(.*))?$/s.exec(args[at]!) ?? [];
    const name = dashes === "-" ? (SHORT[given] ?? given) : given;
    if (args[at] === "--") {
      operands.push(...args.slice(at + 1));
      break;
    }
    if (dashes === "") operands.push(args[at]!);
    else if (SWITCHES.includes(name)) flags[name] = value ?? "true";
    else if (VALUED.includes(name)) flags[name] = value ?? args[++at] ?? "";
    else return `error: unknown flag: ${args[at]}\nSee 'kubectl --help' for usage.`;
  }
  const [verb = "", ...rest] = operands;
  return { verb, operands: rest, flags };
}
