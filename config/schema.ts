import { isIPv4 } from "node:net";
import { isAbsolute } from "node:path";
import { z } from "zod";
import { rules } from "../cloudinit/problems";
import { argument, count, digits, distinct, fitting, flag, list, matching, numbered, object, path, record, ruled, text } from "./rules";
import { cidr, networkOf } from "../common/ipv4";
import { DOORS } from "../virtualbox/doors";
import { isEndpoint, isKubeletArgument, isKubeletValue } from "../kubernetes/joinProblems";
import { isLabelKey, isLabelValue, isSelector } from "../kubernetes/labels";
import { isHost, parseSshAddress } from "../ssh/address";
import { isPublicKey } from "../ssh/hostKey";
import { expandHome } from "../common/userFile";

const seconds = (byDefault: number) => count(1, 86_400, "seconds").default(byDefault);

/** RFC 1123 label: what a host name, a Node and a VM of ours may be called. */
const machineName = z.string("give a name").regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "give a host name: lower-case letters, digits and dashes, at most 63");
const network = text("give a network such as 192.168.4.0/27, without host bits", (value) => networkOf(value) !== undefined && cidr(networkOf(value)!) === value);
const address = text("give an IPv4 address such as 192.168.4.30", isIPv4);
const host = text("give a host name or an address, without a port", isHost);
const sshAddress = text("give a host name or an address, with user and port where they differ: kube-mast01, debian@kube-mast01:2222, [fd00::1]:2222", (value) => parseSshAddress(value) !== undefined);
const hostKey = text('give a public key such as "ssh-ed25519 AAAA…"', isPublicKey, 8192);
const url = (property: "debianMirror" | "kubernetesRepository" | "kubernetesKeyUrl" | "dockerRepository" | "dockerKeyUrl" | "criDockerdUrl") => ruled(property).optional();

const nic = z.discriminatedUnion("type", [
  object({ type: z.literal("nat") }, "give a type"),
  ...(["natnetwork", "intnet", "hostonly", "hostonlynet", "bridged"] as const).map((type) =>
    object({ type: z.literal(type), network: matching("give the network's or adapter's name, without quotes, backslashes or a dash before it", /^[^-"\\][^"\\]*$/) }, "give a type"),
  ),
], "give a type: nat, natnetwork, intnet, hostonly, hostonlynet or bridged");

const disk = object(
  {
    sizeMb: count(4, 2_097_152, "MB"),
    format: z.enum(["VDI", "VMDK", "VHD"], "give VDI, VMDK or VHD").default("VDI"),
    variant: z.enum(["Standard", "Fixed"], "give Standard or Fixed").default("Standard"),
  },
  "give a disk such as {sizeMb: 1024}",
);

const labelKey = z.string("give a label's name").refine(isLabelKey, "give a label's name such as example.com/disk");
const labelValue = fitting("give a label's value: letters, digits, dashes, dots, underscores, at most 63", isLabelValue);

const taint = object(
  {
    key: labelKey,
    value: labelValue.optional(),
    effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"], "give NoSchedule, PreferNoSchedule or NoExecute"),
  },
  "give a taint such as {key: gpu, effect: NoSchedule}",
);

const worker = {
  containerRuntime: z.enum(["containerd", "docker"], "give containerd or docker"),
  cpus: count(1, 64, "CPUs"),
  memoryMb: count(512, 1_048_576, "MB"),
  vramMb: count(1, 256, "MB"),
  nics: list(nic, 8, "network adapters").min(1, "give at least one network adapter"),
  disks: list(disk, 28, "disks"),
  keepOpen: list(z.enum(DOORS, `give names of doors: ${DOORS.join(", ")}`), DOORS.length, "doors"),
  labels: record(labelKey, labelValue, 100, "give labels such as {disk: ssd}"),
  taints: list(taint, 100, "taints").refine((taints) => distinct(taints, ({ key, effect }) => `${key}:${effect}`), "two taints have one key and effect; give each once"),
  kubeletArgs: record(
    z.string().refine(isKubeletArgument, "give a kubelet argument's name without its dashes"),
    fitting("give a value without spaces, quotes, backslashes and dollars, in ASCII", isKubeletValue),
    100,
    "give arguments such as {max-pods: 50}",
  ),
  baseImage: argument("give a VM's name"),
  reboot: flag,
};

