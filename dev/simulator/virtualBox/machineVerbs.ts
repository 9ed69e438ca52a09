import type { Delays, Machine, VirtualBoxState } from "../state";
import { named } from "./arguments";
import type { Call, Outcome, Verb } from "./call";
import { cloneDisks, findSnapshot, takeSnapshot } from "./clone";
import { filterUsb, shareFolder } from "./doors";
import { modify, readModifications } from "./hardware";
import { accessible, type Need, registered } from "./machines";
import { writeSettings } from "./machineFiles";
import { control, discardState, start } from "./power";
import { printMachine } from "./print";
import { misused } from "./refusal";
import { createMachine, deleteFiles, forgetDisks, registerMachine, unregister } from "./registration";
import { addController, attach } from "./storage";

/** The first argument, which names the machine. */
function first([key]: readonly string[]): string {
  if (key === undefined) throw misused("Not enough parameters", 2);
  return key;
}

/** Work on one machine. */
const on = (
  machine: string,
  as: Need,
  work: (machine: Machine, box: VirtualBoxState, delays: Delays) => Outcome,
): Call => ({
  needs: { machine, as },
  work: (box, delays) => work(accessible(box, machine), box, delays),
});

const createvm: Verb = (args) => {
  const { option, has } = named(args, ["--name", "--ostype", "--basefolder", "--uuid"], ["--register"]);
  const wish = {
    name: option("--name"),
    osType: option("--ostype"),
    baseFolder: option("--basefolder"),
    uuid: option("--uuid"),
  };
  return { work: (box) => createMachine(box, { ...wish, register: has("--register") }) };
};

const clonevm: Verb = (args) => {
  const { rest, option, has } = named(
    args,
    ["--mode", "--snapshot", "--options", "--name", "--uuid", "--basefolder"],
    ["--register"],
  );
  const base = first(rest);
  if ((option("--mode") ?? "machine") !== "machine") throw misused("Invalid clone mode", 2);
  const wish = {
    name: option("--name"),
    uuid: option("--uuid"),
    baseFolder: option("--basefolder"),
    snapshot: option("--snapshot"),
  };
  return {
    needs: { machine: base, as: "shares" },
    takes: "clone",
    hasProgress: true,
    begin: (box) => {
      const clone = cloneDisks(box, accessible(box, base), {
        ...wish,
        isLinked: option("--options")?.toLowerCase() === "link",
      });
      return (later) => {
        writeSettings(clone);
        if (has("--register")) registerMachine(later, clone);
        return `Machine has been successfully cloned as "${clone.name}"\n`;
      };
    },
  };
};

const unregistervm: Verb = (args) => {
  const { rest, has } = named(args, [], ["--delete"]);
  return {
    needs: { machine: first(rest), as: "unregisters" },
    hasProgress: has("--delete"),
    begin: (box) => {
      const gone = unregister(box, registered(box, first(rest)));
      return (later) => (has("--delete") ? deleteFiles(later, gone) : forgetDisks(later, gone));
    },
  };
};

const showvminfo: Verb = (args) => {
  const { rest } = named(args, [], ["--machinereadable"]);
  return {
    needs: { machine: first(rest), as: "looks" },
    look: (box) => printMachine(box, accessible(box, first(rest))),
  };
};

const modifyvm: Verb = (args) => {
  const { rest, options } = readModifications(args);
  if (options.length === 0) throw misused("Not enough parameters", 2);
  return on(first(rest), "writes", (machine, box) => modify(box, machine, options));
};

const storagectl: Verb = (args) => {
  const { rest, option } = named(args, ["--name", "--add", "--controller", "--portcount"]);
  return on(first(rest), "writes", (machine) =>
    addController(machine, option("--name"), option("--add"), option("--portcount")),
  );
};

const storageattach: Verb = (args) => {
  const { rest, option, has } = named(
    args,
    ["--storagectl", "--port", "--device", "--type", "--medium"],
    ["--forceunmount"],
  );
  const [controller, port, device] = [
    option("--storagectl") ?? "",
    Number(option("--port") ?? 0),
    Number(option("--device") ?? 0),
  ];
  const wanted = {
    controller,
    port,
    device,
    type: option("--type"),
    medium: option("--medium") ?? "none",
    isForced: has("--forceunmount"),
  };
  return on(first(rest), "shares", (machine, box) => attach(box, machine, wanted));
};

const startvm: Verb = (args) => {
  const { rest } = named(args, ["--type"]);
  return on(first(rest), "shares", (machine, box) => {
    start(box, machine);
    return `Waiting for VM "${machine.name}" to power on...\nVM "${machine.name}" has been successfully started.\n`;
  });
};

/** It goes to the machine's own process, past all sessions. */
const controlvm: Verb = (args) =>
  on(first(args), "looks", (machine, _box, delays) => control(machine, args.slice(1), delays));

/** Also of a running machine its settings are changed past its session, which is refused. */
const sharedfolder: Verb = (args) => {
  const { rest, option } = named(args, ["--name", "--hostpath"], ["--readonly", "--automount"]);
  const [action, key] = rest;
  if ((action !== "add" && action !== "remove") || key === undefined) throw misused("Not enough parameters", 2);
  return on(key, "writes", (machine) =>
    shareFolder(machine, action, option("--name") ?? "", option("--hostpath") ?? ""),
  );
};

const usbfilter: Verb = (args) => {
  const { rest, option } = named(args, ["--target", "--name", "--vendorid", "--productid", "--active"]);
  const [action, index] = rest;
  if ((action !== "add" && action !== "remove") || index === undefined) throw misused("Not enough parameters", 2);
  return on(option("--target") ?? "", "shares", (machine) =>
    filterUsb(machine, action, Number(index), option("--name") ?? ""),
  );
};

const discardstate: Verb = (args) => on(first(args), "writes", discardState);

/** The first line of what VBoxManage prints about a snapshot. */
function printSnapshot(machine: Machine, key: string): string {
  findSnapshot(machine, key);
  return `Name:                        ${machine.name}\n`;
}

const snapshot: Verb = (args) => {
  const { rest, option } = named(args, ["--description"]);
  const [key, action, name] = rest;
  if (action === "showvminfo" && name !== undefined) {
    return {
      needs: { machine: first([key!]), as: "looks" },
      look: (box) => printSnapshot(accessible(box, key!), name),
    };
  }
  if (action !== "take" || name === undefined)
    throw misused("Invalid parameter: of snapshots, only taking and showing them is simulated", 2);
  const take = on(first([key!]), "writes", (machine, box) => {
    return `Snapshot taken. UUID: ${takeSnapshot(box, machine, name, option("--description")).uuid}\n`;
  });
  return { ...take, hasProgress: true };
};

/** What is done to machines, by the verb. */
export const machineVerbs: Record<string, Verb> = {
  createvm,
  clonevm,
  unregistervm,
  showvminfo,
  modifyvm,
  storagectl,
  storageattach,
  startvm,
  controlvm,
  sharedfolder,
  usbfilter,
  discardstate,
  snapshot,
};
