import { isIPv4 } from "node:net";
import { UserError } from "../common/errors";
import { lastLines } from "../common/exec";

/**
 * VBoxManage succeeded, and what it printed is not what this program knows: it says nothing about what is or is not
 * there.
 */
export class NotUnderstood extends UserError {
  /**
   * @param call the call as it is shown, or what it shows
   * @param language what VirtualBox speaks, where that is known to be the reason
   */
  constructor(
    readonly call: string,
    readonly output: string,
    language?: string,
  ) {
    const hint = language
      ? "make VirtualBox speak English: VBoxManage setproperty language C"
      : "run it by hand and look at its output; where that is not in English: VBoxManage setproperty language C";
    super(
      language
        ? `VirtualBox speaks ${language}, and this program reads English only`
        : `${call} printed what this program does not understand`,
      {
        output: `${language ? `${call} printed:\n` : ""}${lastLines(output, 5) || "(nothing)"}`,
        hint,
      },
    );
  }
}

/**
 * What was printed, without the warning of Debian's wrapper that VirtualBox's kernel driver is missing: it comes before
 * every answer.
 */
export const withoutWarning = (output: string) => output.replace(/^WARNING:.*\r?\n?(?:(?:[ \t].*)?(?:\r?\n|$))*/, "");

/**
 * Reads what `getextradata` and `guestproperty get` print of one value: `Value: X`, or `No value set!`.
 * @throws NotUnderstood for anything else
 */
export function readValue(call: string, output: string): string | undefined {
  const values = new Set([...output.matchAll(/^Value: (.*?)\r?$/gm)].map(([, value]) => value!));
  const isAbsent = /^No value set!\r?$/m.test(output);
  if (values.size + (isAbsent ? 1 : 0) !== 1) throw new NotUnderstood(call, output);
  return values.values().next().value;
}

/**
 * Reads one line of what `list systemproperties` prints, `NAME: value`.
 * @throws NotUnderstood where there is none, or more than one value
 */
export function readSystemProperty(output: string, name: string): string {
  const values = new Set(
    [...output.matchAll(new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*\\r?$`, "gm"))].map(([, value]) => value!),
  );
  const [value] = values;
  if (values.size !== 1 || !value) throw new NotUnderstood("VBoxManage list systemproperties", output);
  return value;
}

/**
 * The labels of the same property, `User language`, in the languages that VBoxManage 7.2's translations cover. It is
 * absent before 7.0. A server that cannot load the language that it is given goes on in the one before: so this name
 * explains an answer, and does not judge one.
 */
const LANGUAGE = /^(?:User language|Idioma de l'usuari|Пользовательский язык):[ \t]*(\S+)/m;

/**
 * The language that VirtualBox was told to speak, as `ca` or `ca_ES`; undefined for English, and where it is not
 * printed.
 */
export function languageIn(systemProperties: string): string | undefined {
  const code = LANGUAGE.exec(systemProperties)?.[1];
  if (!code || /^(C|en)(_|$)/.test(code)) return undefined;
  return code;
}

/** A language for people: `Catalan (ca)`. */
export function nameOfLanguage(code: string): string {
  try {
    const name = new Intl.DisplayNames(["en"], { type: "language" }).of(code.replace("_", "-"));
    return name && name !== code ? `${name} (${code})` : code;
  } catch {
    return code;
  }
}

/**
 * UUIDs of the registered machines whose settings VirtualBox cannot read, from `list vms`: `"<inaccessible>" {UUID}`,
 * or the word in another language.
 * @throws NotUnderstood for a line of another form
 */
export function inaccessibleIn(listVms: string): string[] {
  const lines = withoutWarning(listVms).split(/\r?\n/).filter(Boolean);
  const machines = lines.map((line) => /^"(.*)" \{([0-9a-f-]{36})\}$/.exec(line));
  if (machines.includes(null)) throw new NotUnderstood("VBoxManage list vms", listVms);
  return [...new Set(machines.flatMap((match) => (/^<.*>$/.test(match![1]!) ? [match![2]!] : [])))];
}

/**
 * The settings files of these machines, by UUID, from `list vms --long`.
 * @throws NotUnderstood where one has none
 */
export function readInaccessibleFiles(listVmsLong: string): Map<string, string> {
  const machines = [
    ...listVmsLong.matchAll(/^Name: +<inaccessible!>\r?\nUUID: +([0-9a-f-]{36})\r?\n(?:Config file: +(\S.*?)\r?$)?/gm),
  ];
  if (machines.some(([, , file]) => file === undefined))
    throw new NotUnderstood("VBoxManage list vms --long", listVmsLong);
  return new Map(machines.map(([, uuid, file]) => [uuid!, file!]));
}

/** A network or adapter that VirtualBox lists. */
export interface ListedNetwork {
  name: string;
  /** Its IPv4 address; undefined where it has none, or its list shows none. */
  address?: string;
}

/**
 * Reads `list hostonlyifs`, `bridgedifs`, `hostonlynets` and `natnets`: blocks of `KEY: value` between empty lines,
 * each with one name.
 * @throws NotUnderstood for a block without one
 */
export function readNetworks(output: string): ListedNetwork[] {
  const blocks = withoutWarning(output)
    .split(/(?:\r?\n){2,}/)
    .filter((block) => block.trim() !== "");
  return blocks.map((block) => {
    const value = (key: string) => new RegExp(`^${key}:[ \\t]+(.*?)[ \\t]*\\r?$`, "m").exec(block)?.[1];
    const name = value("Name") ?? value("NetworkName");
    if (!name) throw new NotUnderstood("VBoxManage list of networks", output);
    const address = value("IPAddress");
    return { name, ...(address !== undefined && isIPv4(address) && address !== "0.0.0.0" && { address }) };
  });
}

/**
 * The names of the machines in `list vms` and `list runningvms`.
 * @throws NotUnderstood for a line of another form
 */
export function readMachineNames(output: string): string[] {
  const lines = withoutWarning(output).split(/\r?\n/).filter(Boolean);
  return lines.map(
    (line) => /^"(.*)" \{[0-9a-f-]{36}\}$/.exec(line)?.[1] ?? notUnderstood("VBoxManage list vms", output),
  );
}

function notUnderstood(call: string, output: string): never {
  throw new NotUnderstood(call, output);
}
