import type { LabMachine } from "./names";

/** The DNS zone of every machine. */
export const zone = "kube.demo";

/** A bridge on the gate: one network of the tutorial, with the gate's own addresses in it. */
export interface LabNetwork {
  bridge: string;
  /** The gate's router address. */
  router: string;
  /** The gate's DNS address, where the network has one of its own. */
  dns?: string;
  prefix: number;
}

/**
 * The tutorial's networks, as bridges in the gate's namespace. A virtual machine's internal network NAME is `br-NAME`.
 * The tutorial's `dmz` carries VLANs; each VLAN is a bridge of its own here, because only the lab's own machines are in
 * them.
 */
export const networks = {
  node: { bridge: "br-node", router: "192.168.2.254", dns: "192.168.2.1", prefix: 24 },
  mast: { bridge: "br-mast", router: "192.168.1.254", dns: "192.168.1.1", prefix: 24 },
  vlan41: { bridge: "br-dmz.41", router: "192.168.4.30", prefix: 27 },
  vlan42: { bridge: "br-dmz.42", router: "192.168.4.62", dns: "192.168.4.33", prefix: 27 },
} satisfies Record<string, LabNetwork>;

/** What the gate's DHCP gives out on `node`; the addresses below are for MetalLB. */
export const dhcpRange = { first: "192.168.2.130", last: "192.168.2.253", leaseTime: "12h" };

/** The host-only network between the workstation and the gate. */
export const hostonly = { interface: "vboxnet0", host: "192.168.254.1", gate: "192.168.254.254", prefix: 16 };

/** A machine's network card: a veth whose other end is a port of the network's bridge. */
export interface LabNic {
  machine: LabMachine;
  interface: string;
  network: keyof typeof networks;
  address: string;
  /** Whether the machine's default route goes through this network's router. */
  defaultRoute: boolean;
}

/** The bastion's address; the same network as in the tutorial. */
export const bastionAddress = "192.168.4.57";
/** The master's own address. */
export const masterAddress = "192.168.1.2";
/** HAProxy's floating address in the tutorial. There is one master here, so it holds the address itself. */
export const floatingAddress = "192.168.4.20";

/** Every network card of the lab's own machines. */
export const nics: readonly LabNic[] = [
  { machine: "busybox", interface: "enp0s3", network: "vlan42", address: bastionAddress, defaultRoute: true },
  { machine: "kube-mast01", interface: "enp0s3", network: "mast", address: masterAddress, defaultRoute: true },
  { machine: "kube-mast01", interface: "enp0s8", network: "vlan41", address: floatingAddress, defaultRoute: false },
];

/** Names that the gate's DNS knows without DHCP. */
export const staticNames: Readonly<Record<string, string>> = {
  "gate-node01": networks.node.router,
  apt: networks.node.router,
  busybox: bastionAddress,
  "kube-mast01": masterAddress,
};
