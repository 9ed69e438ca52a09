import { UserError } from "../common/errors";

/** A machine of which no host key is known, and none that can be checked. */
export class UnknownHost extends UserError {
  constructor(
    readonly machine: string,
    /** Where was looked. */
    readonly file: string,
    detail: { output: string },
  ) {
    super(`no host key of ${machine} is known`, { ...detail, hint: remedy([machine], file) });
  }
}

const remedy = (machines: readonly string[], file: string) => {
  const [key, it] = machines.length === 1 ? ["its key", "it"] : ["the key of each", "them"];
  const keys = machines.map((machine) => `hostKeys.${machine}`).join(", ");
  return `run \`npm run doctor -- --fetch-host-keys\`, which shows ${key}, to be compared on the machine's own console, and adds ${it} to ${file} after a yes; or give ${keys}`;
};

/** Looks at one thing after the other, and tells together what is wrong with them. */
export class LocalFacts {
  private readonly problems: UserError[] = [];

  /** What `look` gives, or `otherwise` where it finds something wrong: then {@link check} throws. */
  try<T>(look: () => T, otherwise: T): T {
    try {
      return look();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (!this.problems.some(({ message }) => message === error.message)) this.problems.push(error);
      return otherwise;
    }
  }

  /**
   * @param unknownHosts whether machines without a known host key are wrong. Default: true
   * @throws UserError with everything that was wrong
   */
  check({ unknownHosts = true } = {}): void {
    const [first, ...others] = summed(
      this.problems.filter((problem) => unknownHosts || !(problem instanceof UnknownHost)),
    );
    if (!first) return;
    if (others.length === 0) throw first;
    const output = [first, ...others].map(({ message }) => message).join("\n");
    const count = others.length + 1;
    throw new UserError(`${count} things on this machine are missing or wrong`, {
      output,
      hint: "correct them all, then run it again: nothing was made, and no machine was asked",
    });
  }
}

/** The unknown hosts as one problem. */
function summed(problems: readonly UserError[]): UserError[] {
  const hosts = problems.filter((problem) => problem instanceof UnknownHost);
  if (hosts.length < 2) return [...problems];
  const machines = hosts.map(({ machine }) => machine);
  const output = [...new Set(hosts.map(({ machine, detail }) => `${machine}: ${detail.output}`))].join("\n");
  const all = new UserError(`no host key of ${machines.join(", ")} is known`, {
    output,
    hint: remedy(machines, hosts[0]!.file),
  });
  return [...problems.filter((problem) => !(problem instanceof UnknownHost)), all];
}
