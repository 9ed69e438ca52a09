import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import type { Machine, Medium, VirtualBoxState } from "../state";
import { isUp } from "./machines";
import { deleteFile, hasFile, readMedium, writeDisk } from "./mediumFile";
import { failed, misused, Refusal, refused } from "./refusal";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A registered medium by its path or UUID, or undefined. */
export const lookUpMedium = ({ media }: VirtualBoxState, key: string) =>
  media.find(({ uuid, location }) => uuid === key.toLowerCase() || location === resolve(key));

/** The registered medium of a drive. */
export const mediumOf = ({ media }: VirtualBoxState, uuid: string): Medium =>
  media.find((medium) => medium.uuid === uuid)!;

/**
 * A medium by its path or UUID. One that is not registered is by being opened.
 * @throws Refusal where there is no such file, or it is of the other kind
 */
export function openMedium(box: VirtualBoxState, key: string, kind: Medium["kind"]): Medium {
  const found = lookUpMedium(box, key) ?? openFile(box, key);
  if (found.kind === kind) return found;
  const [wanted, is] = kind === "disk" ? ["HDD", "DVD"] : ["DVD", "HDD"];
  throw refused(
    `The medium '${found.location}' can't be used as the requested device type (${wanted}, detected ${is})`,
    "NS_ERROR_FAILURE",
    "Medium",
  );
}

function openFile(box: VirtualBoxState, key: string): Medium {
  if (UUID.test(key)) throw refused(`The given path '${key}' is not fully qualified`, "VBOX_E_FILE_ERROR", "Medium");
  const location = isAbsolute(key) ? key : resolve(key);
  if (!existsSync(location))
    throw refused(
      `Could not find file for the medium '${location}' (VERR_FILE_NOT_FOUND)`,
      "VBOX_E_FILE_ERROR",
      "Medium",
    );
  const medium = readMedium(location);
  box.media.push(medium);
  return medium;
}

/** The machines that a medium is attached to, now or in a snapshot. */
export const usersOf = ({ machines }: VirtualBoxState, { uuid }: Medium) =>
  machines.filter((machine) => mediaOf(machine).includes(uuid));

/** UUIDs of all media of a machine, those of its snapshots too, the newest first. */
export const mediaOf = ({ drives, snapshots }: Machine) => [
  ...new Set(
    [drives, ...snapshots.map((snapshot) => snapshot.drives).reverse()].flat().flatMap(({ medium }) => medium ?? []),
  ),
];

/** Makes and registers a disk. @throws Refusal where its file is in the way, or a value is none */
export function createDisk(
  box: VirtualBoxState,
  path: string,
  size: string | undefined,
  format = "VDI",
  variant = "Standard",
): Medium {
  if (!/^\d+$/.test(size ?? ""))
    throw misused("--size: RTGetOpt: Command line option has argument with bad format.", 2);
  if (Number(size) === 0) throw misused("Parameter --size is required", 2);
  if (!isVariant(variant)) throw misused(`Invalid medium variant '${variant}'`, 2);
  if (!isFormat(format)) throw refused(`Invalid medium storage format '${format}'`, "NS_ERROR_INVALID_ARG", "Medium");
  const location = resolve(path);
  if (existsSync(location)) {
    const words = [`Could not create the medium storage unit '${location}'.`, inTheWay(location, format, variant)];
    throw failed("Failed to create medium", words, "VBOX_E_FILE_ERROR", "Medium");
  }
  if (box.isDiskFull) {
    const words = [
      `Could not create the medium storage unit '${location}'.`,
      `${format}: setting image size failed for '${location}' (VERR_DISK_FULL)`,
    ];
    throw failed("Failed to create medium", words, "VBOX_E_FILE_ERROR", "Medium");
  }
  return addDisk(box, { location, format, variant, sizeMb: Number(size) });
}

/** What VirtualBox says where a disk is to be made and a file is there already. */
export function inTheWay(location: string, format: Medium["format"], variant: Medium["variant"]): string {
  const vmdk = `could not create new ${variant === "Fixed" ? "sparse descriptor " : ""}file`;
  return `${format}: ${format === "VMDK" ? vmdk : "cannot create image"} '${location}' (VERR_ALREADY_EXISTS)`;
}

