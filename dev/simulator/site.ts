import { randomBytes, randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { generateHostKey } from "../../cloudinit/hostKey";
import { run } from "../lab/exec";
import { floatingAddress, hostonly, zone } from "../lab/topology";
import { noDelays } from "./delays";
import { bastionName, bastionPort, masterNames, sitePaths, siteUser } from "./sitePaths";
import type { ClusterState, Delays, Machine, Medium, SiteState } from "./state";
import { blankMachine } from "./virtualBox/blankMachine";
import { settingsOf } from "./virtualBox/machineFiles";
import { World } from "./world";

/** A simulated site, and what a stack's configuration needs of it. */
export interface Site {
  folder: string;
  world: World;
  sshPrivateKeyFile: string;
  sshKnownHostsFile: string;
  /** A folder for the workers' ISOs. */
  isoFolder: string;
  bastion: { vm: string; port: number };
  masters: string[];
}

/** How a site is to be. */
export interface SiteOptions {
  /** What differs from {@link noDelays}. */
  delays?: Partial<Delays>;
  /** Of VirtualBox, as `VBoxManage --version` prints it. Default `7.2.22_Debianr175245`. */
  virtualBoxVersion?: string;
  /** Of the cluster. Default `v1.36.3`. */
  kubernetesVersion?: string;
}

/** The base image that workers are cloned from. */
export const baseImage = "debian-base-image";

/** Makes a fresh site in a folder: its keys, its files, and its state. Nothing runs yet. */
export async function makeSite(folder: string, options: SiteOptions = {}): Promise<Site> {
  await writeKeys(folder);
  const caCertificate = await makeCa(folder);
  const { state, files } = freshState(folder, caCertificate, options);
  for (const [file, text] of Object.entries({ ...files, ...hostFiles(folder) })) await write(file, text);
  World.make(folder, state);
  const site = siteAt(folder);
  // The user's own, private and still empty.
  await mkdir(site.isoFolder, { mode: 0o700 });
  return site;
}

/** A site that was made before, as by {@link makeSite} or by copying its folder. */
export function siteAt(folder: string): Site {
  const { sshPrivateKeyFile, sshKnownHostsFile, isoFolder } = sitePaths(folder);
  const bastion = { vm: bastionName, port: bastionPort };
  return {
    folder,
    world: new World(folder),
    sshPrivateKeyFile,
    sshKnownHostsFile,
    isoFolder,
    bastion,
    masters: [...masterNames],
  };
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, text, { mode: 0o600 });
}

/** The user's key pair, the host keys, and known_hosts as somebody would have written it. */
async function writeKeys(folder: string): Promise<void> {
  const { sshPrivateKeyFile, sshKnownHostsFile, hostKey } = sitePaths(folder);
  const user = generateHostKey();
  await write(sshPrivateKeyFile, user.hostPrivateKey);
  await write(`${sshPrivateKeyFile}.pub`, `${user.hostPublicKey} ${siteUser}\n`);
  const lines: string[] = [];
  for (const machine of [bastionName, ...masterNames]) {
    const { hostPrivateKey, hostPublicKey } = generateHostKey();
    await write(hostKey(machine), hostPrivateKey);
    lines.push(
      `${machine === bastionName ? `[${machine}]:${bastionPort}` : `${machine},${machine}.${zone}`} ${hostPublicKey}\n`,
    );
  }
  await write(sshKnownHostsFile, lines.join(""));
}

/** The cluster's CA, whose key nobody needs. */
async function makeCa(folder: string): Promise<string> {
  const { caCertificate } = sitePaths(folder);
  await mkdir(dirname(caCertificate), { recursive: true });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/null"];
  await run("openssl", ["req", "-x509", ...key, "-days", "3650", "-subj", "/CN=kubernetes", "-out", caCertificate]);
  return readFile(caCertificate, "utf8");
}