/** The shape of every configuration key. Defaults are Pulumi.yaml's; only those inside an object are here. */
export const configurationSchema = z.object({
  clusterName: machineName,
  zone: ruled("zone"),
  kubernetesVersion: matching("give a full version such as 1.36.3", /^1\.\d{1,3}\.\d{1,3}$/).optional(),
  podSubnet: network,
  controlPlaneEndpoint: text("give an address and a port such as 192.168.4.20:6443", isEndpoint).optional(),
  requiredPods: list(text("give labels such as k8s-app=cilium", isSelector, 1024), 20, "pods"),
  cniSelector: text("give labels such as app=flannel", isSelector, 1024).optional(),
  masters: list(sshAddress, 99, "masters").min(1, "give at least one master"),

  workerCount: count(0, 99, "workers"),
  workerNamePrefix: matching("give the beginning of a host name", /^[a-z0-9][-a-z0-9]{0,60}$/),
  workerNames: list(machineName, 99, "workers").default([]),
  ...worker,
  workerOverrides: record(machineName, object(worker, "give what that worker has otherwise, such as {cpus: 4}").partial(), 99, "give workers by their names"),
  autostart: flag,

  distro: z.enum(["debian", "ubuntu"], "give debian or ubuntu"),
  cloneMode: z.enum(["full", "linked"], "give full or linked"),
  baseSnapshot: argument("give a snapshot's name").optional(),
  adopt: flag,

  bastion: object(
    {
      vm: argument("give a VM's name").optional(),
      address: host.optional(),
      interface: numbered(0, 35, "the interface's number").optional(),
      port: numbered(1, 65_535, "the port").optional(),
      user: matching("give a user's name", /^[A-Za-z_][-\w.]{0,31}$/).optional(),
    },
    "give a bastion such as {vm: busybox}",
  ).refine(({ vm, address }) => vm ?? address, "give vm or address"),
  routes: list(
    object({ destination: network, gateway: address, interface: argument("give an interface such as vboxnet0") }, "give a route such as {destination: 192.168.4.0/27, gateway: 192.168.4.30, interface: vboxnet0}"),
    99,
    "routes",
  )
    .refine((routes) => distinct(routes, ({ destination }) => destination), "two routes have one destination; give each once")
    .default([]),
  sshUser: ruled("sshUser"),
  sshPrivateKeyFile: path("give a file").optional(),
  sshPublicKey: ruled("sshPublicKey").optional(),
  sshCaPublicKey: ruled("sshCaPublicKey").optional(),
  sshKnownHostsFile: path("give a file"),
  hostKeys: record(z.string().regex(/^[^\p{Cc}\p{Cs}]{1,255}$/u, "give a machine's name"), list(hostKey, 20, "keys of a machine").min(1, "give at least one key"), 200, "give keys by their machines' names"),
  vboxManage: path("give the program"),
  childEnvironment: list(matching("give a variable's name, such as HTTP_PROXY", /^[A-Za-z_][A-Za-z0-9_]{0,127}$/), 50, "variables").default([]),
  isoFolder: text("give a folder by its whole path, or from ~/ on", (folder) => isAbsolute(expandHome(folder)), 512),

  userData: path("give a file").optional(),
  metaData: path("give a file").optional(),
  networkConfig: path("give a file").optional(),
  userDataValues: record(
    z.string().regex(/^[A-Za-z_][\w-]{0,62}$/, "give a name such as password: letters, digits, _ and -"),
    fitting("give a text of at most 16384 characters", (value) => rules.userDataValues[0].safeParse({ value }).success),
    100,
    "give texts by their names",
  ),
  debianMirror: url("debianMirror"),
  packageUpgrade: flag,
  locale: ruled("locale"),
  timezone: ruled("timezone"),
  kubernetesRepository: url("kubernetesRepository"),
  kubernetesKeyUrl: url("kubernetesKeyUrl"),
  kubernetesKeyFingerprint: digits(40).toUpperCase().optional(),
  containerdPackage: z.enum(["containerd.io", "containerd"], "give containerd.io or containerd"),
  dockerPackage: z.enum(["docker-ce", "docker.io"], "give docker-ce or docker.io"),
  dockerRepository: url("dockerRepository"),
  dockerKeyUrl: url("dockerKeyUrl"),
  dockerKeyFingerprint: digits(40).toUpperCase().optional(),
  criDockerdUrl: url("criDockerdUrl"),
  criDockerdSha256: digits(64).toLowerCase().optional(),
  sandboxImage: ruled("sandboxImage").optional(),

  checks: z.enum(["on", "off"], "give on or off"),
  tokenTtlMinutes: count(1, 1440, "minutes"),
  timeouts: object(
    {
      command: seconds(120),
      clone: seconds(3600),
      cloudInit: seconds(1800),
      start: seconds(120),
      stop: seconds(120),
      ssh: seconds(120),
      join: seconds(300),
      ready: seconds(300),
      drain: seconds(120),
    },
    "give deadlines such as {join: 600}",
  ),
});

/** The stack's configuration. */
export type Configuration = z.infer<typeof configurationSchema>;

/** What `workerOverrides` may change of one worker. */
export type WorkerConfiguration = Pick<Configuration, keyof typeof worker>;
