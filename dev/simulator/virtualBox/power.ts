import { randomUUID } from "node:crypto";
import type { Boot, Delays, Machine, VirtualBoxState } from "../state";
import { cutPower, isUp, stateName } from "./machines";
import { writeLog } from "./machineFiles";
import { mediumOf } from "./media";
import { openDvds } from "./storage";
import { hasFile } from "./mediumFile";
import { misused, refused } from "./refusal";

/** @throws Refusal where the machine runs already, in the words of `startvm` */
function checkStartable(machine: Machine): void {
  if (!isUp(machine)) return;
  const words = `The machine '${machine.name}' is already locked by a session (or being locked or unlocked)`;
  throw refused(words, "VBOX_E_INVALID_OBJECT_STATE", "Machine");
}

/**
 * `startvm`: boots the machine, or resumes a saved one.
 * @throws Refusal, with the reason in VBox.log, where a medium's file is missing
 */
export function start(box: VirtualBoxState, machine: Machine): void {
  checkStartable(machine);
  const missing = machine.drives
    .flatMap(({ medium }) => medium ?? [])
    .map((uuid) => mediumOf(box, uuid))
    .find((medium) => !hasFile(medium));
  if (missing) {
    const words = `Could not open the medium '${missing.location}'.`;
    writeLog(machine, `Power up failed (vrc=VERR_FILE_NOT_FOUND): ${words}`);
    throw refused(words, "VBOX_E_FILE_ERROR", "Medium");
  }
  const isResumed = machine.state === "saved";
  machine.state = "running";
  if (!isResumed || !machine.boot) machine.boot = newBoot();
  openDvds(box, machine);
  writeLog(machine, "Changing the VM state from 'CREATED' to 'RUNNING'");
}

const newBoot = (): Boot => ({ id: randomUUID(), nextId: randomUUID(), at: Date.now() });

/** `controlvm`. @throws Refusal where the machine's state forbids it */
export function control(machine: Machine, [command = "", value]: readonly string[], delays: Delays): void {
  if (!isUp(machine)) throw misused(`Machine '${machine.name}' is not currently running.`);
  const link = /^setlinkstate([1-8])$/.exec(command)?.[1];
  if (link !== undefined) return setLink(machine, link, value);
  switch (command) {
    case "poweroff":
      return cutPower(machine);
    case "acpipowerbutton":
      return pressPowerButton(machine, delays);
    case "reset":
      checkRuns(machine);
      machine.offSince = Date.now();
      machine.boot = newBoot();
      return;
    case "pause":
      checkRuns(machine);
      machine.state = "paused";
      return;
    case "resume":
      return resume(machine);
    case "savestate":
      if (machine.state !== "paused") checkRuns(machine);
      machine.state = "saved";
      return;
    default:
      throw misused(`Invalid parameter '${command}'`, 2);
  }
}

function setLink({ nics }: Machine, number: string, value: string | undefined): void {
  const nic = nics[number];
  if (!nic || (value !== "on" && value !== "off")) throw misused(`Invalid link state '${value}'`, 2);
  if (value === "off") nic.isUnplugged = true;
  else delete nic.isUnplugged;
}

function checkRuns(machine: Machine): void {
  if (stateName(machine) !== "Running")
    throw refused(`Invalid machine state: ${stateName(machine)}`, "VBOX_E_INVALID_VM_STATE", "Console");
}

function resume(machine: Machine): void {
  if (machine.state !== "paused")
    throw refused(
      `Cannot resume the machine as it is not paused (machine state: ${stateName(machine)})`,
      "VBOX_E_INVALID_VM_STATE",
      "Console",
    );
  machine.state = "running";
}

/** The guest shuts down, if it obeys. Pressing again during a shutdown changes nothing. */
function pressPowerButton(machine: Machine, { shutdown }: Delays): void {
  checkRuns(machine);
  if (!machine.obeysAcpi || machine.state === "stopping") return;
  if (shutdown === 0) return cutPower(machine);
  machine.state = "stopping";
  machine.until = Date.now() + shutdown;
}

/** `discardstate`. @throws Refusal where there is no saved state: VBoxManage prints that, and still exits with 0 */
export function discardState(machine: Machine): void {
  const words = `Cannot discard the saved state as the machine is not in the Saved or Aborted-Saved state (machine state: ${stateName(machine)})`;
  if (machine.state !== "saved") throw refused(words, "VBOX_E_INVALID_VM_STATE", "Machine", 0);
  cutPower(machine);
}
