import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pLimit from "p-limit";
import pRetry from "p-retry";
import { type Exec, exec as execHere, type ExecResult, lastLines, NotRunnable } from "./exec";
import { UserError } from "./errors";
import { type Medium, readMedia } from "./media";
import { VBoxError } from "./vboxError";
import { judgeVersion } from "./vboxVersion";
import { InaccessibleVm, readVmInfo, type VmInfo } from "./vminfo";

/** Calls at a time in this process: VBoxSVC, which does the work, gains nothing from more. */
const limit = pLimit(4);

/** How long a call that meets a locked machine is tried again. VirtualBox holds a lock for some seconds after a power-off. */
const PASSING_MS = 60_000;

/** English, and not in ASCII: with `C` alone VirtualBox ends at the first name with another letter (7.2: VERR_NO_TRANSLATION). */
const ENVIRONMENT = { LC_ALL: "C.UTF-8" };

interface CallOptions {
  timeoutMs?: number;
  /** Changes nothing, so it may be repeated after any collision. */
  looks?: boolean;
  /** Whether a result counts as success. Default: exit code 0. */
  succeeded?: (result: ExecResult) => boolean;
}

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

/** Where a drive is. */
export interface Slot {
  controller: string;
  port: number;
  device: number;
}

/**
 * VBoxManage, call by call. A machine is given by its name or UUID. A call that meets a lock which will pass is tried again for a minute.
 * Every method throws a {@link VBoxError} with VirtualBox's own words where it does not say otherwise.
 */
export class VBoxManage {
  constructor(
    private readonly file = "VBoxManage",
    private readonly exec: Exec = execHere,
    /** How long a copy or the making of a disk may take, in milliseconds; other calls have the deadline of `exec`. */
    private readonly cloneTimeoutMs = 3_600_000,
  ) {}

  /** @throws UserError for a VirtualBox that is too old; says so to `log` for one that is newer than we know */
  async checkVersion(log: (line: string) => void): Promise<void> {
    const warning = judgeVersion(await this.call(["--version"], { looks: true }));
    if (warning) log(warning);
  }

  /**
   * The machine, or undefined where there is none of this name or UUID.
   * @throws InaccessibleVm where there is one whose settings VirtualBox cannot read
   */
  async showVm(vm: string): Promise<VmInfo | undefined> {
    try {
      const output = await this.found(this.call(["showvminfo", vm, "--machinereadable"], { looks: true }));
      return output === undefined ? undefined : readVmInfo(output);
    } catch (error) {
      throw error instanceof VBoxError && error.isInaccessible ? new InaccessibleVm(vm) : error;
    }
  }

  /** The value of a key of the machine's extra data, or undefined. */
  getExtraData = async (vm: string, key: string) => valueIn(await this.call(["getextradata", vm, key], { looks: true }));

  setExtraData = (vm: string, key: string, value: string) => this.call(["setextradata", vm, key, value]);

  /** The value of a guest property, or undefined, also where there is no such machine. */
  async guestProperty(vm: string, property: string): Promise<string | undefined> {
    const output = await this.found(this.call(["guestproperty", "get", vm, property], { looks: true }));
    return output === undefined ? undefined : valueIn(output);
  }

  /** The folder in which VirtualBox makes machines. */
  machineFolder = () => this.systemProperty("Default machine folder");

  /**
   * Has VirtualBox write its registry of media to its settings. It does so when a property is set, whatever the value was before, and not
   * when a disk is closed that an interrupted clone left, if the server that cloned it still runs: the disk would be back after VirtualBox's
   * next start (measured with 7.2.22).
   */
  async saveRegistry(): Promise<void> {
    await this.call(["setproperty", "loghistorycount", await this.systemProperty("Log history count")]);
  }

  private async systemProperty(name: string): Promise<string> {
    const output = await this.call(["list", "systemproperties"], { looks: true });
    const value = new RegExp(`^${name}:\\s*(.*?)\\s*$`, "m").exec(output)?.[1];
    if (!value) throw new UserError(`VBoxManage list systemproperties printed no "${name}"`, { said: output });
    return value;
  }

  async clone(base: string, { name, uuid, baseFolder, snapshot, linked }: CloneOptions): Promise<void> {
    const from = snapshot ? ["--snapshot", snapshot] : [];
    const options = linked ? ["--options", "link"] : [];
    const target = ["--name", name, "--uuid", uuid, "--basefolder", baseFolder, "--register"];
    await this.call(["clonevm", base, "--mode", "machine", ...from, ...options, ...target], { timeoutMs: this.cloneTimeoutMs });
  }

  /** @param flags all changes at once: `["--cpus", "2", …]`; none at all is no call */
  async modify(vm: string, flags: readonly string[]): Promise<void> {
    if (flags.length > 0) await this.call(["modifyvm", vm, ...flags]);
  }

  addIdeController = (vm: string, name: string) => this.call(["storagectl", vm, "--name", name, "--add", "ide"]);

  /** @param medium a path or UUID, or `emptydrive` */
  attach = (vm: string, slot: Slot, type: "hdd" | "dvddrive", medium: string) =>
    this.call(["storageattach", vm, ...at(slot), "--type", type, "--medium", medium]);

