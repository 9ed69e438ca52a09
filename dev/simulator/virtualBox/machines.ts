import type { Machine, VirtualBoxState } from "../state";
import { isWhole } from "./machineFiles";
import { locked, refused } from "./refusal";

const UUID = /^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$/i;

/** Whether VirtualBox can read the machine's settings. One that it cannot read has no name any more. */
export const isAccessible = ({ settingsFile }: Machine) => isWhole(settingsFile);

/** A registered machine by its name or UUID, or undefined. */
export function lookUp({ machines }: VirtualBoxState, key: string): Machine | undefined {
  const uuid = UUID.exec(key)?.[1]?.toLowerCase();
  return (
    machines.find((machine) => machine.uuid === uuid) ??
    machines.find((machine) => machine.name === key && isAccessible(machine))
  );
}

/** @throws Refusal where there is none */
export function registered(box: VirtualBoxState, key: string): Machine {
  const machine = lookUp(box, key);
  if (machine) return machine;
  const what = UUID.test(key) ? `with UUID {${UUID.exec(key)![1]}}` : `named '${key}'`;
  throw refused(`Could not find a registered machine ${what}`, "VBOX_E_OBJECT_NOT_FOUND", "VirtualBox");
}

/** @throws Refusal where there is none, or its settings cannot be read */
export function accessible(box: VirtualBoxState, key: string): Machine {
  const machine = registered(box, key);
  if (!isAccessible(machine)) throw refused("The object functionality is limited", "E_ACCESSDENIED", "Machine");
  return machine;
}

/** Whether the machine has power: its own process holds its session then. */
export const isUp = ({ state }: Machine) => ["running", "paused", "stopping", "gurumeditation"].includes(state);

/** Brings machines whose shutdown has ended by now into the state that they are in since. */
export function settle({ machines }: VirtualBoxState): void {
  for (const machine of machines)
    if (machine.state === "stopping" && (machine.until ?? 0) <= Date.now()) cutPower(machine);
}

/** The machine is off. */
export function cutPower(machine: Machine): void {
  machine.state = "poweroff";
  machine.offSince = machine.until ?? Date.now();
  delete machine.until;
  delete machine.boot;
  for (const drive of machine.drives) delete drive.opened;
}

/** VirtualBox's words for states where it refuses something because of them. */
const stateNames: Record<Machine["state"], string> = {
  poweroff: "PoweredOff",
  running: "Running",
  stopping: "Running",
  paused: "Paused",
  saved: "Saved",
  aborted: "Aborted",
  gurumeditation: "GuruMeditation",
};

/** VirtualBox's word for the machine's state. */
export const stateName = ({ state }: Machine) => stateNames[state];

/** @throws Refusal where a saved state, or another one, forbids changes */
export function checkMutable(machine: Machine): void {
  if (["poweroff", "aborted"].includes(machine.state)) return;
  throw refused(`The machine is not mutable (state is ${stateName(machine)})`, "VBOX_E_INVALID_VM_STATE", "Machine");
}

/**
 * What a call needs of its machine:
 * - `looks`: nothing; it shares any session;
 * - `shares`: that nobody else works on it; a running one is no hindrance;
 * - `writes`: nobody else, and no power;
 * - `unregisters`: as `writes`, and VirtualBox says otherwise what is in the way.
 */
export type Need = "looks" | "shares" | "writes" | "unregisters";

/** @throws Refusal where another session is in the way; one whose process has ended is not */
export function admit(machine: Machine, need: Need): void {
  if (machine.session && !isAlive(machine.session.pid)) delete machine.session;
  if (need === "looks") return;
  const isTaken = machine.session !== undefined || (need !== "shares" && isUp(machine));
  if (!isTaken) return;
  if (need !== "unregisters") throw locked(machine.name);
  throw refused(
    `Cannot unregister the machine '${machine.name}' while it is locked`,
    "VBOX_E_INVALID_OBJECT_STATE",
    "Machine",
  );
}

/**
 * Takes the session of a machine that {@link admit} gave way to; one that only looks shares what is there.
 * @returns whether it is to be given back
 */
export function take(machine: Machine, need: Need): boolean {
  if (need === "looks" && (machine.session || isUp(machine))) return false;
  machine.session = { pid: process.pid, shared: need === "looks" };
  return true;
}

/** Gives a session back. */
export function release(machine: Machine | undefined): void {
  delete machine?.session;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
