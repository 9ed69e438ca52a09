import type { Taint } from "../../kubernetes/kubectl";
import type { Suffering } from "./apiTroubles";
import type { Disk, Nic } from "../../virtualbox/machine";
import type { Cidata } from "./cidata";

/** Everything that a simulated site knows, as one JSON value in its folder; see world.ts. */
export interface SiteState {
  delays: Delays;
  virtualBox: VirtualBoxState;
  cluster: ClusterState;
  network: NetworkState;
}

/** How long things take, in milliseconds; 0 where nothing is to be waited for. */
export interface Delays {
  /** One call of VBoxManage. */
  call: number;
  /** A full clone, and a disk that is made or made larger. */
  clone: number;
  /** From power-on until sshd listens. */
  boot: number;
  /** Of cloud-init in a machine's first boot, until its end or its reboot. */
  cloudInit: number;
  /** From the power button until the machine is off. */
  shutdown: number;
  /** kubeadm join. */
  join: number;
  /** From the end of the join until the Node exists. */
  register: number;
  /** From then until it is Ready, with its pods. */
  ready: number;
  /**
   * For how long the cluster believes in a kubelet that it does not hear of; a Lease lasts four fifths of it, and is
   * renewed four times in that.
   */
  grace: number;
}

/** What VirtualBox keeps: machines and media. */
export interface VirtualBoxState {
  /** As `--version` prints it. */
  version: string;
  machineFolder: string;
  /** How many logs a machine has beside its newest. Default: 3, as VirtualBox's. */
  logHistoryCount?: number;
  /** What VirtualBox's server speaks. Default: `C`. */
  language?: string;
  /** Its own extra data: that of `global`. Default: none. */
  extraData?: Record<string, string>;
  /** What its lists of networks show. Default: the host-only adapter vboxnet0, and eth0 to bridge. */
  networks?: Partial<Record<"hostonlyifs" | "bridgedifs" | "natnets", { name: string; address?: string }[]>>;
  /** The file system of the machine folder has no room left. */
  isDiskFull?: boolean;
  machines: Machine[];
  media: Medium[];
}

/** A registered machine. */
export interface Machine {
  uuid: string;
  name: string;
  /** Path of its `.vbox` file. */
  settingsFile: string;
  /** In VirtualBox's words. One that passes (`stopping`) has an end, `until`. */
  state: "poweroff" | "running" | "paused" | "saved" | "aborted" | "stopping" | "gurumeditation";
  /** When `stopping` becomes `poweroff`, in milliseconds since the epoch. */
  until?: number;
  /** As `modifyvm` was told, without its dashes: `cpus`, `memory`, `vram`, `boot1`, …; NICs are apart. */
  settings: Record<string, string>;
  description?: string;
  /** By number, from 1; an absent one is `none`. */
  nics: Record<string, { type: string; network?: string; mac: string; isUnplugged?: boolean }>;
  /** By the adapter's number, which keeps it whatever it is attached to. A rule is as `natpf` was given it. */
  nat?: Record<string, { forwardings: string[]; tftp?: boolean }>;
  sharedFolders?: { name: string; hostPath: string }[];
  /** Their names. */
  usbFilters?: string[];
  controllers: { name: string; type: string; portCount: number }[];
  drives: Drive[];
  snapshots: Snapshot[];
  extraData: Record<string, string>;
  guestProperties: Record<string, string>;
  /** When its power went last, in milliseconds since the epoch. */
  offSince?: number;
  /** The guest has its DVDs mounted: none is taken out but by force. */
  holdsDvds?: boolean;
  /** The guest obeys the power button. */
  obeysAcpi: boolean;
  /** Whose session holds it, and for what: a lock of a process that has ended counts for nothing. */
  session?: { pid: number; shared: boolean };
  /** Of the current power-on; gone when it is off. */
  boot?: Boot;
}

/** One power-on. A first boot that ends with a reboot goes on in a second one, whose id is known beforehand. */
export interface Boot {
  id: string;
  nextId: string;
  /** Milliseconds since the epoch. */
  at: number;
  /** The guest has looked for its cidata: it does so once in a boot, whatever becomes of the ISO later. */
  seeded?: true;
}

/** A drive of a machine. */
export interface Drive {
  controller: string;
  port: number;
  device: number;
  isDvd: boolean;
  /** UUID of the medium in it; none in an empty drive. */
  medium?: string;
  /**
   * Of a DVD drive of a machine that has power: what the file was when it was opened, whatever is in its place now;
   * null where no cidata.
   */
  opened?: Cidata | null;
}

/** A snapshot: the media of the machine's disks at that time. */
export interface Snapshot {
  uuid: string;
  name: string;
  description?: string;
  drives: Drive[];
}

/** A registered medium. Its file exists as well, and VirtualBox looks for it. */
export interface Medium {
  uuid: string;
  parent?: string;
  kind: "disk" | "dvd";
  location: string;
  format: Disk["format"] | "RAW";
  variant: Disk["variant"];
  sizeMb: number;
  /** What the guest keeps on it; a clone has a copy. */
  guest?: GuestDisk;
}

