import { isIPv4 } from "node:net";
import { z } from "zod";
import { cidr, networkOf } from "../common/ipv4";
import { isKubeletArgument, isKubeletValue } from "../kubernetes/joinProblems";
import { isLabelKey, isLabelValue } from "../kubernetes/labels";
import { isHost, parseSshAddress } from "../ssh/address";
import { isPublicKey } from "../ssh/hostKey";
import { DOORS } from "../virtualbox/doors";
import type { Nic } from "../virtualbox/machine";
import { nicKind, nicTypes } from "../virtualbox/nicKinds";
import { argument, count, distinct, refined, boolean, list, regex, object, record, checked, text } from "./rules";

/** A deadline in seconds, a day at most. */
export const seconds = (byDefault: number) => count(1, 86_400, "seconds").default(byDefault);

/** RFC 1123 label: what a host name, a Node and a VM of ours may be called. */
export const machineName = z
  .string("give a name")
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "give a host name: lower-case letters, digits and dashes, at most 63");
/** A network in CIDR notation, by its first address. */
export const network = text(
  "give a network such as 192.168.4.0/27, without host bits",
  (value) => networkOf(value) !== undefined && cidr(networkOf(value)!) === value,
);
/** An IPv4 address. */
export const address = text("give an IPv4 address such as 192.168.4.30", isIPv4);
/** A host name or an address. */
export const host = text("give a host name or an address, without a port", isHost);
/** A machine that SSH reaches, with user and port where they differ. */
export const sshAddress = text(
  "give a host name or an address, with user and port where they differ: kube-mast01, debian@kube-mast01:2222, [fd00::1]:2222",
  (value) => parseSshAddress(value) !== undefined,
);
/** A public host key, as a line of known_hosts has it. */
export const hostKey = text('give a public key such as "ssh-ed25519 AAAA…"', isPublicKey, 8192);
/** An address that goes into cloud-init's files. */
export const url = (
  property:
    | "debianMirror"
    | "kubernetesRepository"
    | "kubernetesKeyUrl"
    | "dockerRepository"
    | "dockerKeyUrl"
    | "criDockerdUrl",
) => checked(property).optional();

const namedNetwork = regex(
  "give the network's or adapter's name, without quotes, backslashes or a dash before it",
  /^[^-"\\][^"\\]*$/,
);

/** What the configuration of a network adapter is, by its kind. */
const nicShapes = nicTypes.map((type) =>
  nicKind(type)!.network
    ? object({ type: z.literal(type), network: namedNetwork }, "give a type")
    : object({ type: z.literal(type) }, "give a type"),
);

/** The kinds of network adapters, in a sentence. */
export const nicTypeNames = nicTypes.join(", ");

/** A network adapter. */
export const nic: z.ZodType<Omit<Nic, "mac">> = z.discriminatedUnion(
  "type",
  nicShapes as [(typeof nicShapes)[number]],
  `give a type: ${nicTypeNames}`,
);

/** An extra disk. */
export const disk = object(
  {
    sizeMb: count(4, 2_097_152, "MB"),
    format: z.enum(["VDI", "VMDK", "VHD"], "give VDI, VMDK or VHD").default("VDI"),
    variant: z.enum(["Standard", "Fixed"], "give Standard or Fixed").default("Standard"),
  },
  "give a disk such as {sizeMb: 1024}",
);

/** The name of a Node's label. */
export const labelKey = z
  .string("give a label's name")
  .refine(isLabelKey, "give a label's name such as example.com/disk");
/** The value of a Node's label. */
export const labelValue = refined(
  "give a label's value: letters, digits, dashes, dots, underscores, at most 63",
  isLabelValue,
);

/** A Node's taint. */
export const taint = object(
  {
    key: labelKey,
    value: labelValue.optional(),
    effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"], "give NoSchedule, PreferNoSchedule or NoExecute"),
  },
  "give a taint such as {key: gpu, effect: NoSchedule}",
);

/** What one worker may have of its own. */
export const worker = {
  containerRuntime: z.enum(["containerd", "docker"], "give containerd or docker"),
  cpus: count(1, 64, "CPUs"),
  memoryMb: count(512, 1_048_576, "MB"),
  vramMb: count(1, 256, "MB"),
  nics: list(nic, 8, "network adapters").min(1, "give at least one network adapter"),
  disks: list(disk, 28, "disks"),
  keepOpen: list(z.enum(DOORS, `give names of doors: ${DOORS.join(", ")}`), DOORS.length, "doors"),
  labels: record(labelKey, labelValue, 100, "give labels such as {disk: ssd}"),
  taints: list(taint, 100, "taints").refine(
    (taints) => distinct(taints, ({ key, effect }) => `${key}:${effect}`),
    "two taints have one key and effect; give each once",
  ),
  kubeletArgs: record(
    z.string().refine(isKubeletArgument, "give a kubelet argument's name without its dashes"),
    refined("give a value without spaces, quotes, backslashes and dollars, in ASCII", isKubeletValue),
    100,
    "give arguments such as {max-pods: 50}",
  ),
  baseImage: argument("give a VM's name"),
  reboot: boolean,
};
