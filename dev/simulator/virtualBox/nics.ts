import { randomBytes } from "node:crypto";
import type { Machine } from "../state";
import { misused, refused } from "./refusal";

/** Numbers of the network adapters that a PIIX3 machine has. */
export const nicNumbers = ["1", "2", "3", "4", "5", "6", "7", "8"];

/**
 * Attachments: the flags that name the network, the key that shows it, and the network's name where none was given.
 * Host-only networks are macOS's alone.
 */
export const nicTypes: Partial<Record<string, { flags?: string[]; printed?: string; network?: string }>> = {
  none: {},
  nat: {},
  natnetwork: { flags: ["nat-network"], printed: "nat-network", network: "NatNetwork" },
  intnet: { flags: ["intnet"], printed: "intnet", network: "intnet" },
  hostonly: { flags: ["hostonlyadapter", "host-only-adapter"], printed: "hostonlyadapter", network: "" },
  bridged: { flags: ["bridgeadapter", "bridge-adapter"], printed: "bridgeadapter", network: "" },
};

/** An address of VirtualBox's own. */
export const randomMac = () => `080027${randomBytes(3).toString("hex").toUpperCase()}`;

/** Options of `modifyvm` that concern one adapter, by their names without dashes and number. */
export const nicOptions = [
  "nic",
  "macaddress",
  "mac-address",
  "cableconnected",
  "cable-connected",
  "nictype",
  "nic-type",
  "nicpromisc",
  "nic-promisc",
].concat(
  Object.values(nicTypes).flatMap((type) => type?.flags ?? []),
  "host-only-net",
);

/**
 * Changes one adapter.
 * @param options by their names without dashes and number
 * @throws Refusal for a value that is none
 */
export function modifyNic(machine: Machine, number: string, options: ReadonlyMap<string, string>): void {
  const is = machine.nics[number];
  const type = options.get("nic") ?? is?.type ?? "none";
  const kind = Object.hasOwn(nicTypes, type) ? nicTypes[type] : undefined;
  if (!kind) throw misused(`Invalid type '${type}' specfied for NIC ${number}`);
  const mac = (options.get("macaddress") ?? options.get("mac-address") ?? is?.mac ?? "auto").toUpperCase();
  if (mac !== "AUTO" && !/^[0-9A-F][02468ACE][0-9A-F]{10}$/.test(mac))
    throw refused("Invalid MAC address format", "NS_ERROR_INVALID_ARG", "NetworkAdapter");
  const given = kind.flags?.map((flag) => options.get(flag)).find((value) => value !== undefined);
  const network = given ?? (type === is?.type ? is.network : kind.network);
  const cable = options.get("cableconnected") ?? options.get("cable-connected") ?? (is?.isUnplugged ? "off" : "on");
  machine.nics[number] = {
    type,
    ...(network !== undefined && { network }),
    mac: mac === "AUTO" ? randomMac() : mac,
    ...(cable === "off" && { isUnplugged: true }),
  };
}
