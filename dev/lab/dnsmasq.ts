import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./exec";
import { netmask } from "../../common/ipv4";
import { namespaceOf } from "./names";
import { netnsExec } from "./netns";
import { labDir } from "./paths";
import { endRecorded, isInNamespace, pidFile, recordedPid } from "./processes";
import { dhcpRange, networks, staticNames, zone } from "./topology";

const name = "dnsmasq";

/** The gate's dnsmasq arguments: DHCP on `node`, DNS for every network that has a DNS address. */
export function dnsmasqArguments(files: { pid: string; leases: string; log: string }): string[] {
  const served = Object.values(networks).filter((network) => "dns" in network);
  return [
    "--conf-file=/dev/null",
    "--no-hosts",
    "--no-resolv", // it knows its own zone, and there is nothing else to know
    "--bind-interfaces",
    "--except-interface=lo",
    ...served.map(({ bridge }) => `--interface=${bridge}`),
    `--domain=${zone}`,
    `--local=/${zone}/`,
    ...Object.entries(staticNames).map(([host, address]) => `--host-record=${host}.${zone},${host},${address}`),
    ...served
      .filter(({ bridge }) => bridge !== networks.node.bridge)
      .map(({ bridge }) => `--no-dhcp-interface=${bridge}`),
    // With its netmask: the gate's host-only card is in a network that holds this one's addresses too, and dnsmasq
    // would take that one's.
    `--dhcp-range=${dhcpRange.first},${dhcpRange.last},${netmask(networks.node.prefix)},${dhcpRange.leaseTime}`,
    `--dhcp-option=option:router,${networks.node.router}`,
    `--dhcp-option=option:dns-server,${networks.node.dns}`,
    `--dhcp-option=option:domain-search,${zone}`,
    "--dhcp-authoritative",
    "--no-ping", // before it offers an address: 3 s of every boot
    "--log-dhcp",
    `--dhcp-leasefile=${files.leases}`,
    `--pid-file=${files.pid}`,
    `--log-facility=${files.log}`,
  ];
}

/** Makes sure that dnsmasq runs in the gate's namespace. */
export async function dnsmasqUp(): Promise<void> {
  const namespace = namespaceOf("gate");
  const pid = recordedPid(name);
  if (pid !== undefined && (await isInNamespace(pid, namespace))) return;
  await endRecorded(name);
  for (const folder of ["run", "log"]) await mkdir(join(labDir(), folder), { recursive: true });
  const files = { pid: pidFile(name), leases: leaseFile(), log: join(labDir(), "log", "dnsmasq.log") };
  await run("ip", netnsExec(namespace, ["dnsmasq", ...dnsmasqArguments(files)]));
}

/** Ends dnsmasq and forgets its leases. */
export async function dnsmasqDown(): Promise<void> {
  await endRecorded(name);
  await rm(leaseFile(), { force: true });
}

const leaseFile = () => join(labDir(), "run", "dnsmasq.leases");
