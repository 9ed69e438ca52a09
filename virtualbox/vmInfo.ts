import { type OpenDoor, openDoors } from "./doors";
import { UserError } from "../common/errors";
import type { Nic } from "./machine";
import { parseMachineReadable } from "./machineReadable";
import { type Condition, conditionOf } from "./machineState";
import { nicKind, nicTypeOf } from "./nicKinds";

/** A machine as VirtualBox reports it. */
export interface VmInfo {
  uuid: string;
  name: string;
  /** In VirtualBox's words, such as `running`. */
  state: string;
  /** What the state allows. */
  condition: Condition;
  /** Path of the settings file, in the machine's folder. */
  settingsFile: string;
  /** Folder of VBox.log. */
  logFolder: string;
  /** `x86`, or `ARM`; before 7.1 VirtualBox does not print it, as it knows only the first. */
  architecture: string;
  cpus: number;
  memoryMb: number;
  vramMb: number;
  /** By their number from 1, up to the last that is in use. One between them may be `none`. */
  nics: ObservedNic[];
  controllers: Controller[];
  attachments: Attachment[];
  /** Its open doors to the host. */
  doors: OpenDoor[];
}

/** A network adapter as it is reported: its type may be one that we do not make, such as `none` or `generic`. */
export type ObservedNic = Omit<Nic, "type"> & {
  type: string;
  /** There where its cable is unplugged. */
  cable?: "unplugged";
};

/** A storage controller. */
export interface Controller {
  name: string;
  /** The chip, such as `IntelAhci` or `PIIX4`. */
  type: string;
}

/** A drive on a storage controller. */
export interface Attachment {
  controller: string;
  port: number;
  device: number;
  /** Path of the medium in it, or `emptydrive`. */
  medium: string;
  /** The medium's UUID; undefined in an empty drive. */
  uuid?: string;
  /** Whether it is a DVD drive. */
  isDvd: boolean;
}

/**
 * Reads the output of `showvminfo --machinereadable`.
 * @throws UserError for a machine whose settings VirtualBox cannot read, or whose state is unknown
 */
export function readVmInfo(output: string): VmInfo {
  const values = parseMachineReadable(output);
  if (values.get("name") === "<inaccessible>") throw new InaccessibleVm(values.get("UUID") ?? "?");
  const value = (key: string) => values.get(key) ?? missing(key);
  const state = value("VMState");
  if (!LAST_LINE.test(output)) missing("GuestMemoryBalloon");
  const number = (key: string) => (/^\d+$/.test(value(key)) ? Number(value(key)) : missing(key));
  const controllers = controllersOf(values);
  return {
    uuid: value("UUID"),
    name: value("name"),
    state,
    condition: conditionOf(state),
    settingsFile: value("CfgFile"),
    logFolder: value("LogFldr"),
    architecture: values.get("platformArchitecture") ?? "x86",
    cpus: number("cpus"),
    memoryMb: number("memory"),
    vramMb: number("vram"),
    nics: nicsOf(values),
    controllers,
    attachments: controllers.flatMap(({ name }) => attachmentsOf(values, name)),
    doors: openDoors(values),
  };
}

/**
 * The last line that every machine has, behind all that describes it: without it, what is read before may be cut short.
 */
const LAST_LINE = /^GuestMemoryBalloon=/m;

/** The settings file of a machine is missing or damaged: it is registered, and that is all that VirtualBox knows. */
export class InaccessibleVm extends UserError {
  constructor(uuid: string) {
    super(`VirtualBox cannot read the settings of the machine ${uuid}`, {
      hint: `bring its .vbox file back (the .vbox-prev beside it has the settings from before the last change), or, if its files are gone for good, VBoxManage unregistervm ${uuid}`,
    });
  }
}

function missing(key: string): never {
  throw new UserError(`VBoxManage showvminfo printed no ${key}`, {
    hint: "run it by hand with --machinereadable and look what is wrong with the machine",
  });
}

/** PIIX3 has 8, ICH9 36, and each is printed whether it is in use or not. */
function nicsOf(values: Map<string, string>): ObservedNic[] {
  const nics: ObservedNic[] = [];
  for (let number = 1; values.has(`nic${number}`); number++) nics.push(nicOf(values, number));
  const used = nics.findLastIndex(({ type }) => type !== "none");
  return nics.slice(0, used + 1);
}

function nicOf(values: Map<string, string>, number: number): ObservedNic {
  const type = nicTypeOf(values.get(`nic${number}`)!.toLowerCase());
  const key = nicKind(type)?.network?.printed;
  const network = key && values.get(`${key}${number}`);
  return {
    type,
    ...(network !== undefined && { network }),
    mac: (values.get(`macaddress${number}`) ?? (type === "none" ? "" : missing(`macaddress${number}`))).toUpperCase(),
    ...(values.get(`cableconnected${number}`) === "off" && { cable: "unplugged" }),
  };
}

function controllersOf(values: Map<string, string>): Controller[] {
  const controllers: Controller[] = [];
  for (let i = 0; values.has(`storagecontrollername${i}`); i++) {
    controllers.push({
      name: values.get(`storagecontrollername${i}`)!,
      type: values.get(`storagecontrollertype${i}`) ?? "",
    });
  }
  return controllers;
}

function attachmentsOf(values: Map<string, string>, controller: string): Attachment[] {
  return [...values].flatMap(([key, medium]) => {
    const [, port, device] =
      (key.startsWith(`${controller}-`) && /^(\d+)-(\d+)$/.exec(key.slice(controller.length + 1))) || [];
    if (port === undefined || medium === "none") return [];
    const uuid = values.get(`${controller}-ImageUUID-${port}-${device}`);
    // Only a removable medium can be ejected; older versions leave that out for an empty drive.
    const isDvd =
      medium === "emptydrive" || values.has(`${controller}-tempeject-${port}-${device}`) || /\.iso$/i.test(medium);
    return [{ controller, port: Number(port), device: Number(device), medium, ...(uuid && { uuid }), isDvd }];
  });
}
