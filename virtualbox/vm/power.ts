import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../common/errors";
import type { VBoxManage } from "../vboxManage";
import type { VmInfo } from "../vmInfo";
import { resumeFailed, startFailed } from "./startFailed";
import type { Log } from "../../common/log";

/** How long to wait for a change of power. */
export interface PowerTimeouts {
  /** How long the guest gets to shut down, in seconds. */
  stopTimeoutSeconds: number;
  /** How long VirtualBox gets to start a machine, in seconds. */
  startTimeoutSeconds: number;
}

/** For VirtualBox to cut the power, or to come out of a state that passes. */
const SETTLE_SECONDS = 60;

/** A guest that is still booting misses the button. Pressing it again during a shutdown changes nothing. */
const PRESS_AGAIN_SECONDS = 15;

/**
 * The machine, once VirtualBox is not on its way to another state with it.
 * @throws UserError where there is none of this name or UUID
 */
export async function settled(vbox: VBoxManage, vm: string): Promise<VmInfo> {
  const info = await waitFor(vbox, vm, SETTLE_SECONDS, ({ condition }) => condition !== "busy");
  if (info.condition !== "busy") return info;
  throw new UserError(`${info.name} is ${info.state} since ${SETTLE_SECONDS} s`, {
    hint: "look at the machine in VirtualBox",
  });
}

/** Makes it run, from any state. */
export async function startVm(
  vbox: VBoxManage,
  vm: string,
  { startTimeoutSeconds }: PowerTimeouts,
  log: Log,
): Promise<VmInfo> {
  const info = await settled(vbox, vm);
  if (info.condition === "running") return info;
  if (info.condition === "stuck") await powerOff(vbox, info);
  log(info.condition === "paused" ? "resuming" : "starting");
  if (info.condition === "paused")
    await vbox.control(info.uuid, "resume").catch((error: unknown) => fail(resumeFailed(error, info)));
  else
    await vbox
      .start(info, startTimeoutSeconds * 1000)
      .catch(async (error: unknown) => fail(await startFailed(error, info)));
  const now = await waitFor(vbox, vm, startTimeoutSeconds, ({ condition }) => condition === "running");
  if (now.condition === "running") return now;
  throw new UserError(`${info.name} did not run ${startTimeoutSeconds} s after its start: its state is ${now.state}`, {
    hint: `look at its console in VirtualBox and at ${info.logFolder}; a slow machine may need a longer startTimeoutSeconds`,
  });
}

function fail(error: unknown): never {
  throw error;
}

/**
 * Shuts it down: asks the guest first, then cuts the power. A saved machine is resumed for it: its settings are locked
 * too.
 */
export async function stopVm(vbox: VBoxManage, vm: string, timeouts: PowerTimeouts, log: Log): Promise<VmInfo> {
  let info = await settled(vbox, vm);
  if (info.condition === "saved" || info.condition === "paused") info = await startVm(vbox, vm, timeouts, log);
  if (info.condition === "running") info = await shutDown(vbox, info, timeouts, log);
  return info.condition === "off" ? info : powerOff(vbox, info);
}

/** Takes the power away at once; a saved state stays. */
export async function powerOff(vbox: VBoxManage, info: VmInfo): Promise<VmInfo> {
  if (isPowerless(info)) return info;
  try {
    await vbox.control(info.uuid, "poweroff");
  } catch (error) {
    // The guest was quicker.
    if (!isPowerless(await settled(vbox, info.uuid))) throw error;
  }
  const now = await waitFor(vbox, info.uuid, SETTLE_SECONDS, isPowerless);
  if (isPowerless(now)) return now;
  throw new UserError(`${info.name} is still ${now.state} ${SETTLE_SECONDS} s after its power was cut`, {
    hint: "look at the machine in VirtualBox",
  });
}

/** Whether a machine has no power: it is off, or saved. */
export const isPowerless = ({ condition }: VmInfo) => condition === "off" || condition === "saved";

async function shutDown(
  vbox: VBoxManage,
  info: VmInfo,
  { stopTimeoutSeconds }: PowerTimeouts,
  log: Log,
): Promise<VmInfo> {
  log("shutting down");
  const end = performance.now() + stopTimeoutSeconds * 1000;
  let now = info;
  while (now.condition !== "off" && performance.now() < end) {
    // It fails on a machine that has just gone off, which the next look shows.
    await vbox.control(info.uuid, "acpipowerbutton").catch(() => {});
    const left = (end - performance.now()) / 1000;
    now = await waitFor(vbox, info.uuid, Math.min(PRESS_AGAIN_SECONDS, left), ({ condition }) => condition === "off");
  }
  if (now.condition !== "off") log(`did not shut down within ${stopTimeoutSeconds} s: its power is cut`, "warning");
  return now;
}

/**
 * Looks, less and less often, until the machine is as wished or the time since the first look is over; gives what it
 * saw last.
 */
async function waitFor(
  vbox: VBoxManage,
  vm: string,
  seconds: number,
  isAsWished: (info: VmInfo) => boolean,
): Promise<VmInfo> {
  let end: number | undefined;
  for (let pause = 250; ; pause = Math.min(2000, pause * 1.5)) {
    const info = await vbox.showVm(vm);
    end ??= performance.now() + seconds * 1000;
    if (!info) throw new UserError(`VirtualBox has no machine ${vm} any more`, { hint: "run `pulumi up --refresh`" });
    if (isAsWished(info) || performance.now() + pause > end) return info;
    await sleep(pause);
  }
}