/** What a guest keeps on its disk. */
export interface GuestDisk {
  /** The cloud-init instance that it became. */
  instanceId?: string;
  hostname?: string;
  machineId?: string;
  /** OpenSSH private key of its sshd. */
  hostKey?: string;
  sshUser?: string;
  authorizedKeys?: string[];
  /** The boot in which cloud-init made it. */
  firstBootId?: string;
  /** Whether that boot ended with a reboot, and when, in milliseconds since the epoch. */
  reboots?: boolean;
  firstBootEnds?: number;
  /** The power went before that. */
  isCutShort?: boolean;
  /** The user-data's last step writes the mark of its end. */
  leavesMark?: boolean;
  /** Such as `v1.36.3`: of kubelet and kubeadm. */
  kubernetesVersion?: string;
  /** Paths of the container runtimes' sockets. */
  criSockets?: string[];
  /** Of kubeadm join. */
  kubelet?: Kubelet;
  /**
   * Faults of the guest itself, for tests: what it says of itself instead of the truth. `kubeletMessage` is why its
   * kubelet is not Ready;
   * `writeError` what the system says where kubeadm writes a file.
   */
  facts?: Record<string, string>;
}

/** What a join left on a worker. */
export interface Kubelet {
  /**
   * `half`: bootstrap-kubelet.conf is still there; `remains`: it is not, but the cluster's CA is. In neither does the
   * kubelet run.
   */
  state: "half" | "remains" | "whole";
  nodeName: string;
  caCertHash: string;
  nodeIp: string;
  /** Path of the socket of the container runtime that it uses. */
  criSocket: string;
  /** What the Node is registered with, where there is none yet. */
  taints?: Taint[];
  /** The boot in which it started last: it registers its Node when it starts, and not again. */
  startedIn?: string;
}

/** The cluster that the masters serve. */
export interface ClusterState {
  /** Masters that are down; all others serve the one cluster. */
  mastersDown?: string[];
  /** The API server answers nobody. */
  apiDown?: boolean;
  /** What the API server suffers from. */
  trouble?: Suffering;
  /** So many joins fail after their kubelet has registered its Node. Default: none. */
  lateFailures?: number;
  /** Why flannel's pods do not start, such as `ImagePullBackOff`. */
  flannelWaits?: string;
  /** Such as `v1.36.3`. */
  version: string;
  endpoint: string;
  caCertificate: string;
  /** The administrator's kubeconfig, whole. */
  kubeconfig: string;
  tokens: Token[];
  nodes: ClusterNode[];
  /** What this program made of role bindings; kubeadm's own are always there. Default: none. */
  bindings?: Binding[];
  /** CertificateSigningRequests. Default: none. */
  requests?: CertificateRequest[];
}

/** A ClusterRoleBinding or RoleBinding, as the API has it. */
export interface Binding {
  apiVersion: string;
  kind: "ClusterRoleBinding" | "RoleBinding";
  metadata: {
    name: string;
    namespace?: string;
    uid: string;
    resourceVersion: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  roleRef: { apiGroup: string; kind: string; name: string };
  subjects: { apiGroup: string; kind: string; name: string }[];
}

/** A CertificateSigningRequest. */
export interface CertificateRequest {
  name: string;
  username: string;
  groups: string[];
  signerName: string;
  usages: string[];
  /** The PKCS#10 request. */
  pem: string;
  /** None yet. */
  decision?: "Approved" | "Denied";
}

/** A bootstrap token. */
export interface Token {
  id: string;
  secret: string;
  description: string;
  /** What its user is a member of. Default: kubeadm's own group. */
  group?: string;
  /** Milliseconds since the epoch; a token past it does not exist. None: it does not expire. */
  expires?: number;
}

/** A Node. Whether it is Ready follows from its machine. */
export interface ClusterNode {
  name: string;
  uid: string;
  /** UUID of the machine whose kubelet registered it. */
  systemUuid: string;
  machineId: string;
  internalIp: string;
  kubeletVersion: string;
  /** As the Node has it. Default: containerd's. */
  runtimeVersion?: string;
  /** Milliseconds since the epoch; may lie ahead: until then it does not exist. */
  registered: number;
  /** When its kubelet last renewed its Lease, in milliseconds since the epoch. Default: never. */
  renewed?: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  taints: Taint[];
  unschedulable?: boolean;
}

/** The workstation's interfaces and routes, and the gate's DHCP leases. */
export interface NetworkState {
  interfaces: string[];
  /** Our user may not change routes, and has no sudo. */
  isReadOnly?: boolean;
  /** Interface → its own address with the prefix, such as `192.168.254.1/16`: gateways must lie in it. */
  addresses?: Record<string, string>;
  /** As `ip -json -Numeric route` names their parts. */
  routes: { dst: string; gateway?: string; dev: string; protocol: string }[];
  /** MAC address as VirtualBox writes it → IPv4 address. */
  leases: Record<string, string>;
}

/** A NIC of a machine, where its network is looked at. */
export type SimulatedNic = Pick<Nic, "network" | "mac"> & { type: string };
