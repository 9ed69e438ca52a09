import { existsSync, readFileSync } from "node:fs";
import { load } from "js-yaml";
import { FIRST_BOOT_MARK } from "../../cloudinit/report";
import { isIso, readIso } from "./isoReader";

/** What a cidata disc makes of a machine, as far as the simulated cloud-init does it. */
export interface Cidata {
  instanceId: string;
  hostname: string;
  /** OpenSSH private key of the guest's sshd. */
  hostKey?: string;
  sshUser?: string;
  authorizedKeys: string[];
  /** Whether the first boot ends with a reboot. */
  reboots: boolean;
  /** Whether the last step writes the mark of the first boot's end. */
  leavesMark: boolean;
  /** Such as `v1.36.3`; undefined where it installs none. */
  kubernetesVersion?: string;
  /** Paths of the sockets of the container runtimes that it installs. */
  criSockets: string[];
}

interface UserData {
  hostname?: string;
  users?: (string | { name: string; ssh_authorized_keys?: string[] })[];
  ssh_keys?: { ed25519_private?: string };
  power_state?: { mode?: string };
  runcmd?: (string | string[])[];
}

/** Reads a disc as cloud-init's datasource NoCloud does; undefined where there is none, or it is no cidata disc. */
export function readCidata(path: string): Cidata | undefined {
  if (!existsSync(path)) return undefined;
  const image = readFileSync(path);
  if (!isIso(image)) return undefined;
  const { volumeId, files } = readIso(image);
  if (volumeId.toLowerCase() !== "cidata") return undefined;
  const yaml = (name: string) => load(files.get(name)?.toString("utf8") ?? "") ?? {};
  const meta = yaml("meta-data") as { "instance-id"?: string; "local-hostname"?: string };
  const { hostname, users = [], ssh_keys, power_state, runcmd = [] } = yaml("user-data") as UserData;
  const user = users.find((entry) => typeof entry !== "string");
  const steps = runcmd.filter((step) => typeof step !== "string");
  const installation = (program: string) => steps.find(([file]) => file?.endsWith(`/${program}`));
  const version = installation("install-kubernetes")?.[1];
  return {
    instanceId: meta["instance-id"] ?? "nocloud",
    hostname: hostname ?? meta["local-hostname"] ?? "localhost",
    hostKey: ssh_keys?.ed25519_private,
    sshUser: user?.name,
    authorizedKeys: user?.ssh_authorized_keys ?? [],
    reboots: power_state?.mode === "reboot",
    leavesMark: steps.at(-1)?.includes(FIRST_BOOT_MARK) ?? false,
    kubernetesVersion: version === undefined ? undefined : `v${version}`,
    // Docker Engine brings containerd along, with its socket.
    criSockets: [
      "/run/containerd/containerd.sock",
      ...(installation("install-docker") ? ["/run/cri-dockerd.sock"] : []),
    ],
  };
}
