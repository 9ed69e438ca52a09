import { dnsmasqDown, dnsmasqUp } from "./dnsmasq";
import { labMachines, namespaceOf } from "./names";
import {
  deleteNamespace,
  ensureBridge,
  ensureDefaultRoute,
  ensureNamespace,
  ensureVeth,
  processesIn,
  setSysctls,
} from "./netns";
import { endProcess } from "./processes";
import { hostonly, networks, nics, type LabNetwork, type LabNic } from "./topology";

/**
 * Makes sure of the tutorial's networks: a namespace for each of {@link labMachines}, the gate's bridges, router and
 * DNS addresses, the machines' network cards, and dnsmasq. It may be run again at any time, and goes on from wherever
 * an earlier run was interrupted.
 */
export async function networkUp(): Promise<void> {
  for (const machine of labMachines) await ensureNamespace(namespaceOf(machine));
  await gateUp();
  await hostonlyUp();
  for (const nic of nics) await nicUp(nic);
  await dnsmasqUp();
}

/** Takes the network away, with every process that is still in one of its namespaces; what is gone already is fine. */
export async function networkDown(): Promise<void> {
  await dnsmasqDown();
  for (const machine of labMachines) {
    const namespace = namespaceOf(machine);
    // Machines end their own processes; these are a Pulumi or an ssh whose `npm run lab` was killed.
    for (const pid of await processesIn(namespace)) await endProcess(pid, `a process in ${namespace}`);
    await deleteNamespace(namespace);
  }
}

async function gateUp(): Promise<void> {
  const gate = namespaceOf("gate");
  await setSysctls(gate, { "net.ipv4.ip_forward": "1", ...asymmetricRoutes });
  for (const { bridge, router, dns, prefix } of Object.values<LabNetwork>(networks)) {
    const addresses = [router, ...(dns ? [dns] : [])].map((address) => `${address}/${prefix}`);
    await ensureBridge(gate, bridge, addresses);
  }
}

/**
 * The workstation's `vboxnet0`. Its /16 holds the other networks' addresses too, so they are on link for it, and nobody
 * answers its ARP for 192.168.4.57 (the gate only answers for its own): without the two routes of the tutorial the
 * bastion cannot be reached.
 */
async function hostonlyUp(): Promise<void> {
  await ensureVeth(
    { namespace: namespaceOf("host"), name: hostonly.interface, addresses: [`${hostonly.host}/${hostonly.prefix}`] },
    { namespace: namespaceOf("gate"), name: "hostonly", addresses: [`${hostonly.gate}/${hostonly.prefix}`] },
  );
}

async function nicUp(nic: LabNic): Promise<void> {
  const namespace = namespaceOf(nic.machine);
  const { bridge, router, prefix } = networks[nic.network];
  await setSysctls(namespace, asymmetricRoutes);
  await ensureVeth(
    { namespace: namespaceOf("gate"), name: portName(nic), bridge },
    { namespace, name: nic.interface, addresses: [`${nic.address}/${prefix}`] },
  );
  if (nic.defaultRoute) await ensureDefaultRoute(namespace, router);
}

/** The gate's end of a machine's network card: `mast01-enp0s3`. */
const portName = (nic: LabNic) => `${nic.machine.replace("kube-", "")}-${nic.interface}`;

/**
 * The master answers for its floating address through its default route: such packets arrive by another interface than
 * the way back.
 */
const asymmetricRoutes = { "net.ipv4.conf.all.rp_filter": "0", "net.ipv4.conf.default.rp_filter": "0" };