const isFormat = (format: string): format is "VDI" | "VMDK" | "VHD" => ["VDI", "VMDK", "VHD"].includes(format);
const isVariant = (variant: string): variant is Medium["variant"] => ["Standard", "Fixed"].includes(variant);

/** Registers a new disk and writes its file. */
export function addDisk(box: VirtualBoxState, disk: Omit<Medium, "uuid" | "kind">): Medium {
  const medium: Medium = { uuid: randomUUID(), kind: "disk", ...disk };
  box.media.push(medium);
  writeDisk(medium);
  return medium;
}

/** A medium in a machine's `Snapshots` that holds the differences from `parent`. */
export function addDifferences(
  box: VirtualBoxState,
  machineFolder: string,
  { uuid: parent, format, sizeMb, guest }: Medium,
): Medium {
  const uuid = randomUUID();
  const location = join(machineFolder, "Snapshots", `{${uuid}}.${format.toLowerCase()}`);
  const medium: Medium = {
    uuid,
    parent,
    kind: "disk",
    location,
    format,
    variant: "Standard",
    sizeMb,
    ...(guest && { guest: structuredClone(guest) }),
  };
  box.media.push(medium);
  writeDisk(medium);
  return medium;
}

/**
 * Makes a disk larger. A growing VMDK stays as it is, and VirtualBox says nothing.
 * @throws Refusal for what cannot be done to it
 */
export function resizeDisk(box: VirtualBoxState, medium: Medium, sizeMb: number): void {
  const { location, format, variant } = medium;
  if (usersOf(box, medium).some(isUp))
    throw refused(
      `Medium '${location}' is locked for writing by another task`,
      "VBOX_E_INVALID_OBJECT_STATE",
      "Medium",
    );
  const refuse = (words: string) =>
    failed("Failed to resize medium", [`${words} for medium '${location}'`], "VBOX_E_NOT_SUPPORTED", "Medium");
  if (sizeMb < medium.sizeMb) throw refuse("Shrinking is not yet supported");
  const kind = `${format} ${variant}`;
  if (kind === "VMDK Standard" || sizeMb === medium.sizeMb) return;
  if (!["VDI Standard", "VHD Standard", "VMDK Fixed"].includes(kind))
    throw refuse(`Resizing to new size ${sizeMb * 1024 ** 2} is not yet supported`);
  medium.sizeMb = sizeMb;
}

/** Takes a medium out of the registry. Its file stays. @throws Refusal where a machine or another medium needs it */
export function closeMedium(box: VirtualBoxState, medium: Medium): void {
  const refuse = (words: string) => refused(words, "VBOX_E_OBJECT_IN_USE", "Medium");
  const users = usersOf(box, medium).length;
  if (users > 0)
    throw refuse(
      `Medium '${medium.location}' cannot be closed because it is still attached to ${users} virtual machines`,
    );
  const children = childrenOf(box, medium).length;
  if (children > 0) throw refuse(`Cannot close medium '${medium.location}' because it has ${children} child media`);
  if (medium.kind === "disk" && hasFile(medium)) writeDisk(medium);
  box.media = box.media.filter(({ uuid }) => uuid !== medium.uuid);
}

/** Takes a disk out of the registry, and deletes its file. @throws Refusal as {@link closeMedium} does */
export function deleteMedium(box: VirtualBoxState, medium: Medium): void {
  try {
    closeMedium(box, medium);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw cannotDelete(medium, usersOf(box, medium), error);
  }
  deleteFile(medium);
}

/** VBoxManage goes on after a first refusal, and meets that to close. */
function cannotDelete({ location }: Medium, users: readonly Machine[], closing: Refusal): Refusal {
  const words = `Cannot delete storage: medium '${location}' is still attached to the following ${users.length} virtual machine(s): `;
  const deleting =
    users.length > 0
      ? refused(words + users.map(({ uuid }) => uuid).join(" "), "VBOX_E_OBJECT_IN_USE", "Medium")
      : closing;
  const between = misused("Failed to delete medium. Error code VBOX_E_OBJECT_IN_USE");
  return new Refusal({
    ...closing.result,
    stderr: [deleting, between, closing].map(({ result }) => result.stderr).join(""),
  });
}

/** The media that hold differences from this one. */
export const childrenOf = ({ media }: VirtualBoxState, { uuid }: Medium) =>
  media.filter(({ parent }) => parent === uuid);
