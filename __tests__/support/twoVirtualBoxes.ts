import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exec, type ExecResult } from "../../common/exec";
import { type Medium, readMedia, readMedium } from "../../virtualbox/media";
import { VBoxError } from "../../virtualbox/error";
import { readVmInfo } from "../../virtualbox/vmInfo";
import { projectDir } from "../../dev/lab/paths";
import { endVirtualBox } from "../../dev/lab/virtualBox";
import { SimulatedVBoxManage } from "../../dev/simulator/virtualBox/simulatedVBoxManage";
import type { World } from "../../dev/simulator/world";
import { emptySite } from "./emptySite";

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** Addresses that a test gave; any other is VirtualBox's own, and random. */
const GIVEN_MAC = /^080027A1B2/;

/** A VirtualBox with a folder of its own. */
interface Side {
  folder: string;
  run(args: readonly string[]): Promise<ExecResult>;
}

/** A call that meets the start of VirtualBox's server fails, and is made again, as the program does. */
async function realVBoxManage(folder: string, args: readonly string[]): Promise<ExecResult> {
  const call = () =>
    exec(join(projectDir, "dev/lab/VBoxManage"), args, { env: { VBOX_LAB_DIR: folder, LC_ALL: "C.UTF-8" } });
  const first = await call();
  return /Failed to create the VirtualBox object/.test(first.stderr) ? call() : first;
}

/**
 * VirtualBox and its simulator, which get the same calls and have to answer alike. Each has two ISOs, `inherited.iso`
 * and `other.iso`.
 */
export class TwoVirtualBoxes {
  /** The simulator's site. */
  readonly world: World;
  readonly real: Side;
  readonly simulated: Side;

  private readonly folder = mkdtempSync(join(tmpdir(), "two-virtualboxes-"));

  constructor() {
    const [real, simulated] = [join(this.folder, "real"), join(this.folder, "simulated")];
    for (const side of [real, simulated]) {
      mkdirSync(side);
      for (const name of ["inherited.iso", "other.iso"]) writeFileSync(join(side, name), Buffer.alloc(65_536));
    }
    this.real = { folder: real, run: (args) => realVBoxManage(real, args) };
    this.world = emptySite(simulated);
    const manage = new SimulatedVBoxManage(this.world);
    this.simulated = { folder: simulated, run: (args) => manage.run(args) };
  }

