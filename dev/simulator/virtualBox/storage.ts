import { readCidata } from "../cidata";
import type { Drive, Machine, Medium, VirtualBoxState } from "../state";
import { checkMutable, isUp } from "./machines";
import { mediumOf, openMedium } from "./media";
import { misused, refused, Refusal } from "./refusal";

/** Controllers by their bus: the chip, ports as made and at most, devices a port. */
const buses: Partial<Record<string, { type: string; ports: number; mostPorts: number; devices: number }>> = {
  sata: { type: "IntelAhci", ports: 30, mostPorts: 30, devices: 1 },
  ide: { type: "PIIX4", ports: 2, mostPorts: 2, devices: 2 },
};

/** `storagectl --add`. @throws Refusal for a bus that it has already, or a name */
export function addController(
  machine: Machine,
  name: string | undefined,
  bus: string | undefined,
  ports: string | undefined,
): void {
  checkMutable(machine);
  if (name === undefined) throw misused("Too few parameters", 2);
  const kind = buses[bus ?? ""];
  if (!kind) throw misused(`Invalid --add argument '${bus}'`);
  if (machine.controllers.some((controller) => controller.name === name))
    throw refused(`Storage controller named '${name}' already exists`, "VBOX_E_OBJECT_IN_USE", "Machine");
  if (machine.controllers.some(({ type }) => type === kind.type))
    throw refused("Too many storage controllers of this type", "NS_ERROR_INVALID_ARG", "StorageController");
  machine.controllers.push({ name, type: kind.type, portCount: Number(ports ?? kind.ports) });
}

/** What `storageattach` is to do. */
export interface Attachment {
  controller: string;
  port: number;
  device: number;
  type?: string;
  /** A path or UUID, `emptydrive`, or `none`, which takes the drive away. */
  medium: string;
  /** Takes out also what the guest has mounted. */
  isForced?: boolean;
}

/** `storageattach`. On a machine with power only the medium of a DVD drive changes. @throws Refusal */
export function attach(box: VirtualBoxState, machine: Machine, wanted: Attachment): void {
  const controller = machine.controllers.find(({ name }) => name === wanted.controller);
  if (!controller) throw misused(`Could not find a controller named '${wanted.controller}'`);
  const is = machine.drives.find((drive) => isAt(drive, wanted));
  checkPower(machine, is, wanted);
  const others = machine.drives.filter((drive) => drive !== is);
  if (wanted.medium === "none") {
    if (!is) throw notThere(wanted);
    machine.drives = others;
    return;
  }
  checkSlot(controller, wanted);
  const drive = driveFor(box, wanted, is);
  controller.portCount = Math.max(controller.portCount, wanted.port + 1);
  machine.drives = [...others, drive];
  if (isUp(machine)) open(box, drive);
}

/** Opens the files of the discs of a machine that gets power. */
export const openDvds = (box: VirtualBoxState, { drives }: Machine) => drives.forEach((drive) => open(box, drive));

function open(box: VirtualBoxState, drive: Drive): void {
  if (drive.isDvd && drive.medium !== undefined)
    drive.opened = readCidata(mediumOf(box, drive.medium).location) ?? null;
}

const isAt = (drive: Drive, { controller, port, device }: Attachment) =>
  drive.controller === controller && drive.port === port && drive.device === device;

const notThere = ({ controller, port, device }: Attachment) =>
  refused(
    `No storage device attached to device slot ${device} on port ${port} of controller '${controller}'`,
    "VBOX_E_OBJECT_NOT_FOUND",
    "Machine",
  );

function checkPower(machine: Machine, is: Drive | undefined, wanted: Attachment): void {
  if (!isUp(machine)) return checkMutable(machine);
  if (is?.isDvd && wanted.medium !== "none" && wanted.type !== "hdd") return checkTray(machine, is, wanted);
  throw refused(
    `Controller '${wanted.controller}' does not support hot-plugging`,
    "VBOX_E_INVALID_VM_STATE",
    "Machine",
  );
}

/** In the words of 7.x where the guest has the disc mounted. */
function checkTray({ holdsDvds }: Machine, { medium }: Drive, wanted: Attachment): void {
  if (!holdsDvds || medium === undefined || wanted.isForced) return;
  const what =
    wanted.medium === "emptydrive"
      ? "unmount the currently mounted media/drive"
      : `mount the media/drive '${wanted.medium}'`;
  throw refused(`Could not ${what} (VERR_PDM_MEDIA_LOCKED)`, "NS_ERROR_FAILURE", "Console");
}

/** A port beyond those that the controller has is added to it, up to the most that it can have. */
function checkSlot({ type, portCount }: Machine["controllers"][number], { port, device }: Attachment): void {
  const { mostPorts, devices } = Object.values(buses).find((bus) => bus?.type === type)!;
  if (port < mostPorts && device < devices) return;
  const words = `port=${port} (must be in range [0, ${portCount - 1}]), device=${device} (must be in range [0, ${devices - 1}])`;
  throw refused(
    `The port and/or device parameter are out of range: ${words}`,
    "NS_ERROR_INVALID_ARG",
    "StorageController",
  );
}

function driveFor(box: VirtualBoxState, wanted: Attachment, is: Drive | undefined): Drive {
  const { controller, port, device, medium } = wanted;
  const slot = { controller, port, device };
  // Only a DVD drive can be empty, whatever it was said to be.
  if (medium === "emptydrive") return { ...slot, isDvd: true };
  const type = wanted.type ?? (is && (is.isDvd ? "dvddrive" : "hdd"));
  if (type === undefined) throw misused("Argument --type must be specified");
  if (type !== "hdd" && type !== "dvddrive") throw misused(`Invalid --type argument '${type}'`, 2);
  return { ...slot, isDvd: type === "dvddrive", medium: opened(box, medium, type === "hdd" ? "disk" : "dvd").uuid };
}

function opened(box: VirtualBoxState, medium: string, kind: Medium["kind"]): Medium {
  try {
    return openMedium(box, medium, kind);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const more = misused(`Invalid UUID or filename "${medium}"`).result.stderr;
    throw new Refusal({ ...error.result, stderr: error.result.stderr + more });
  }
}
