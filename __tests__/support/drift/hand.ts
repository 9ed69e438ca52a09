import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { firstBootImage, type Seed } from "../../../cloudinit/seed";
import { run } from "../../../dev/lab/exec";
import type { ClusterNode, GuestDisk, Machine, SiteState } from "../../../dev/simulator/state";
import type { SimulatedStack } from "../../../dev/simulator/stack";
import { diskOf } from "../servedSite";
import { readStackState } from "./stackState";

/** Somebody who works on one worker behind Pulumi's back: with VBoxManage, and as the cluster's administrator. */
export class Hand {
  /** The machine's UUID, by which it is known also under another name. */
  readonly uuid: string;

  constructor(
    private readonly stack: SimulatedStack,
    /** The worker's name. */
    readonly name: string,
  ) {
    this.uuid = machineOf(stack.world.read(), name)!.uuid;
  }

  /** Calls VBoxManage. */
  vbox = (...args: string[]) => run(join(this.stack.site, "bin/VBoxManage"), args);

  /** Calls `ip`. */
  ip = (...args: string[]) => run(join(this.stack.site, "bin/ip"), args);

  /** Does to the machine what needs it off, and starts it again. */
  async whileOff(work: () => Promise<unknown>): Promise<void> {
    await this.vbox("controlvm", this.uuid, "poweroff");
    await work();
    await this.vbox("startvm", this.uuid, "--type", "headless");
  }

  /** Changes the worker's Node. */
  node = (change: (node: ClusterNode) => unknown) => this.site((state) => void change(nodeOf(state, this.name)!));

  /** Takes the worker's Node away. */
  deleteNode = () =>
    this.site(({ cluster }) => void (cluster.nodes = cluster.nodes.filter(({ name }) => name !== this.name)));

  /** Changes what is on the worker's disk. */
  guest = (change: (disk: GuestDisk) => unknown) => this.site((state) => void change(diskOf(state, this.uuid)));

  /** Changes anything else. */
  site = (change: (state: SiteState) => void) => this.stack.world.change(change);

  /** Where a file of the site is. */
  file = (...path: string[]) => join(this.stack.site, ...path);

  get isoFile(): string {
    return this.file("iso/kube/dev", `${this.name}-cidata.iso`);
  }

  /** Brings back the ISO of the first boot, as from a backup. */
  restoreFirstIso = async () => {
    const state = await readStackState(this.stack);
    writeFileSync(this.isoFile, firstBootImage(state[`vbox:CloudInitIso ${this.name}`] as unknown as Seed)!);
  };

  get machineFolder(): string {
    return this.file("vms/vbox-kubeadm/kube/dev", this.name);
  }

  /** The file of one of the worker's `disks`, by its index. */
  diskFile = (index: number) => join(this.machineFolder, `vbox-kubeadm-disk-${index + 1}.vdi`);

  get settingsFile(): string {
    return join(this.machineFolder, `${this.name}.vbox`);
  }
}

/** A machine by its name or UUID. */
export const machineOf = ({ virtualBox }: SiteState, key: string): Machine | undefined =>
  virtualBox.machines.find(({ name, uuid }) => name === key || uuid === key);

/** A Node by its name. */
export const nodeOf = ({ cluster }: SiteState, name: string): ClusterNode | undefined =>
  cluster.nodes.find((node) => node.name === name);
