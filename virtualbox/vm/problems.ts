import { isArgument } from "../../common/argument";
import { DOORS } from "../doors";
import type { Disk, Nic } from "../machine";
import { shellCommand } from "../../common/shell";
import { quoteValue } from "../../common/quoteValue";
import { nicKind, nicTypes } from "../nicKinds";

/** The inputs of a machine that can be wrong by themselves. */
export interface Checked {
  name?: string;
  stack?: string;
  cloneMode?: string;
  baseSnapshot?: string;
  baseImage?: string;
  cpus?: number;
  memoryMb?: number;
  vramMb?: number;
  nics?: Nic[];
  disks?: Disk[];
  keepOpen?: string[];
  stopTimeoutSeconds?: number;
  startTimeoutSeconds?: number;
}

/**
 * What is wrong with a machine's inputs, by their names. An input that is not known yet is absent.
 * @param platform the system that VirtualBox runs on, as Node names it
 */
export function vmProblems(inputs: Checked, platform: string = process.platform): Record<string, string> {
  const { name, stack, cloneMode, baseSnapshot, baseImage = "BASE", nics, disks, keepOpen } = inputs;
  const problems: Record<string, string | undefined> = {
    name:
      name === undefined || /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)
        ? undefined
        : `${quoteValue(name)} is no host name; give lower-case letters, digits and "-"`,
    stack:
      stack === undefined || isStack(stack)
        ? undefined
        : `${quoteValue(stack)} is not "clusterName/stack"; give names of letters, digits, "-", "_" and "."`,
    baseImage: argumentProblem(inputs.baseImage, "a VM's name or UUID"),
    cloneMode:
      cloneMode === undefined || ["full", "linked"].includes(cloneMode)
        ? undefined
        : `${quoteValue(cloneMode)} is no way to clone; give "full" or "linked"`,
    baseSnapshot:
      cloneMode === "linked" && !baseSnapshot
        ? `a linked clone needs a snapshot of the base image; take one with ${shellCommand(["VBoxManage", "snapshot", baseImage, "take", "clean"])}, and give "clean"`
        : argumentProblem(baseSnapshot, "a snapshot's name or UUID"),
    cpus: outside(inputs.cpus, 1, 64, "CPUs"),
    memoryMb: outside(inputs.memoryMb, 4, 2_097_152, "MB"),
    vramMb: outside(inputs.vramMb, 1, 256, "MB"),
    stopTimeoutSeconds: outside(inputs.stopTimeoutSeconds, 0, 86_400, "seconds"),
    startTimeoutSeconds: outside(inputs.startTimeoutSeconds, 1, 86_400, "seconds"),
    nics: nics && nicsProblem(nics, platform),
    disks: disks && firstProblem(disks, diskProblem),
    keepOpen: keepOpen && firstProblem(keepOpen, doorProblem),
  };
  return Object.fromEntries(
    Object.entries(problems).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** Each part is a folder, and a part of VirtualBox's group. */
const isStack = (stack: string) =>
  stack.length <= 200 && /^[\w.-]+(\/[\w.-]+)+$/.test(stack) && !/(^|\/)\.\.?(\/|$)/.test(stack);

/** VBoxManage takes what begins with a dash for an option, and prints nothing back that holds a control character. */
function argumentProblem(value: string | undefined, what: string): string | undefined {
  if (value === undefined || isArgument(value)) return undefined;
  return `${quoteValue(value)} cannot be given to VBoxManage; give ${what}, without control characters or a dash before it`;
}

function outside(value: number | undefined, least: number, most: number, unit: string): string | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return undefined;
  return `${quoteValue(value)} is not possible; give a whole number of ${unit}, from ${least} to ${most}`;
}

const firstProblem = <T>(items: readonly T[], problemOf: (item: T) => string | undefined) => {
  const problems = items.map((item, i) => [i, problemOf(item)] as const);
  const found = problems.find(([, problem]) => problem !== undefined);
  return found && `[${found[0]}]: ${found[1]}`;
};

/** The chipset of a worker, PIIX3, has 8. */
const MOST_NICS = 8;

function nicsProblem(nics: readonly Nic[], platform: string): string | undefined {
  if (nics.length < 1 || nics.length > MOST_NICS) return `${nics.length} NICs; give 1 to ${MOST_NICS}`;
  const macs = nics.map(({ mac }) => mac);
  const twice = macs.find((mac, i) => macs.indexOf(mac) !== i);
  return firstProblem(nics, (nic) => nicProblem(nic, platform)) ?? (twice && `the MAC address ${twice} is there twice`);
}

function nicProblem({ type, network, mac }: Nic, platform: string): string | undefined {
  const kind = nicKind(type);
  if (!kind) return `${quoteValue(type)} is no type of NIC; give one of ${nicTypes.join(", ")}`;
  if (!kind.network && network !== undefined)
    return `a ${type} NIC has no network; leave out ${quoteValue(network)}, or choose natnetwork`;
  if (kind.network && !network) return `a ${type} NIC needs a network; give its name`;
  if (/["\\]/.test(network ?? ""))
    return `${quoteValue(network)} holds what VBoxManage does not print back; give a name without quotes and backslashes`;
  const problem = argumentProblem(network, "the network's or adapter's name") ?? kind.problemOn?.(platform);
  if (problem) return problem;
  // The second digit's lowest bit would make it a group's address.
  if (!/^[0-9A-F][02468ACE][0-9A-F]{10}$/.test(mac))
    return `${quoteValue(mac)} is no MAC address of one machine; give 12 upper-case hexadecimal digits, such as 080027A1B2C3`;
  return undefined;
}

const doorProblem = (door: string) =>
  (DOORS as readonly string[]).includes(door)
    ? undefined
    : `${quoteValue(door)} is no door to the host; give some of ${DOORS.join(", ")}`;

function diskProblem({ sizeMb, format, variant }: Disk): string | undefined {
  if (!["VDI", "VMDK", "VHD"].includes(format)) return `${quoteValue(format)} is no format; give VDI, VMDK or VHD`;
  if (!["Standard", "Fixed"].includes(variant)) return `${quoteValue(variant)} is no variant; give Standard or Fixed`;
  return outside(sizeMb, 1, 2_097_152, "MB");
}
