import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Exec, ExecResult } from "../../common/exec";
import type { Machine, VirtualBoxState } from "../../dev/simulator/state";
import { slotName } from "../../dev/simulator/virtualBox/print";
import { SimulatedVBoxManage } from "../../dev/simulator/virtualBox/simulatedVBoxManage";
import type { World } from "../../dev/simulator/world";
import { emptySite } from "./emptySite";

/**
 * A simulated VirtualBox in a folder of its own, with a machine `base` to clone: it records its calls, and fails where
 * a test wants it to.
 */
export class SimulatedVirtualBox {
  readonly calls: string[][] = [];
  /** May answer a call instead of VirtualBox. */
  fault: (args: string[]) => ExecResult | undefined = () => undefined;
  private readonly world: World;
  private readonly manage: SimulatedVBoxManage;

  private constructor(readonly folder: string) {
    this.world = emptySite(folder);
    this.manage = new SimulatedVBoxManage(this.world);
  }

  /** @param parent gets a folder for it */
  static async make(parent: string): Promise<SimulatedVirtualBox> {
    const box = new SimulatedVirtualBox(mkdtempSync(join(parent, "virtualbox-")));
    for (const iso of ["inherited.iso", "worker.iso", "moved.iso"]) writeFileSync(join(box.folder, iso), iso);
    const [disk, iso] = [join(box.machineFolder, "base/base.vdi"), join(box.folder, "inherited.iso")];
    await box.run("createvm", "--name", "base", "--ostype", "Debian_64", "--register");
    await box.run("storagectl", "base", "--name", "SATA", "--add", "sata", "--portcount", "4");
    await box.run("storagectl", "base", "--name", "IDE", "--add", "ide");
    await box.run("createmedium", "disk", "--filename", disk, "--size", "64");
    await box.run("storageattach", "base", "--storagectl", "SATA", "--port", "0", "--type", "hdd", "--medium", disk);
    await box.run("storageattach", "base", "--storagectl", "IDE", "--port", "1", "--type", "dvddrive", "--medium", iso);
    return box;
  }

  readonly exec: Exec = async (_file, args) => {
    this.calls.push([...args]);
    return this.fault([...args]) ?? (await this.manage.run(args));
  };

  /** A call of somebody else, which has to succeed. */
  async run(...args: string[]): Promise<void> {
    const { exitCode, stderr } = await this.manage.run(args);
    if (exitCode !== 0) throw new Error(`VBoxManage ${args.join(" ")}: ${stderr}`);
  }

  /** Changes something behind everybody's back. */
  change = (work: (box: VirtualBoxState) => void) => this.world.change(({ virtualBox }) => work(virtualBox));

  /** Brings a machine into a state that it would come to otherwise only by itself. */
  setState = (key: string, state: string) =>
    this.change((box) => void (find(box, key).state = state as Machine["state"]));

  /** The verbs of the calls so far, such as `startvm`. */
  get verbs(): string[] {
    return this.calls.map(([verb]) => verb!);
  }

  get machineFolder(): string {
    return this.world.read().virtualBox.machineFolder;
  }

  /** Names of all machines. */
  get names(): string[] {
    return this.world.read().virtualBox.machines.map(({ name }) => name);
  }

  /** Paths of all registered media, below the folder. */
  get media(): string[] {
    return this.world.read().virtualBox.media.map(({ location }) => location.slice(this.folder.length + 1));
  }

  /** A machine by its name or UUID. */
  vm = (key: string): Machine => find(this.world.read().virtualBox, key);

  /** A machine's drives: place → file name of the medium. */
  drives(key: string): Record<string, string | undefined> {
    const { media } = this.world.read().virtualBox;
    const fileOf = (uuid: string | undefined) =>
      media
        .find((medium) => medium.uuid === uuid)
        ?.location.split("/")
        .at(-1);
    return Object.fromEntries(this.vm(key).drives.map((drive) => [slotName(drive), fileOf(drive.medium)]));
  }
}

const find = ({ machines }: VirtualBoxState, key: string) =>
  machines.find(({ name, uuid }) => name === key || uuid === key)!;
