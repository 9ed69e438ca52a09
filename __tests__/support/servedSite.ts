import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateHostKey, type HostKey } from "../../cloudinit/hostKey";
import { isoImage } from "../../cloudinit/iso9660/image";
import { writeIso } from "../../cloudinit/isoFile";
import { render } from "../../cloudinit/render";
import { hostKeysFor } from "../../ssh/knownHosts";
import type { SshTarget } from "../../ssh/target";
import { beginRun } from "../../providers/engine";
import { startMachines } from "../../dev/simulator/machines";
import { servePrograms } from "../../dev/simulator/programServer";
import { baseImage, makeSite, type Site, type SiteOptions } from "../../dev/simulator/site";
import type { GuestDisk, SiteState } from "../../dev/simulator/state";
import { renderOptions } from "./cloudInit";

/** A simulated site that is deleted after the test file. */
export async function temporarySite(options: SiteOptions = {}): Promise<Site & { remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "site-"));
  return { ...(await makeSite(folder, options)), remove: () => rm(folder, { recursive: true }) };
}

/** A simulated site whose machines are served. */
export interface ServedSite extends Site {
  /** How to reach the bastion itself, */
  bastionTarget(): SshTarget;
  /** a master, */
  masterTarget(name?: string): SshTarget;
  /** and a worker, by a name or an address. */
  workerTarget(address: string, worker: { hostKey: HostKey }): SshTarget;
  /** Stops the servers, and starts them again. */
  restart(): Promise<void>;
  /** Stops the servers, and deletes the site. */
  remove(): Promise<void>;
}

/** Makes a site in a folder of its own, and serves it. */
export async function servedSite(options: SiteOptions = {}): Promise<ServedSite> {
  beginRun(); // What was planned on another site is none of this one's.
  const site = await temporarySite(options);
  let machines = await startMachines(site.folder);
  const endPrograms = await servePrograms(site.folder, join(site.folder, "programs.socket"));
  const knownHosts = await readFile(site.sshKnownHostsFile, "utf8");
  const login = { user: "debian", privateKeyFile: site.sshPrivateKeyFile };
  const bastionTarget = () => ({
    ...login,
    address: machines.address,
    port: machines.port,
    hostKeys: hostKeysFor(knownHosts, site.bastion.vm, machines.port),
  });
  return {
    ...site,
    bastionTarget,
    masterTarget: (name = "kube-mast01") => ({
      ...login,
      address: name,
      hostKeys: hostKeysFor(knownHosts, name),
      bastion: bastionTarget(),
    }),
    workerTarget: (address, { hostKey }) => ({
      ...login,
      address,
      hostKeys: [hostKey.hostPublicKey],
      bastion: bastionTarget(),
    }),
    restart: async () => {
      await machines.stop();
      machines = await startMachines(site.folder);
    },
    remove: async () => {
      await machines.stop();
      await endPrograms();
      await site.remove();
    },
  };
}

/** How a worker's first boot is to be. */
export interface WorkerOptions {
  /** Whether it ends with a reboot. Default: true. */
  reboots?: boolean;
  /** What is on its disk before. Default: nothing. */
  guest?: GuestDisk;
  kubernetesVersion?: string;
}

/** Puts a machine with a cidata ISO, as the program renders it, into a site, and switches it on: what VBoxVm does. */
export async function bootWorker(
  { world, isoFolder, sshPrivateKeyFile }: Site,
  name: string,
  { reboots = true, guest = {}, kubernetesVersion = "1.36.3" }: WorkerOptions = {},
) {
  const hostKey = generateHostKey();
  const mac = `080027${randomBytes(3).toString("hex").toUpperCase()}`;
  const sshPublicKey = (await readFile(`${sshPrivateKeyFile}.pub`, "utf8")).trim();
  const { files } = render(
    renderOptions({ name, sshPublicKey, kubernetesVersion, macAddresses: [mac] }, { reboot: reboots }),
    hostKey,
  );
  const isoPath = join(isoFolder, `${name}.iso`);
  await writeIso(isoPath, isoImage("cidata", files));
  const uuid = randomUUID();
  await world.change((state) => addMachine(state, { uuid, name, mac, isoPath, guest }));
  await power({ world }, uuid, "on");
  return { uuid, hostKey, isoPath };
}

function addMachine(
  { virtualBox }: SiteState,
  { uuid, name, mac, isoPath, guest }: { uuid: string; name: string; mac: string; isoPath: string; guest: GuestDisk },
): void {
  const base = virtualBox.machines.find((machine) => machine.name === baseImage)!;
  const image = virtualBox.media.find((medium) => medium.uuid === base.drives[0]!.medium)!;
  const [disk, dvd] = [randomUUID(), randomUUID()];
  virtualBox.media.push({ ...image, uuid: disk, location: `${name}.vdi`, guest: structuredClone(guest) });
  virtualBox.media.push({ uuid: dvd, kind: "dvd", location: isoPath, format: "RAW", variant: "Standard", sizeMb: 1 });
  const drives = [
    { controller: "IDE", port: 1, device: 0, isDvd: true, medium: dvd },
    { controller: "SATA", port: 0, device: 0, isDvd: false, medium: disk },
  ];
  virtualBox.machines.push({
    ...structuredClone(base),
    uuid,
    name,
    nics: { "1": { type: "intnet", network: "node", mac } },
    drives,
  });
}

/** Switches a machine on or off. */
export const power = ({ world }: Pick<Site, "world">, uuid: string, to: "on" | "off", at = Date.now()): Promise<void> =>
  world.change(({ virtualBox }) => {
    const machine = virtualBox.machines.find((machine) => machine.uuid === uuid)!;
    machine.state = to === "on" ? "running" : "poweroff";
    machine.boot = to === "on" ? { id: randomUUID(), nextId: randomUUID(), at } : undefined;
  });

/** What is on a machine's disk. */
export function diskOf(state: SiteState, uuid: string): GuestDisk {
  const { machines, media } = state.virtualBox;
  const drive = machines.find((machine) => machine.uuid === uuid)!.drives.find(({ isDvd }) => !isDvd)!;
  return media.find((medium) => medium.uuid === drive.medium)!.guest!;
}
