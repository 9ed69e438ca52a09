import { isIP } from "node:net";
import { z } from "zod";
import { cidr, networkOf } from "./host/ipv4";

const text = z.coerce.string();
const optional = text.optional();
const count = (least: number, most: number, what: string) => z.number(`give a number of ${what}`).int(`give a whole number of ${what}`).min(least, `give at least ${least} ${what}`).max(most, `give at most ${most} ${what}`);
const seconds = (byDefault: number) => count(1, 86_400, "seconds").default(byDefault);

/** RFC 1123 label: what a host name, a Node and a VM of ours may be called. */
const machineName = z.string("give a name").regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "give a host name: lower-case letters, digits and dashes, at most 63");
const network = text.refine((value) => networkOf(value) !== undefined && cidr(networkOf(value)!) === value, "give a network such as 192.168.4.0/27, without host bits");
const address = text.refine((value) => isIP(value) === 4, "give an IPv4 address such as 192.168.4.30");
const host = text.regex(/^[A-Za-z0-9]([-A-Za-z0-9.:]*[A-Za-z0-9])?$/, "give a host name or an address");
const hostKey = text.regex(/^(ssh|ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]+=*/, 'give a public key such as "ssh-ed25519 AAAA…"');
const fingerprint = text.regex(/^[0-9A-Fa-f]{40}$/, "give 40 hexadecimal digits").optional();
const url = text.regex(/^(https?|file):\/\//, "give an address that begins with https://, http:// or file://").optional();

const nic = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("nat") }),
  ...(["natnetwork", "intnet", "hostonly", "hostonlynet", "bridged"] as const).map((type) => z.strictObject({ type: z.literal(type), network: text.min(1, "give the network's or adapter's name") })),
], "give a type: nat, natnetwork, intnet, hostonly, hostonlynet or bridged");

const disk = z.strictObject({
  sizeMb: count(4, 2_097_152, "MB"),
  format: z.enum(["VDI", "VMDK", "VHD"], "give VDI, VMDK or VHD").default("VDI"),
  variant: z.enum(["Standard", "Fixed"], "give Standard or Fixed").default("Standard"),
});

const labelKey = z.string().regex(/^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/, "give a label's name such as example.com/disk");
const labelValue = text.regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/, "give a label's value: letters, digits, dashes, dots, underscores, at most 63");

const taint = z.strictObject({
  key: labelKey,
  value: labelValue.optional(),
  effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"], "give NoSchedule, PreferNoSchedule or NoExecute"),
});

const worker = {
  cpus: count(1, 64, "CPUs"),
  memoryMb: count(512, 1_048_576, "MB"),
  vramMb: count(1, 256, "MB"),
  nics: z.array(nic, "give a list").min(1, "give at least one network adapter").max(8, "give at most 8 network adapters"),
  disks: z.array(disk, "give a list").max(28, "give at most 28 disks"),
  labels: z.record(labelKey, labelValue),
  taints: z.array(taint, "give a list"),
  kubeletArgs: z.record(z.string().regex(/^[a-z][a-z0-9-]*$/, "give a kubelet argument's name without its dashes"), text),
  baseImage: text.min(1, "give a VM's name"),
  reboot: z.boolean("give true or false"),
};

/** The shape of every configuration key. Defaults are Pulumi.yaml's; only those inside an object are here. */
export const configurationSchema = z.object({
  clusterName: machineName,
  zone: text.regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "give a DNS zone such as kube.demo"),
  kubernetesVersion: text.regex(/^1\.\d+\.\d+$/, "give a full version such as 1.36.3"),
  containerRuntime: z.enum(["containerd", "docker"], "give containerd or docker"),
  podSubnet: network,
  controlPlaneEndpoint: text.regex(/^[A-Za-z0-9.-]+:\d+$/, "give an address and a port such as 192.168.4.20:6443").optional(),
  cniSelector: text.regex(/^[^=,\s]+=[^=,\s]+(,[^=,\s]+=[^=,\s]+)*$/, "give labels such as app=flannel"),
  masters: z.array(host, "give a list").min(1, "give at least one master"),

  workerCount: count(0, 99, "workers"),
  workerNamePrefix: text.regex(/^[a-z0-9][-a-z0-9]{0,60}$/, "give the beginning of a host name"),
  workerNames: z.array(machineName, "give a list").default([]),
  ...worker,
  workerOverrides: z.record(z.string(), z.strictObject(worker).partial()),
  autostart: z.boolean("give true or false"),

  distro: z.enum(["debian", "ubuntu"], "give debian or ubuntu"),
  cloneMode: z.enum(["full", "linked"], "give full or linked"),
  baseSnapshot: optional,
  adopt: z.boolean("give true or false"),

  bastion: z
    .strictObject({ vm: optional, address: host.optional(), interface: count(0, 35, "the interface").optional(), port: count(1, 65_535, "the port").optional(), user: optional })
    .refine(({ vm, address }) => vm ?? address, "give vm or address"),
  routes: z.array(z.strictObject({ destination: network, gateway: address, interface: text.min(1, "give an interface such as vboxnet0") }), "give a list").default([]),
  sshUser: text.regex(/^[a-z_][-a-z0-9_]{0,31}$/, "give a user's name"),
  sshPrivateKeyFile: optional,
  sshPublicKey: hostKey.optional(),
  sshCaPublicKey: hostKey.optional(),
  sshKnownHostsFile: text,
  hostKeys: z.record(z.string(), z.array(hostKey)),
  vboxManage: text.min(1, "give the program"),
  isoFolder: text.min(1, "give a folder"),

  userData: optional,
  metaData: optional,
  networkConfig: optional,
  debianMirror: url,
  packageUpgrade: z.boolean("give true or false"),
  locale: text,
  timezone: text,
  kubernetesRepository: url,
  kubernetesKeyUrl: url,
  kubernetesKeyFingerprint: fingerprint,
  containerdPackage: z.enum(["containerd.io", "containerd"], "give containerd.io or containerd"),
  dockerRepository: url,
  dockerKeyUrl: url,
  dockerKeyFingerprint: fingerprint,
  criDockerdUrl: url,
  criDockerdSha256: text.regex(/^[0-9a-f]{64}$/, "give 64 hexadecimal digits").optional(),
  sandboxImage: optional,

  tokenTtlMinutes: count(1, 1440, "minutes"),
  timeouts: z.strictObject({
    cloudInit: seconds(1800),
    start: seconds(120),
    stop: seconds(120),
    ssh: seconds(120),
    join: seconds(300),
    ready: seconds(300),
    drain: seconds(120),
  }),
});

/** The stack's configuration. */
export type Configuration = z.infer<typeof configurationSchema>;

/** What `workerOverrides` may change of one worker. */
export type WorkerConfiguration = Pick<Configuration, keyof typeof worker>;
