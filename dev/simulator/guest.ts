import { randomUUID } from "node:crypto";
import { dhcpRange } from "../lab/topology";
import { type Cidata, readCidata } from "./cidata";
import type { Boot, GuestDisk, Machine, SiteState } from "./state";

/** A machine that runs, as one sees it from outside at some moment. */
export interface Guest {
  machine: Machine;
  disk: GuestDisk;
  /** Of the boot that it is in. */
  bootId: string;
  /** Whether its sshd, and whatever else starts with the system, runs by now. */
  isUp: boolean;
  /** When it came or comes up, in milliseconds since the epoch. */
  upFrom: number;
  /** As `cloud-init status` says it. */
  status: string;
  /** None without a first NIC, or when there is no lease left. */
  address?: string;
}

/**
 * The guest of a machine that runs, and whatever it has done by now: a first boot with a new cidata disc makes it what
 * the disc says. A pure function of the state and the time; what has happened is written into the state.
 * @param now milliseconds since the epoch
 */
export function guestOf(state: SiteState, machine: Machine, now: number): Guest | undefined {
  const { boot } = machine;
  const disk = diskOf(state, machine);
  if (machine.state !== "running" || !boot || !disk) return undefined;
  seed(state, machine, boot, disk);
  return { machine, disk, address: addressOf(state, machine), ...phaseOf(state, boot, disk, now) };
}

/** Every guest of the site, see {@link guestOf}. */
export const guestsOf = (state: SiteState, now: number): Guest[] =>
  state.virtualBox.machines.flatMap((machine) => guestOf(state, machine, now) ?? []);

/** What a guest says of itself: the truth, unless a test has it say something else. */
export const fact = ({ disk }: Pick<Guest, "disk">, name: string, truth: string): string => disk.facts?.[name] ?? truth;

/** What the guest keeps on the disk that it boots from: the first one. */
function diskOf(state: SiteState, { drives, controllers }: Machine): GuestDisk | undefined {
  const order = (controller: string) => controllers.findIndex(({ name }) => name === controller);
  const [first] = drives
    .filter(({ isDvd, medium }) => !isDvd && medium !== undefined)
    .sort((a, b) => order(a.controller) - order(b.controller) || a.port - b.port || a.device - b.device);
  const medium = state.virtualBox.media.find(({ uuid }) => uuid === first?.medium);
  return medium && (medium.guest ??= {});
}

/**
 * The beginning of a boot: the machine gets what is missing, and cloud-init runs for an instance that it has not seen.
 * It writes down that it has begun before it does anything, so it does not go on with a first boot that was cut short.
 */
function seed(state: SiteState, machine: Machine, boot: Boot, disk: GuestDisk): void {
  if (boot.seeded) return;
  boot.seeded = true;
  disk.machineId ??= randomUUID().replaceAll("-", "");
  const cidata = cidataOf(state, machine);
  if ((disk.firstBootEnds ?? 0) > (machine.offSince ?? boot.at)) disk.isCutShort = true;
  if (!cidata || cidata.instanceId === disk.instanceId) return;
  const { reboots, ...rest } = cidata;
  const { boot: bootMs, cloudInit } = state.delays;
  Object.assign(disk, rest, {
    // A failure leaves the machine as it is, to be looked at.
    reboots: reboots && fact({ disk }, "status", "done") === "done",
    firstBootId: boot.id,
    firstBootEnds: boot.at + bootMs + cloudInit,
    isCutShort: false,
  });
}

/**
 * What the disc in the first of its DVD drives that has one says; of a machine that has power, what the guest reads in
 * the drive.
 */
export function cidataOf(state: SiteState, { drives }: Machine): Cidata | undefined {
  const dvd = drives.find(({ isDvd, medium }) => isDvd && medium !== undefined);
  if (dvd?.opened !== undefined) return dvd.opened ?? undefined;
  const medium = state.virtualBox.media.find(({ uuid }) => uuid === dvd?.medium);
  return medium && readCidata(medium.location);
}

function phaseOf(
  state: SiteState,
  boot: Boot,
  disk: GuestDisk,
  now: number,
): Pick<Guest, "bootId" | "isUp" | "upFrom" | "status"> {
  const isFirst = disk.firstBootId === boot.id;
  const hasRebooted = isFirst && disk.reboots === true && now >= disk.firstBootEnds!;
  const upFrom = (hasRebooted ? disk.firstBootEnds! : boot.at) + state.delays.boot;
  const isDone = !isFirst || now >= disk.firstBootEnds!;
  return {
    bootId: hasRebooted ? boot.nextId : boot.id,
    isUp: now >= upFrom,
    upFrom,
    status: !isDone
      ? "running"
      : disk.instanceId === undefined
        ? "disabled"
        : isFirst
          ? fact({ disk }, "status", "done")
          : "done",
  };
}

/** Whether the last step of the user-data has run. The status of a later boot does not tell. */
export function isInstalled({ disk, bootId, status }: Guest): boolean {
  const isOver = bootId !== disk.firstBootId || status === "done";
  return isOver && disk.leavesMark === true && disk.isCutShort !== true && fact({ disk }, "status", "done") === "done";
}

/** The lease of its first NIC: the first time the next free address, and from then on the same. */
function addressOf({ network: { leases } }: SiteState, { nics }: Machine): string | undefined {
  const { mac, type } = nics["1"] ?? { mac: "", type: "none" };
  if (type === "none") return undefined;
  const address = leases[mac] ?? freeAddress(Object.values(leases));
  if (address !== undefined) leases[mac] = address;
  return address;
}

function freeAddress(taken: readonly string[]): string | undefined {
  const [, net = "", first] = /^(.*\.)(\d+)$/.exec(dhcpRange.first) ?? [];
  const last = Number(dhcpRange.last.slice(net.length));
  const range = Array.from({ length: last - Number(first) + 1 }, (_, index) => `${net}${Number(first) + index}`);
  return range.find((address) => !taken.includes(address));
}