  /** Ends the real one, and removes both. */
  async end(): Promise<void> {
    await endVirtualBox(this.real.folder);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Does something to the folder of each. */
  inFolders(work: (folder: string) => void): void {
    for (const { folder } of [this.real, this.simulated]) work(folder);
  }

  /** Registers a machine with a disk, an ISO and two NICs. */
  async makeMachine(name: string, ...more: string[]): Promise<void> {
    const sata = ["storageattach", name, "--storagectl", "SATA", "--port", "0", "--device", "0", "--type", "hdd"];
    const ide = ["storageattach", name, "--storagectl", "IDE", "--port", "1", "--device", "0", "--type", "dvddrive"];
    await this.accept("createvm", "--name", name, "--ostype", "Debian_64", "--register", ...more);
    await this.accept(
      "modifyvm",
      name,
      "--memory",
      "512",
      "--nic1",
      "nat",
      "--nic3",
      "intnet",
      "--intnet3",
      "left over",
      "--macaddress3",
      "080027a1b203",
    );
    await this.accept("storagectl", name, "--name", "IDE", "--add", "ide");
    await this.accept(
      "storagectl",
      name,
      "--name",
      "SATA",
      "--add",
      "sata",
      "--controller",
      "IntelAhci",
      "--portcount",
      "2",
    );
    await this.accept("createmedium", "disk", "--filename", `DIR/vms/${name}/${name}.vdi`, "--size", "64");
    await this.accept(...sata, "--medium", `DIR/vms/${name}/${name}.vdi`);
    await this.accept(...ide, "--medium", "DIR/inherited.iso");
  }

  /**
   * Calls both, which have to do it.
   * @param args `DIR` at an argument's beginning is the side's folder, `UUID(x)` the UUID of machine x or of the medium
   * DIR/x
   */
  accept = async (...args: string[]): Promise<void> => {
    expect((await this.call(args)).exitCode).toBe(0);
  };

  /** Calls both, which have to refuse it in the same words. Arguments as for {@link accept}. @returns how */
  refuse = async (...args: string[]) => {
    const refusal = await this.call(args);
    expect(refusal.exitCode).not.toBe(0);
    return refusal;
  };

  /** Calls both, which have to print the same. Arguments as for {@link accept}. */
  print = async (...args: string[]): Promise<void> => {
    const [real, simulated] = await this.both(async (side) =>
      masked((await side.run(await resolved(side, args))).stdout.trim(), side),
    );
    expect(simulated).toEqual(real);
  };

  /** Shows that both have the same machines, media and files. */
  expectSameState = async (): Promise<void> => {
    const [real, simulated] = await this.both(stateOf);
    expect(simulated).toEqual(real);
  };

  /** Shows that both say the same of a disk. */
  async expectSameDisk(path: string): Promise<void> {
    const [real, simulated] = await this.both(async (side) => {
      const { stdout } = await side.run(await resolved(side, ["showmediuminfo", "disk", path]));
      return [readMedium(stdout)].map((disk) => plain(disk, side));
    });
    expect(simulated).toEqual(real);
    expect(simulated).toHaveLength(1);
  }

  /** Shows that both have the same disks in their registries, and the same files. */
  async expectSameDisks(): Promise<void> {
    const [real, simulated] = await this.both(async (side) => {
      const disks = readMedia(await read(side, ["list", "hdds"]));
      return { disks: sorted(disks.map((disk) => plain(disk, side))), files: filesOf(side) };
    });
    expect(simulated).toEqual(real);
  }

  private async call(args: readonly string[]) {
    const [real, simulated] = await this.both(async (side) =>
      endOf(args, await side.run(await resolved(side, args)), side),
    );
    expect(simulated).toEqual(real);
    return simulated;
  }

  private both<T>(look: (side: Side) => Promise<T>): Promise<[T, T]> {
    return Promise.all([look(this.real), look(this.simulated)]);
  }
}

async function resolved(side: Side, args: readonly string[]): Promise<string[]> {
  const uuids = args.some((arg) => arg.startsWith("UUID(")) ? await uuidsOf(side) : new Map<string, string>();
  return args.map((arg) =>
    arg.replace(/^DIR/, side.folder).replace(/^UUID\((.*)\)$/, (_all, name: string) => uuids.get(name)!),
  );
}

/** By a machine's name, and by a medium's path below the folder. */
async function uuidsOf(side: Side): Promise<Map<string, string>> {
  const machines = [...(await read(side, ["list", "vms"])).matchAll(/^"(.*)" \{(.*)\}$/gm)].map(
    ([, name, uuid]) => [name!, uuid!] as const,
  );
  const media = (await mediaOf(side)).map(
    ({ location, uuid }) => [location.slice(side.folder.length + 1), uuid] as const,
  );
  return new Map([...machines, ...media]);
}

/**
 * How a call ended, as far as anybody can tell: not where in VirtualBox. Where the real one is made to speak another
 * language, its words do not count.
 */
function endOf(args: readonly string[], result: ExecResult, side: Side) {
  const lines = result.stderr.split("\n").filter((line) => /^VBoxManage: error: (?!Details:|Context:|$)/.test(line));
  const words = process.env.VBOX_LAB_LANGUAGE ? [] : [...new Set(lines)].map((line) => masked(line, side));
  return { args, exitCode: result.exitCode, words, ...(result.exitCode !== 0 && kindOf(new VBoxError("", result))) };
}

const kindOf = ({ code, isNotFound, isInUse, isDenied, isTransient, isCollision }: VBoxError) => ({
  code,
  isNotFound,
  isInUse,
  isDenied,
  isTransient,
  isCollision,
});

const masked = (text: string, { folder }: Side) => text.replaceAll(folder, "DIR").replace(UUID, "…");

/**
 * What a call that only reads prints; one that meets the start of VirtualBox's server is repeated, as the product does.
 */
async function read(side: Side, args: readonly string[]): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const result = await side.run([...args]);
    if (result.exitCode === 0) return result.stdout;
    const error = new VBoxError(args.join(" "), result);
    if (!error.isCollision || attempt === 5) throw error;
    await sleep(200);
  }
}

const mediaOf = async (side: Side): Promise<Medium[]> =>
  (await Promise.all(["hdds", "dvds"].map(async (kind) => readMedia(await read(side, ["list", kind]))))).flat();

async function stateOf(side: Side) {
  const media = await mediaOf(side);
  const locations = new Map(media.map(({ uuid, location }) => [uuid, masked(location, side)]));
  const names = [...(await read(side, ["list", "vms"])).matchAll(/^"(.*)" \{/gm)].map(([, name]) => name!).sort();
  const machines = await Promise.all(names.map(async (name) => plain(await machineOf(side, name, locations), side)));
  const described = media.map((medium) => ({
    ...medium,
    uuid: undefined,
    parentUuid: locations.get(medium.parentUuid ?? ""),
  }));
  return { machines, media: sorted(described.map((medium) => plain(medium, side))), files: filesOf(side) };
}

async function machineOf(side: Side, name: string, locations: Map<string, string>) {
  const { nics, attachments, ...info } = readVmInfo(await read(side, ["showvminfo", name, "--machinereadable"]));
  const extraData = (await read(side, ["getextradata", name, "enumerate"])).trim();
  return {
    ...info,
    nics: nics.map((nic) => ({ ...nic, mac: GIVEN_MAC.test(nic.mac) || nic.mac === "" ? nic.mac : "random" })),
    attachments: sorted(
      attachments.map(({ uuid, ...drive }) => ({ ...drive, isOfMedium: uuid && locations.get(uuid) })),
    ),
    extraData,
  };
}

/** Without what differs from side to side and from run to run. */
const plain = <T extends object>(value: T, side: Side): T => JSON.parse(masked(JSON.stringify(value), side)) as T;

const sorted = <T>(values: T[]): T[] => [...values].sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));

/** Without VirtualBox's backups, its certificate for VRDE, and the second file of a fixed VMDK. */
const filesOf = (side: Side) =>
  readdirSync(join(side.folder, "vms"), { recursive: true, encoding: "utf8" })
    .filter((file) => !/\.vbox-prev$|-flat\.vmdk$|VRDEAuto.*\.pem$/.test(file))
    .map((file) => masked(file, side))
    .sort();
