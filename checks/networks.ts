import { networkOf } from "../common/ipv4";
import type { Nic } from "../virtualbox/machine";
import { type ListedNetwork, readNetworks } from "../virtualbox/answer";
import { nicKind } from "../virtualbox/nicKinds";
import type { VBoxManage } from "../virtualbox/vboxManage";
import { type Finding, right } from "../common/finding";
import type { HostFiles } from "./hostFiles";

/** What a stack needs of networks. */
export interface Networks {
  /** Those of machines that are to be made, by the names of their workers. */
  nics: readonly (Pick<Nic, "type" | "network"> & { of: string })[];
  /** Adapters of the host that routes go by. */
  interfaces: readonly string[];
}

/**
 * The networks and adapters by their names.
 * @param interfacesHere lists those that the host's system has
 */
export async function lookAtNetworks(
  vbox: VBoxManage,
  { nics, interfaces }: Networks,
  interfacesHere: () => Promise<string[]>,
  files: HostFiles,
): Promise<Finding[]> {
  const ofRoutes = interfaces.length === 0 ? [] : lookAtInterfaces(interfaces, await interfacesHere());
  const wanted = nics.flatMap(({ type, network, of }) =>
    nicKind(type)?.network?.list && network !== undefined ? [{ type, network, of }] : [],
  );
  const ofNics = await Promise.all(
    [...new Set(wanted.map(({ type }) => type))].map((type) => lookAtType(vbox, type, wanted)),
  );
  const adapters = [...interfaces, ...wanted.flatMap(({ type, network }) => (type === "hostonly" ? [network] : []))];
  return [...ofRoutes, ...ofNics.flat(), ...(await lookAtRanges(vbox, adapters, files))];
}

const lookAtInterfaces = (wanted: readonly string[], there: readonly string[]): Finding[] =>
  [...new Set(wanted)].map((name) =>
    there.includes(name)
      ? right(`the adapter ${name} of the routes is there`)
      : {
          is: "wrong",
          what: `there is no network interface ${name}, by which the routes go (there are: ${there.join(", ")})`,
          hint: "VBoxManage hostonlyif create, then VBoxManage hostonlyif ipconfig vboxnet0 --ip 192.168.254.1 --netmask 255.255.0.0 with your own address; its range must be in /etc/vbox/networks.conf first (`* 192.168.0.0/16`); or correct routes[].interface",
        },
  );

async function lookAtType(
  vbox: VBoxManage,
  type: Nic["type"],
  wanted: readonly { type: Nic["type"]; network: string; of: string }[],
): Promise<Finding[]> {
  const { list, cure } = nicKind(type)!.network!;
  const there = (await vbox.list(list!, readNetworks)).map(({ name }) => name);
  const nics = wanted.filter((nic) => nic.type === type);
  const names = new Set(nics.map(({ network }) => network));
  return [...names].map((name) =>
    there.includes(name)
      ? right(`the network ${name} (${type}) is there`)
      : {
          // Only Linux has one name for a bridged adapter.
          is: type === "bridged" && process.platform !== "linux" ? "warning" : "wrong",
          what: `nics: VirtualBox has no network ${name} of type ${type} (it has: ${there.join(", ") || "none"})`,
          hint: cure?.(name),
          of: nics.filter(({ network }) => network === name).map(({ of }) => of),
        },
  );
}

/** What VirtualBox takes without being told (its manual, "Host-Only Networking"; since 6.1.28, not on Windows). */
const FREE_RANGE = "192.168.56.0/21";

/** Once VirtualBox's server starts again, it refuses an adapter's address that is in none of the ranges. */
async function lookAtRanges(vbox: VBoxManage, names: readonly string[], files: HostFiles): Promise<Finding[]> {
  if (names.length === 0 || files.platform === "win32") return [];
  const adapters = await vbox.list("hostonlyifs", readNetworks);
  const ranges = [FREE_RANGE, ...rangesIn(files.read("/etc/vbox/networks.conf") ?? "")];
  return adapters
    .filter(
      ({ name, address }) =>
        names.includes(name) && address !== undefined && !ranges.some((range) => contains(range, address)),
    )
    .map(outOfRange);
}

const outOfRange = ({ name, address }: ListedNetwork): Finding => ({
  is: "warning",
  what: `the address ${address} of the host-only adapter ${name} is in no range of /etc/vbox/networks.conf: VirtualBox may refuse it at its next start`,
  hint: `echo '* 192.168.0.0/16' | sudo tee -a /etc/vbox/networks.conf, with the range of ${address}`,
});

/** Lines such as `* 10.0.0.0/8 192.168.0.0/16`; anything else in the file is a comment, or IPv6. */
const rangesIn = (conf: string) =>
  [...conf.matchAll(/^\s*\*\s+(.*)$/gm)].flatMap(([, ranges]) => ranges!.trim().split(/[\s,]+/));

function contains(range: string, address: string): boolean {
  const network = networkOf(range);
  return network !== undefined && networkOf(`${address}/${network.prefix}`)?.address === network.address;
}
