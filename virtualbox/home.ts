import { randomBytes } from "node:crypto";
import { homedir, hostname, userInfo } from "node:os";
import { join } from "node:path";
import { UserError } from "../common/errors";
import { isLocked, whileLocked } from "../common/lock";
import type { VBoxManage } from "./vboxManage";

/**
 * Which VirtualBox has a machine: every user, and every VBOX_USER_HOME, has one of its own, which knows nothing of the
 * others' machines.
 */
export interface VirtualBoxHome {
  /** Random, in VirtualBox's own settings: it stays when they move to another folder, and when the host is renamed. */
  id: string;
  /** For people: `user on ws1, /home/user/.config/VirtualBox`. */
  where: string;
}

/** Of a state that version 0.1.0 wrote, or an operation that was interrupted early. */
export const UNKNOWN_HOME: VirtualBoxHome = { id: "", where: "" };

/** The key of VirtualBox's global extra data. */
const ID_KEY = "vbox-kubeadm/id";

/** Its value is the id of a VirtualBox that is gone for good: what it had counts as gone too. */
export const FORGET_VARIABLE = "VBOX_KUBEADM_FORGET_VIRTUALBOX";

/** What stands for the id of {@link UNKNOWN_HOME} there. */
const UNKNOWN_ID = "unknown";

const idOf = (vbox: VBoxManage) => vbox.getExtraData("global", ID_KEY);

/**
 * The VirtualBox that is asked, or undefined where it has no id: then no machine was made in it since version 0.1.0.
 */
export async function virtualBoxHome(vbox: VBoxManage): Promise<VirtualBoxHome | undefined> {
  const id = await idOf(vbox);
  return id ? { id, where: whereHere() } : undefined;
}

/**
 * The VirtualBox of a machine that was found, with its mark, in the one that is asked: that one, as the machine may
 * have moved on purpose. One that has no id, or is the known one, leaves it as it was known.
 */
export async function homeWhereFound(
  vbox: VBoxManage,
  known: VirtualBoxHome | undefined,
): Promise<VirtualBoxHome | undefined> {
  const here = await virtualBoxHome(vbox);
  return here && here.id !== known?.id ? here : known;
}

/**
 * The VirtualBox that is asked; it gets an id where it has none.
 * @throws UserError where it does not keep it
 */
export async function ensureVirtualBoxHome(vbox: VBoxManage): Promise<VirtualBoxHome> {
  const key = [process.env.VBOX_USER_HOME, ID_KEY];
  const known = await virtualBoxHome(vbox);
  return known && !isLocked(key) ? known : whileLocked(key, "VirtualBox's id", () => giveId(vbox));
}

async function giveId(vbox: VBoxManage): Promise<VirtualBoxHome> {
  const given = await virtualBoxHome(vbox);
  if (given) return given;
  await vbox.setExtraData("global", ID_KEY, randomBytes(16).toString("hex"));
  const home = await virtualBoxHome(vbox);
  if (home) return home;
  throw new UserError("VirtualBox did not keep its id in its global extra data", {
    hint: "run VBoxManage getextradata global enumerate",
  });
}

/**
 * What it means that VirtualBox does not know a machine of the state.
 * @returns `gone`: it is the VirtualBox that had the machine; `forgotten`: it is another one, and the user said that
 * the first is gone for good
 * @throws OtherVirtualBox where it is another one
 */
export async function absenceOf(
  vbox: VBoxManage,
  { name, uuid }: { name: string; uuid: string },
  made: VirtualBoxHome = UNKNOWN_HOME,
): Promise<"gone" | "forgotten"> {
  const id = await idOf(vbox);
  if (made.id && made.id === id) return "gone";
  if (isForgotten(made)) return "forgotten";
  throw elsewhere(
    `VirtualBox has no machine ${name} (${uuid}), and may not be the one in which it was made; nothing was changed`,
    made,
    id,
  );
}

/**
 * Looks whether a stack's machine may be made in the VirtualBox that is asked.
 * @param homes the VirtualBoxes of the stack; none where it has none yet. One that the user said to be gone for good
 *   does not count
 * @param hasMachines whether the one that is asked has machines of the stack; not called where no other one counts
 * @throws OtherVirtualBox where it has none, and another one counts
 */
export async function checkNewHome(
  vbox: VBoxManage,
  homes: readonly VirtualBoxHome[],
  hasMachines: () => Promise<boolean>,
): Promise<void> {
  const known = homes.filter((home) => !isForgotten(home));
  if (known.length === 0) return;
  const id = await idOf(vbox);
  const other = known.find((home) => home.id !== id);
  if (other && !(await hasMachines()))
    throw elsewhere("would be made in another VirtualBox than the stack's machines; nothing was made", other, id);
}

/**
 * The error for a stack whose VirtualBox is not known, and that has no machine in the one that is asked.
 */
export async function stackNotFound(vbox: VBoxManage, stack: string): Promise<OtherVirtualBox> {
  const what = `VirtualBox has no machine of ${stack}, and may not be the one in which they were made`;
  return elsewhere(`${what}; nothing was changed`, UNKNOWN_HOME, await idOf(vbox));
}

/**
 * @throws OtherVirtualBox where something that is kept for a machine of one VirtualBox is to be changed by who asks
 * another one
 */
export async function checkHome(vbox: VBoxManage, what: string, made: VirtualBoxHome): Promise<void> {
  const id = await idOf(vbox);
  if (made.id !== id && !isForgotten(made))
    throw elsewhere(`${what} is for a machine of another VirtualBox; nothing was changed`, made, id);
}

/** Whether the user said that this VirtualBox is gone for good. */
export const isForgotten = ({ id }: VirtualBoxHome): boolean => process.env[FORGET_VARIABLE] === (id || UNKNOWN_ID);

function elsewhere(what: string, made: VirtualBoxHome, idHere: string | undefined): OtherVirtualBox {
  const word = made.id || UNKNOWN_ID;
  return new OtherVirtualBox(what, {
    output: `made in:   ${made.id ? `${made.where} (id ${made.id})` : "not known, as version 0.1.0 did not write it down"}\nasked now: ${whereHere()} (${idHere ? `id ${idHere}` : "without an id"})`,
    hint:
      "run this as that user, on that host, with the same VBOX_USER_HOME; where that VirtualBox or the machine is gone for good, " +
      `put this before the command: ${FORGET_VARIABLE}=${word} (as in: ${FORGET_VARIABLE}=${word} pulumi up --refresh)`,
  });
}

/** Another VirtualBox is asked than the one that has what is to be changed. */
export class OtherVirtualBox extends UserError {}

/** Who asks, where, and which settings VirtualBox has then. */
function whereHere(): string {
  return `${userInfo().username} on ${hostname()}, ${settingsFolder()}`;
}

/** Where VirtualBox keeps its settings (its manual, "Global configuration settings"). */
function settingsFolder(): string {
  const { VBOX_USER_HOME, XDG_CONFIG_HOME } = process.env;
  if (VBOX_USER_HOME) return VBOX_USER_HOME;
  if (process.platform === "win32") return join(homedir(), ".VirtualBox");
  if (process.platform === "darwin") return join(homedir(), "Library", "VirtualBox");
  return join(XDG_CONFIG_HOME || join(homedir(), ".config"), "VirtualBox");
}
