import type { Nic } from "../machine";
import { nicKind } from "../nicKinds";
import type { ObservedNic, VmInfo } from "../vmInfo";

/** What a machine is made of, beside its disks. */
export interface Hardware {
  cpus: number;
  memoryMb: number;
  vramMb: number;
  nics: Nic[];
}

/**
 * What a worker's clone has, whatever its base image had. The long spellings of 7.x have these as aliases, 6.1 knows
 * only these.
 */
export const BIRTH_FLAGS = [
  "--cpuhotplug",
  "off",
  "--boot1",
  "disk",
  "--boot2",
  "none",
  "--boot3",
  "none",
  "--boot4",
  "none",
];

/** The flags of `modifyvm` that turn what is into what is wanted: none where nothing differs. */
export function hardwareFlags(vm: VmInfo, wanted: Hardware): string[] {
  const nics = Array.from({ length: Math.max(vm.nics.length, wanted.nics.length) }, (_, i) =>
    nicFlags(i + 1, vm.nics[i], wanted.nics[i]),
  );
  return [
    ...(vm.cpus === wanted.cpus ? [] : ["--cpus", String(wanted.cpus)]),
    ...(vm.memoryMb === wanted.memoryMb ? [] : ["--memory", String(wanted.memoryMb)]),
    ...(vm.vramMb === wanted.vramMb ? [] : ["--vram", String(wanted.vramMb)]),
    ...nics.flat(),
  ];
}

/** Numbers of the adapters whose cables are unplugged, of those that the machine is to have. */
export const unplugged = (vm: VmInfo, { nics }: Pick<Hardware, "nics">): number[] =>
  vm.nics.flatMap(({ cable }, i) => (cable === "unplugged" && nics[i] ? [i + 1] : []));

/** The flags of `modifyvm` that plug cables in. */
export const plugFlags = (numbers: readonly number[]) =>
  numbers.flatMap((number) => [`--cableconnected${number}`, "on"]);

function nicFlags(number: number, is: ObservedNic | undefined, wanted: Nic | undefined): string[] {
  if (!wanted) return is?.type === "none" ? [] : [`--nic${number}`, "none"];
  if (is?.type === wanted.type && is.network === wanted.network && is.mac === wanted.mac) return [];
  const flag = nicKind(wanted.type)?.network?.flag;
  const network = flag === undefined ? [] : [`${flag}${number}`, wanted.network ?? ""];
  return [
    `--nic${number}`,
    wanted.type,
    ...network,
    `--macaddress${number}`,
    wanted.mac,
    `--cableconnected${number}`,
    "on",
  ];
}
