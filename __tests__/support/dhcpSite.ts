import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { cached } from "../../dev/lab/cache";
import { cacheKey } from "../../dev/lab/cacheKey";
import { makeDebianRoot, mmdebstrapArguments, type DebianRoot } from "../../dev/lab/debianRoot";
import { dnsmasqArguments } from "../../dev/lab/dnsmasq";
import { run } from "../../dev/lab/exec";
import {
  deleteNamespace,
  ensureBridge,
  ensureNamespace,
  ensureVeth,
  netnsExec,
  processesIn,
} from "../../dev/lab/netns";
import { endProcess } from "../../dev/lab/processes";
import { networks, type LabNetwork } from "../../dev/lab/topology";
import type { Guest } from "./guestRoot";

/** What configures the network of Debian's images without netplan; dhcpcd is in the lab's Debian. */
const clients: DebianRoot = {
  suite: "trixie",
  variant: "extract",
  components: ["main"],
  packages: ["ifupdown", "isc-dhcp-client"],
  excludedPaths: [],
  hooks: [],
};

/**
 * A machine with two NICs, and a DHCP server at the other end of each: the lab's own dnsmasq, as the tutorial's, and
 * one like VirtualBox's NAT.
 */
export interface DhcpSite {
  /** The machine, with ifupdown and dhclient; its NICs are `enp0s3` and `enp0s8`. */
  guest: Guest;
  /** dnsmasq's leases: `EXPIRY MAC ADDRESS NAME CLIENT-ID` a line. */
  leases: () => Promise<string>;
  down: () => Promise<void>;
}

const nat = [
  "--interface=br-nat",
  "--dhcp-range=set:nat,10.0.3.15,10.0.3.100,255.255.255.0",
  "--dhcp-option=tag:nat,option:router,10.0.3.2",
];

/**
 * Makes the site, and, once, what its machine needs in the cache.
 * @param macs the NICs' MAC addresses, with colons
 */
export async function dhcpSiteUp(macs: readonly [string, string]): Promise<DhcpSite> {
  const layer = await cached(
    `dhcp-clients-${cacheKey(...mmdebstrapArguments(clients, "", ""))}`,
    (part) => makeDebianRoot(clients, part),
    () => undefined,
  );
  const folder = await mkdtemp(join(tmpdir(), "dhcp-"));
  const [gate, machine] = ["gate", "machine"].map((name) => `${basename(folder)}-${name}`) as [string, string];
  const down = async () => {
    for (const namespace of [machine, gate]) {
      for (const pid of await processesIn(namespace)) await endProcess(pid, `a process in ${namespace}`);
      await deleteNamespace(namespace);
    }
    await rm(folder, { recursive: true });
  };
  try {
    await networksUp(gate, machine, macs);
    // dnsmasq gives root's rights up.
    await chmod(folder, 0o755);
    const files = { pid: join(folder, "pid"), leases: join(folder, "leases"), log: join(folder, "log") };
    await run("ip", netnsExec(gate, ["dnsmasq", ...dnsmasqArguments(files), ...nat]));
    return { guest: { layer, namespace: machine }, leases: () => readFile(files.leases, "utf8"), down };
  } catch (error) {
    await down();
    throw error;
  }
}

async function networksUp(gate: string, machine: string, macs: readonly [string, string]): Promise<void> {
  for (const namespace of [gate, machine]) await ensureNamespace(namespace);
  for (const { bridge, router, dns, prefix } of Object.values<LabNetwork>(networks)) {
    await ensureBridge(
      gate,
      bridge,
      [router, ...(dns ? [dns] : [])].map((address) => `${address}/${prefix}`),
    );
  }
  await ensureBridge(gate, "br-nat", ["10.0.3.2/24"]);
  const nics = [
    ["enp0s3", networks.node.bridge],
    ["enp0s8", "br-nat"],
  ] as const;
  for (const [index, [name, bridge]] of nics.entries()) {
    await ensureVeth({ namespace: gate, name: `gate-${name}`, bridge }, { namespace: machine, name });
    await run("ip", ["-n", machine, "link", "set", "dev", name, "address", macs[index]!]);
  }
}
