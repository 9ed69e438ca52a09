import { inaccessibleIn, readInaccessibleFiles, readSystemProperty, readValue } from "./answer";
import { VBoxCalls } from "./calls";
import { VBoxError } from "./error";
import { type Medium, readMedia, readMedium } from "./media";
import { type Slot, slotArguments } from "./slot";
import { judgeVersion, readVersion } from "./version";
import { InaccessibleVm, readVmInfo, type VmInfo } from "./vmInfo";
import type { Log } from "../common/log";

/** How to clone a machine; see `VBoxManage clonevm`. */
export interface CloneOptions {
  name: string;
  uuid: string;
  /** The clone's folder is made in this one. */
  baseFolder: string;
  /** Clones this snapshot instead of the machine's current state. */
  snapshot?: string;
  /** Differences from the snapshot, instead of a copy. */
  linked: boolean;
}

/**
 * VBoxManage, call by call. A machine is given by its name or UUID. A call that meets a lock which will pass is tried
 * again for a minute. Every method throws a {@link VBoxError} with VirtualBox's own words where it does not say
 * otherwise.
 */
export class VBoxManage extends VBoxCalls {
  /**
   * @throws UserError for a VirtualBox that is too old; one that is newer than we know is a warning in `log`
   * @throws NotUnderstood for one that speaks another language than English
   */
  async checkVersion(log: Log): Promise<void> {
    const warning = judgeVersion(await this.call(["--version"], { readOnly: true }));
    if (warning) log(warning, "warning");
    await this.machineFolder(); // VirtualBox's server is not asked for its version, but speaks here.
  }

  /** What `list` prints of something that VirtualBox has, read by `read`. */
  list = <T>(
    what: "hostonlyifs" | "bridgedifs" | "hostonlynets" | "natnets" | "vms" | "runningvms",
    read: (output: string) => T,
  ) => this.look(["list", what], read);

  /** VirtualBox's version: whole, such as `7.2.22_Debianr175245`, and its first numbers. */
  version = async () => readVersion(await this.call(["--version"], { readOnly: true }));

  /**
   * The machine, or undefined where there is none of this name or UUID.
   * @throws InaccessibleVm where there is one whose settings VirtualBox cannot read
   */
  async showVm(vm: string): Promise<VmInfo | undefined> {
    try {
      return await this.found(this.look(["showvminfo", vm, "--machinereadable"], readVmInfo));
    } catch (error) {
      throw error instanceof VBoxError && (await this.isInaccessible(vm, error)) ? new InaccessibleVm(vm) : error;
    }
  }

  /**
   * UUIDs of the registered machines whose settings VirtualBox cannot read: it knows nothing else of them, not even
   * their names.
   */
  inaccessibleVms = () => this.look(["list", "vms"], inaccessibleIn);

  /** Paths of these machines' settings files, by UUID. */
  inaccessibleFiles = () => this.look(["list", "vms", "--long"], readInaccessibleFiles);

  /** Whether VirtualBox has this machine, be its settings readable or not. */
  async isRegistered(vm: string): Promise<boolean> {
    try {
      return (await this.showVm(vm)) !== undefined;
    } catch (error) {
      if (error instanceof InaccessibleVm) return true;
      throw error;
    }
  }

  /**
   * The value of a key of the extra data of a machine, or of VirtualBox itself: `global`; undefined where it has none.
   */
  getExtraData = (vm: string, key: string) =>
    this.look(["getextradata", vm, key], (output) => readValue("VBoxManage getextradata", output));

  /** Without a value, the key is taken away. */
  setExtraData = (vm: string, key: string, value?: string) =>
    this.call(["setextradata", vm, key, ...(value === undefined ? [] : [value])]);

  /** The value of a guest property, or undefined, also where there is no such machine. */
  guestProperty = (vm: string, property: string) =>
    this.found(
      this.look(["guestproperty", "get", vm, property], (output) => readValue("VBoxManage guestproperty", output)),
    );

  /** The folder in which VirtualBox makes machines. */
  machineFolder = () => this.systemProperty("Default machine folder");

  /**
   * Has VirtualBox write its registry of media to its settings. It does so when a property is set, whatever the value
   * was before, and not when a disk is closed that an interrupted clone left, if the server that cloned it still runs:
   * the disk would be back after VirtualBox's next start (measured with 7.2.22).
   */
  async saveRegistry(): Promise<void> {
    await this.call(["setproperty", "loghistorycount", await this.systemProperty("Log history count")]);
  }

  private systemProperty = (name: string) =>
    this.look(["list", "systemproperties"], (output) => readSystemProperty(output, name));

  /** Whether the machine has a snapshot of this name or UUID. */
  hasSnapshot = async (vm: string, snapshot: string) =>
    (await this.found(this.call(["snapshot", vm, "showvminfo", snapshot], { readOnly: true }))) !== undefined;

