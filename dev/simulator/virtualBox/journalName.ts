import { basename, dirname } from "node:path";
import type { VirtualBoxState } from "../state";
import { lookUp } from "./machines";
import { lookUpMedium } from "./media";

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;

/**
 * What tells one call of a verb from another, of its arguments behind the machine: words, and options whose values
 * count.
 */
const telling: Partial<Record<string, readonly string[]>> = {
  createvm: ["--name"],
  clonevm: ["--name"],
  storagectl: ["--name"],
  storageattach: ["--storagectl", "--port", "--device", "--medium"],
  createmedium: ["--filename"],
};

/** Verbs whose first argument is a machine. */
const aboutMachines = /vm(info)?$|^(storage|snapshot|discardstate|getextradata|setextradata)/;

/**
 * What a call is called in the journal: the verb, and the names of what it is about. UUIDs, folders and values, which
 * another run does not have again, are not in it.
 */
export function journalName(box: VirtualBoxState, [verb = "", ...args]: readonly string[]): string {
  const words = args.filter((arg, i) => !arg.startsWith("--") && !args[i - 1]?.startsWith("--"));
  const options = (telling[verb] ?? []).flatMap((name) => args[args.indexOf(name) + 1 || args.length] ?? []);
  const machineAt = ["guestproperty", "sharedfolder"].includes(verb) ? 1 : aboutMachines.test(verb) ? 0 : -1;
  // The third word of a call that sets something is the value.
  const names = words
    .slice(0, verb === "guestproperty" ? 3 : 2)
    .map((word, i) => (i === machineAt ? machineName(box, word) : nameOf(box, word)));
  return ["VBoxManage", verb, ...names, ...options.map((option) => nameOf(box, option))].join(" ");
}

const machineName = (box: VirtualBoxState, key: string) => lookUp(box, key)?.name ?? withoutUuid(key);

/** A medium is called by its file and the folder that this lies in, any other word by itself. */
function nameOf(box: VirtualBoxState, word: string): string {
  const path = lookUpMedium(box, word)?.location ?? word;
  if (!path.startsWith("/") || path.startsWith("/VirtualBox/")) return withoutUuid(path);
  const folder = dirname(path).replace(/\/Snapshots$/, "");
  return withoutUuid(`${basename(folder)}/${basename(path)}`);
}

const withoutUuid = (text: string) => text.replace(UUID, "…");
