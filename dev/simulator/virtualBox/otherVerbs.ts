import type { Medium, VirtualBoxState } from "../state";
import { named } from "./arguments";
import type { Call, Verb } from "./call";
import { accessible, isUp } from "./machines";
import { writeSettings } from "./machineFiles";
import { closeMedium, createDisk, deleteMedium, openMedium, resizeDisk } from "./media";
import {
  printInaccessible,
  printMachines,
  printMedia,
  printMedium,
  printNetworks,
  printSystemProperties,
} from "./print";
import { misused } from "./refusal";

const list: Verb = ([what = "", option]) => ({
  look: (box) => {
    switch (what) {
      case "vms":
        return option === "--long" ? printInaccessible(box.machines) : printMachines(box.machines);
      case "runningvms":
        return printMachines(box.machines.filter(isUp));
      case "hdds":
        return printMedia(box, "disk");
      case "dvds":
        return printMedia(box, "dvd");
      case "hostonlyifs":
      case "bridgedifs":
      case "natnets":
        return printNetworks(box, what);
      case "systemproperties":
        return printSystemProperties(box);
      default:
        throw misused(`Unknown subcommand "${what}".`, 2);
    }
  },
});

const setproperty: Verb = ([property, value]) => ({
  work: (box) => {
    if (value === undefined) throw misused("Incorrect number of parameters", 2);
    if (property === "machinefolder") box.machineFolder = value;
    else if (property === "loghistorycount") box.logHistoryCount = Number(value);
    else if (property === "language") setLanguage(box, value);
    else throw misused(`Invalid parameter '${property}'`, 2);
  },
});

/** Without a value, it is the server's own again. */
function setLanguage(box: VirtualBoxState, value: string): void {
  if (value !== "" && !/^(C|[a-z]{2}(_[A-Z]{2})?)$/.test(value))
    throw misused("Code NS_ERROR_INVALID_ARG (0x80070057) - Invalid argument value (extended info not available)");
  box.language = value || "C";
}

/** `disk` or `dvd`, and the medium. */
function mediumIn([kind, key]: readonly string[]): { kind: Medium["kind"]; key: string } {
  if ((kind !== "disk" && kind !== "dvd") || key === undefined) throw misused("Not enough parameters", 2);
  return { kind, key };
}

const createmedium: Verb = (args) => {
  const { rest, option } = named(args, ["--filename", "--size", "--format", "--variant"]);
  const path = option("--filename");
  if (rest[0] !== "disk" || path === undefined) throw misused("Parameter --filename is required", 2);
  return {
    takes: "clone",
    hasProgress: true,
    begin: (box) => {
      const { uuid } = createDisk(box, path, option("--size"), option("--format"), option("--variant"));
      return () => `Medium created. UUID: ${uuid}\n`;
    },
  };
};

const modifymedium: Verb = (args) => {
  const { rest, option } = named(args, ["--resize"]);
  const { kind, key } = mediumIn(rest);
  return {
    takes: "clone",
    hasProgress: true,
    work: (box) => resizeDisk(box, openMedium(box, key, kind), Number(option("--resize"))),
  };
};

const showmediuminfo: Verb = (args) => {
  const { kind, key } = mediumIn(args);
  // A medium that is not registered is so from now on.
  return { work: (box) => printMedium(box, openMedium(box, key, kind)) };
};

const closemedium: Verb = (args) => {
  const { rest, has } = named(args, [], ["--delete"]);
  const { kind, key } = mediumIn(rest);
  return {
    hasProgress: has("--delete"),
    work: (box) => (has("--delete") ? deleteMedium : closeMedium)(box, openMedium(box, key, kind)),
  };
};

/** A map of texts that machines have. */
type Texts = "extraData" | "guestProperties";

/** `getextradata VM KEY` and the like; without a key, or with `enumerate`, it shows all. */
const get = (texts: Texts, [key, name]: readonly (string | undefined)[]): Call => {
  const print = (found: Record<string, string>) => {
    if (name !== undefined && name !== "enumerate")
      return Object.hasOwn(found, name) ? `Value: ${found[name]}\n` : "No value set!\n";
    const entries = Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1));
    return entries.map(([name, value]) => `Key: ${name}, Value: ${value}\n`).join("");
  };
  if (key === undefined) throw misused("Not enough parameters", 2);
  if (isGlobal(texts, key)) return { look: ({ extraData = {} }) => print(extraData) };
  return { needs: { machine: key, as: "looks" }, look: (box) => print(accessible(box, key)[texts]) };
};

/** `setextradata VM KEY VALUE` and the like; without a value, the key is gone. */
const set = (texts: Texts, [key, name, value]: readonly (string | undefined)[]): Call => {
  if (key === undefined || name === undefined) throw misused("Not enough parameters", 2);
  const change = (found: Record<string, string>) => {
    if (value === undefined || value === "") delete found[name];
    else found[name] = value;
  };
  if (isGlobal(texts, key)) return { work: (box) => change((box.extraData ??= {})) };
  return {
    needs: { machine: key, as: "shares" },
    work: (box) => {
      const machine = accessible(box, key);
      change(machine[texts]);
      writeSettings(machine);
    },
  };
};

/** Of VirtualBox itself, instead of a machine. */
const isGlobal = (texts: Texts, key: string) => texts === "extraData" && key === "global";

const guestproperty: Verb = ([action, ...rest]) => {
  if (action !== "get" && action !== "set") throw misused(`Invalid parameter '${action}'`, 2);
  return (action === "get" ? get : set)("guestProperties", rest);
};

/** What is done to media, to texts that machines have, and to VirtualBox itself, by the verb. */
export const otherVerbs: Record<string, Verb> = {
  "--version": () => ({ look: ({ version }) => `${version}\n` }),
  list,
  setproperty,
  createmedium,
  modifymedium,
  showmediuminfo,
  closemedium,
  getextradata: (args) => get("extraData", args),
  setextradata: (args) => set("extraData", args),
  guestproperty,
};