  async clone(base: string, { name, uuid, baseFolder, snapshot, linked }: CloneOptions): Promise<void> {
    const from = snapshot ? ["--snapshot", snapshot] : [];
    const options = linked ? ["--options", "link"] : [];
    const target = ["--name", name, "--uuid", uuid, "--basefolder", baseFolder, "--register"];
    await this.call(["clonevm", base, "--mode", "machine", ...from, ...options, ...target], {
      timeoutMs: this.cloneTimeoutMs,
    });
  }

  /** @param flags all changes at once: `["--cpus", "2", …]`; none at all is no call */
  async modify(vm: string, flags: readonly string[]): Promise<void> {
    if (flags.length > 0) await this.call(["modifyvm", vm, ...flags]);
  }

  addIdeController = (vm: string, name: string) => this.call(["storagectl", vm, "--name", name, "--add", "ide"]);

  /**
   * @param medium a path or UUID, or `emptydrive`: of a running machine, one that the guest has mounted is taken out
   * too
   */
  attach = (vm: string, slot: Slot, type: "hdd" | "dvddrive", medium: string) =>
    this.call([
      "storageattach",
      vm,
      ...slotArguments(slot),
      "--type",
      type,
      ...(type === "dvddrive" ? ["--forceunmount"] : []),
      "--medium",
      medium,
    ]);

  /** Takes the drive away. Its medium stays, and stays registered. */
  detach = (vm: string, slot: Slot) => this.call(["storageattach", vm, ...slotArguments(slot), "--medium", "none"]);

  async createDisk(path: string, sizeMb: number, format: string, variant: string): Promise<void> {
    const disk = ["--filename", path, "--size", String(sizeMb), "--format", format, "--variant", variant];
    await this.call(["createmedium", "disk", ...disk], { timeoutMs: this.cloneTimeoutMs });
  }

  resizeDisk = (medium: string, sizeMb: number) =>
    this.call(["modifymedium", "disk", medium, "--resize", String(sizeMb)]);

  /** A disk by its UUID or path, or undefined where VirtualBox finds none. */
  showDisk = (medium: string): Promise<Medium | undefined> =>
    this.found(this.look(["showmediuminfo", "disk", medium], readMedium));

  /** All media of a kind that VirtualBox has registered. */
  listMedia = (kind: "hdds" | "dvds") => this.look(["list", kind], readMedia);

  /**
   * Takes a medium out of the registry. One that is not there, or just vanished with the machine that it belonged to,
   * is no error.
   */
  async closeMedium(kind: "disk" | "dvd", uuid: string): Promise<void> {
    try {
      await this.call(["closemedium", kind, uuid]);
    } catch (error) {
      if (!(error instanceof VBoxError)) throw error;
      const registered = await this.listMedia(kind === "disk" ? "hdds" : "dvds");
      if (registered.some((medium) => medium.uuid === uuid)) throw error;
    }
  }

  /**
   * Starts a machine. A start that VirtualBox lost on the way is tried again, as long as a start may take; one that
   * fails, or passes its deadline, counts where the machine runs all the same.
   */
  async start(vm: VmInfo, timeoutMs: number): Promise<void> {
    const passes = async (error: VBoxError) => (error.isTransient || error.isLostStart) && !(await this.isUp(vm));
    try {
      await this.call(["startvm", vm.uuid, "--type", "headless"], { timeoutMs, patienceMs: timeoutMs, passes });
    } catch (error) {
      if (!(await this.isUp(vm))) throw error;
    }
  }

  private isUp = ({ uuid }: VmInfo) =>
    this.showVm(uuid).then(
      (vm) => vm?.condition === "running",
      () => false,
    );

  control = (vm: string, command: "acpipowerbutton" | "poweroff" | "resume") => this.call(["controlvm", vm, command]);

  /** Plugs in the cable of a network adapter of a machine that has power. */
  plugIn = (vm: string, nic: number) => this.call(["controlvm", vm, `setlinkstate${nic}`, "on"]);

  removeSharedFolder = (vm: string, name: string) => this.call(["sharedfolder", "remove", vm, "--name", name]);

  /** @param index from 0 */
  removeUsbFilter = (vm: string, index: number) => this.call(["usbfilter", "remove", String(index), "--target", vm]);

  /** Deletes a disk that is attached to no machine, with its file. */
  deleteDisk = (medium: string) => this.call(["closemedium", "disk", medium, "--delete"]);

  /** Throws a saved machine's state away: it is off then. */
  discardState = (vm: string) => this.call(["discardstate", vm]);

  /**
   * Takes a machine out of the registry; with `deleteFiles`, its folder and disks are deleted, wherever they lie.
   * VirtualBox does so in two phases: where only the second fails, the machine is gone and files are left, which is no
   * error. Nor is it that there is no such machine.
   */
  async unregister(vm: string, { deleteFiles }: { deleteFiles: boolean }): Promise<void> {
    try {
      await this.call(["unregistervm", vm, ...(deleteFiles ? ["--delete"] : [])], { timeoutMs: this.cloneTimeoutMs });
    } catch (error) {
      if (!(error instanceof VBoxError) || (await this.showVm(vm))) throw error;
    }
  }
}
