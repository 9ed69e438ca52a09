import { shellCommand } from "../common/shell";

/** What a network adapter of a kind is attached to: a network or an adapter of the host, by its name. */
interface Network {
  /** The flag of `VBoxManage modifyvm`, without the adapter's number. */
  flag: string;
  /** The key of `showvminfo --machinereadable`, without the adapter's number. */
  printed: string;
  /** What `VBoxManage list` has them in. None where a network comes to be by its first use. */
  list?: "natnets" | "hostonlyifs" | "hostonlynets" | "bridgedifs";
  /** What to do where VirtualBox has none of that name. */
  cure?(name: string): string;
}

/** A kind of network adapter. */
interface NicKind {
  /** How `showvminfo --machinereadable` prints the kind. Default: as `modifyvm` takes it. */
  printedAs?: string;
  /** None for a kind that takes no name. */
  network?: Network;
  /** Why there is none of the kind on a platform, as Node names it, and what to give. Default: there is everywhere. */
  problemOn?(platform: string): string | undefined;
}

const make = (...command: string[]) => `make it: ${shellCommand(["VBoxManage", ...command])}`;

/**
 * Every kind of network adapter that a machine can have, as `VBoxManage modifyvm --nicN` calls it (VirtualBox's manual,
 * "VBoxManage modifyvm"; the printed keys are 7.2's).
 */
export const nicKinds = {
  // It has a network too, `natnet1="nat"`, which tells nothing.
  nat: {},
  natnetwork: {
    network: {
      flag: "--nat-network",
      printed: "nat-network",
      list: "natnets",
      cure: (name) => make("natnetwork", "add", "--netname", name, "--network", "10.0.2.0/24", "--enable"),
    },
  },
  intnet: { network: { flag: "--intnet", printed: "intnet" } },
  hostonly: {
    network: {
      flag: "--hostonlyadapter",
      printed: "hostonlyadapter",
      list: "hostonlyifs",
      cure: () => "make it: VBoxManage hostonlyif create, then give it its address with VBoxManage hostonlyif ipconfig",
    },
    problemOn: (platform) =>
      platform === "darwin"
        ? "VirtualBox 7.0 and later has no host-only adapters on macOS; choose hostonlynet and give the name of a network of `VBoxManage list hostonlynets`"
        : undefined,
  },
  hostonlynet: {
    printedAs: "hostonlynetwork",
    network: {
      flag: "--host-only-net",
      printed: "hostonly-network",
      list: "hostonlynets",
      cure: (name) => make("hostonlynet", "add", "--name", name),
    },
    problemOn: (platform) =>
      platform === "darwin"
        ? undefined
        : "host-only networks exist on macOS only; choose hostonly and give the name of an adapter",
  },
  bridged: {
    network: {
      flag: "--bridgeadapter",
      printed: "bridgeadapter",
      list: "bridgedifs",
      cure: () => "give a name of VBoxManage list bridgedifs",
    },
  },
} as const satisfies Record<string, NicKind>;

/** The name of a kind. */
export type NicType = keyof typeof nicKinds;

/** A kind by its name; undefined where there is none of that name. */
export const nicKind = (type: string): NicKind | undefined =>
  Object.hasOwn(nicKinds, type) ? nicKinds[type as NicType] : undefined;

/** The names of all kinds. */
export const nicTypes = Object.keys(nicKinds) as NicType[];

/** The name of the kind that `showvminfo` prints so; what is no kind of ours, such as `none`, as it is. */
export const nicTypeOf = (printed: string): string =>
  nicTypes.find((type) => nicKind(type)!.printedAs === printed) ?? printed;
