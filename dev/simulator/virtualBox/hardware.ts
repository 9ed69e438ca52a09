import type { Machine, VirtualBoxState } from "../state";
import { type Arguments, readArguments } from "./arguments";
import { doorWords, setDoor } from "./doors";
import { checkMutable } from "./machines";
import { modifyNic, nicNumbers, nicOptions } from "./nics";
import { misused, refused } from "./refusal";
import { rename } from "./rename";

/** Options of `modifyvm` that are numbers: VirtualBox's name for what they set, its unit and its limits. */
const numbers: Record<
  string,
  { what: string; unit: string; from: number; to: number; component: "Machine" | "GraphicsAdapter" }
> = {
  cpus: { what: "virtual CPU count", unit: "", from: 1, to: 64, component: "Machine" },
  memory: { what: "RAM size", unit: " MB", from: 4, to: 2_097_152, component: "Machine" },
  vram: { what: "VRAM size", unit: " MB", from: 1, to: 256, component: "GraphicsAdapter" },
};

const bootDevices = ["none", "floppy", "dvd", "disk", "net"];

/** Taken, and of no consequence here. */
const ignored = ["cpuhotplug", "cpu-hotplug", "audio", "audio-driver"];

/** An option without its dashes: its name, and the number of its NIC. */
function parts(option: string): [name: string, nic?: string] {
  const [, name = "", number] = /^--(.*?)(\d*)$/.exec(option) ?? [];
  return nicOptions.includes(name) && number ? [name, number] : [option.slice(2)];
}

const isKnown = (option: string) => {
  const [name, nic] = parts(option);
  return (
    nic !== undefined ||
    Object.hasOwn(numbers, name) ||
    /^boot[1-4]$/.test(name) ||
    ["name", "description"].includes(name) ||
    ignored.includes(name)
  );
};

/** `modifyvm`'s options. @throws Refusal for one that is unknown */
export const readModifications = (args: readonly string[]): Arguments =>
  readArguments(args, (option, first) => isKnown(option) || doorWords(option.slice(2), first));

/** `modifyvm`. @throws Refusal for a value that is none, or a name whose place is taken */
export function modify(box: VirtualBoxState, machine: Machine, options: Arguments["options"]): void {
  checkMutable(machine);
  const nics = new Map<string, Map<string, string>>();
  for (const [option, value] of options) {
    const [name, nic] = parts(option);
    if (nic === undefined) set(machine, name, value);
    else nics.set(nic, (nics.get(nic) ?? new Map<string, string>()).set(name, value));
  }
  for (const [number, changes] of nics) {
    // VBoxManage prints that, and still exits with 0.
    if (!nicNumbers.includes(number)) throw misused(`Invalid NIC number ${number}`, 0);
    modifyNic(machine, number, changes);
  }
  const name = new Map(options).get("--name");
  if (name !== undefined) rename(box, machine, name);
}

function set(machine: Machine, name: string, value: string): void {
  const words = value.split("\0");
  if (doorWords(name, words[0]) !== undefined) return setDoor(machine, name, words);
  const number = numbers[name];
  if (number) checkNumber(Number(value), number);
  if (name.startsWith("boot") && !bootDevices.includes(value)) throw misused(`Invalid boot device '${value}'`, 2);
  if (name === "description") machine.description = value;
  else if (name !== "name") machine.settings[name] = value;
}

function checkNumber(value: number, { what, unit, from, to, component }: (typeof numbers)[string]): void {
  if (!Number.isInteger(value)) throw misused("");
  if (value >= from && value <= to) return;
  throw refused(
    `Invalid ${what}: ${value}${unit} (must be in range [${from}, ${to}]${unit})`,
    "NS_ERROR_INVALID_ARG",
    component,
  );
}