/** What the host's own files say, in a folder that stands for its root: VirtualBox's driver is there, and memory. */
const hostFiles = (folder: string) => ({
  [join(folder, "host/dev/vboxdrv")]: "",
  [join(folder, "host/proc/meminfo")]: "MemTotal:       268435456 kB\nMemAvailable:   201326592 kB\n",
  [join(folder, "host/etc/vbox/networks.conf")]: "* 192.168.0.0/16\n",
});

const BASTION_MAC = "080027000457";

function freshState(
  folder: string,
  caCertificate: string,
  options: SiteOptions,
): { state: SiteState; files: Record<string, string> } {
  const { machineFolder } = sitePaths(folder);
  const { machine, disk } = baseMachine(machineFolder);
  const busybox = machineOf(machineFolder, bastionName);
  busybox.nics = { "1": { type: "intnet", network: "dmz", mac: BASTION_MAC } };
  busybox.guestProperties = {
    "/VirtualBox/GuestInfo/Net/0/MAC": BASTION_MAC,
    "/VirtualBox/GuestInfo/Net/0/V4/IP": "127.0.0.1",
  };
  const state: SiteState = {
    delays: { ...noDelays, ...options.delays },
    virtualBox: {
      version: options.virtualBoxVersion ?? "7.2.22_Debianr175245",
      machineFolder,
      machines: [machine, busybox],
      media: [disk],
    },
    cluster: freshCluster(caCertificate, options.kubernetesVersion ?? "v1.36.3"),
    network: {
      interfaces: ["lo", hostonly.interface],
      addresses: { [hostonly.interface]: `${hostonly.host}/${hostonly.prefix}` },
      routes: [],
      leases: {},
    },
  };
  // A disk's file holds what the disk is, for whoever opens it again.
  return {
    state,
    files: {
      [machine.settingsFile]: settingsOf(machine),
      [busybox.settingsFile]: settingsOf(busybox),
      [disk.location]: JSON.stringify(disk),
    },
  };
}

/** With the tutorial's hardware, as dev/lab/baseMachine.ts makes it. */
function baseMachine(machineFolder: string): { machine: Machine; disk: Medium } {
  const machine = machineOf(machineFolder, baseImage);
  const location = join(machineFolder, baseImage, `${baseImage}.vdi`);
  const disk: Medium = {
    uuid: randomUUID(),
    kind: "disk",
    location,
    format: "VDI",
    variant: "Standard",
    sizeMb: 8192,
    guest: {},
  };
  machine.nics["1"] = { type: "intnet", network: "node", mac: "0800270BA5E0" };
  machine.controllers = [
    { name: "IDE", type: "PIIX4", portCount: 2 },
    { name: "SATA", type: "IntelAhci", portCount: 4 },
  ];
  machine.drives = [{ controller: "SATA", port: 0, device: 0, isDvd: false, medium: disk.uuid }];
  return { machine, disk };
}

const machineOf = (machineFolder: string, name: string): Machine =>
  blankMachine({
    uuid: randomUUID(),
    name,
    settingsFile: join(machineFolder, name, `${name}.vbox`),
    osType: "Debian_64",
  });

function freshCluster(caCertificate: string, version: string): ClusterState {
  const endpoint = `${floatingAddress}:6443`;
  return {
    version,
    endpoint,
    caCertificate,
    kubeconfig: adminKubeconfig(endpoint, caCertificate),
    tokens: [],
    nodes: [],
  };
}

/** As kubeadm writes admin.conf; the client's certificate and key are only bytes. */
const adminKubeconfig = (endpoint: string, caCertificate: string) => `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${Buffer.from(caCertificate).toString("base64")}
    server: https://${endpoint}
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: kubernetes-admin
  name: kubernetes-admin@kubernetes
current-context: kubernetes-admin@kubernetes
kind: Config
preferences: {}
users:
- name: kubernetes-admin
  user:
    client-certificate-data: ${randomBytes(48).toString("base64")}
    client-key-data: ${randomBytes(48).toString("base64")}
`;