  /** Takes the drive away. Its medium stays, and stays registered. */
  detach = (vm: string, slot: Slot) => this.call(["storageattach", vm, ...at(slot), "--medium", "none"]);

  async createDisk(path: string, sizeMb: number, format: string, variant: string): Promise<void> {
    const disk = ["--filename", path, "--size", String(sizeMb), "--format", format, "--variant", variant];
    await this.call(["createmedium", "disk", ...disk], { timeoutMs: this.cloneTimeoutMs });
  }

  resizeDisk = (medium: string, sizeMb: number) => this.call(["modifymedium", "disk", medium, "--resize", String(sizeMb)]);

  /** A disk by its UUID or path, or undefined where VirtualBox finds none. */
  async showDisk(medium: string): Promise<Medium | undefined> {
    const output = await this.found(this.call(["showmediuminfo", "disk", medium], { looks: true }));
    return output === undefined ? undefined : readMedia(output)[0];
  }

  /** All media of a kind that VirtualBox has registered. */
  listMedia = async (kind: "hdds" | "dvds") => readMedia(await this.call(["list", kind], { looks: true }));

  /** Takes a medium out of the registry. One that is not there, or just vanished with the machine that it belonged to, is no error. */
  async closeMedium(kind: "disk" | "dvd", uuid: string): Promise<void> {
    try {
      await this.call(["closemedium", kind, uuid]);
    } catch (error) {
      if (!(error instanceof VBoxError)) throw error;
      const registered = await this.listMedia(kind === "disk" ? "hdds" : "dvds");
      if (registered.some((medium) => medium.uuid === uuid)) throw error;
    }
  }

  /** @throws VBoxError with the last words of the machine's log where it did not start */
  async start(vm: VmInfo, timeoutMs: number): Promise<void> {
    const started = ({ exitCode, stdout }: ExecResult) => exitCode === 0 || /^VM ".*" has been successfully started\.$/m.test(stdout);
    try {
      await this.call(["startvm", vm.uuid, "--type", "headless"], { timeoutMs, succeeded: started });
    } catch (error) {
      const log = await readFile(join(vm.logFolder, "VBox.log"), "utf8").catch(() => undefined);
      if (!(error instanceof VBoxError) || !log) throw error;
      throw new UserError(`${vm.name} did not start`, {
        said: `${error.detail.said}\n${join(vm.logFolder, "VBox.log")} ends:\n${lastLines(log, 8)}`,
        cause: error,
      });
    }
  }

  control = (vm: string, command: "acpipowerbutton" | "poweroff" | "resume") => this.call(["controlvm", vm, command]);

  /** Deletes a disk that is attached to no machine, with its file. */
  deleteDisk = (medium: string) => this.call(["closemedium", "disk", medium, "--delete"]);

  /** Throws a saved machine's state away: it is off then. */
  discardState = (vm: string) => this.call(["discardstate", vm]);

  /**
   * Takes a machine out of the registry; with `deleteFiles`, its folder and disks are deleted, wherever they lie. VirtualBox does so in two
   * phases: where only the second fails, the machine is gone and files are left, which is no error. Nor is it that there is no such machine.
   */
  async unregister(vm: string, { deleteFiles }: { deleteFiles: boolean }): Promise<void> {
    try {
      await this.call(["unregistervm", vm, ...(deleteFiles ? ["--delete"] : [])], { timeoutMs: this.cloneTimeoutMs });
    } catch (error) {
      if (!(error instanceof VBoxError) || (await this.showVm(vm))) throw error;
    }
  }

  private call(args: readonly string[], options: CallOptions = {}): Promise<string> {
    return pRetry(() => limit(() => this.once(args, options)), {
      retries: 1000,
      maxRetryTime: PASSING_MS,
      minTimeout: 200,
      maxTimeout: 3000,
      factor: 1.5,
      randomize: true,
      shouldRetry: ({ error }) => error instanceof VBoxError && (error.isPassing || (options.looks === true && error.isCollision)),
    });
  }

  private async once(args: readonly string[], { timeoutMs, succeeded = ({ exitCode }) => exitCode === 0 }: CallOptions): Promise<string> {
    const result = await this.exec(this.file, args, { timeoutMs, env: ENVIRONMENT }).catch((error: unknown) => {
      throw error instanceof NotRunnable ? this.missing(error) : error;
    });
    if (!succeeded(result)) throw new VBoxError(`${this.file} ${args.slice(0, 3).join(" ")}`, result);
    return result.stdout;
  }

  private missing({ message, detail }: NotRunnable): UserError {
    const todo = "install VirtualBox, or give `vboxManage` the path of its VBoxManage";
    return new UserError(message.split("\n")[0]!, { ...detail, todo });
  }

  private async found(output: Promise<string>): Promise<string | undefined> {
    try {
      return await output;
    } catch (error) {
      if (error instanceof VBoxError && error.isNotFound) return undefined;
      throw error;
    }
  }
}

const at = ({ controller, port, device }: Slot) => ["--storagectl", controller, "--port", String(port), "--device", String(device)];

/** `Value: X`, or `No value set!`. */
const valueIn = (output: string) => /^Value: (.*?)\r?$/m.exec(output)?.[1];
