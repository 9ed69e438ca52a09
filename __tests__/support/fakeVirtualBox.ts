import { randomUUID } from "node:crypto";
import { basename, dirname, join } from "node:path";
import type { Exec, ExecResult } from "../../host/exec";

interface FakeVm {
  uuid: string;
  name: string;
  folder: string;
  state: string;
  settings: Record<string, string>;
  /** `controller-port-device` → path of the medium, or `emptydrive`. */
  drives: Record<string, string>;
  extraData: Record<string, string>;
}

interface FakeMedium {
  uuid: string;
  location: string;
  format: string;
  variant: string;
  sizeMb: number;
}

const ok = (stdout = ""): ExecResult => ({ stdout, stderr: "", exitCode: 0 });

/** A failure as VBoxManage prints it. */
export const failure = (words: string, code = "E_FAIL"): ExecResult => ({
  stdout: "",
  stderr: `VBoxManage: error: ${words}\nVBoxManage: error: Details: code ${code} (0x80004005), component X, interface Y`,
  exitCode: 1,
});

/** Ends a call with this result. */
class Refusal extends Error {
  constructor(
    words: string,
    code?: string,
    readonly result = failure(words, code),
  ) {
    super(words);
  }
}

/** As much of VBoxManage as VBoxVm uses, in memory: with machines that run, and faults where a test wants them. */
export class FakeVirtualBox {
  readonly vms: FakeVm[] = [];
  media: FakeMedium[] = [];
  readonly calls: string[][] = [];
  /** Whether guests obey the power button. */
  obeysAcpi = true;
  /** May answer a call instead of VirtualBox, or throw as if the program was killed. */
  fault: (args: string[]) => ExecResult | undefined = () => undefined;

  constructor(readonly machineFolder: string) {
    const base = this.make("base", join(machineFolder, "base"));
    base.settings = { ...base.settings, nic1: "nat", macaddress1: "080027000000" };
    base.drives = { "SATA-0-0": this.makeMedium(join(base.folder, "base.vdi"), 64), "IDE-1-0": "/isos/inherited.iso" };
  }

  /** A machine by its name or UUID. */
  vm(key: string): FakeVm {
    const vm = this.vms.find(({ name, uuid }) => name === key || uuid === key);
    if (!vm) throw new Refusal(`Could not find a registered machine named '${key}'`, "VBOX_E_OBJECT_NOT_FOUND");
    return vm;
  }

  /** The verbs of the calls so far, such as `startvm`. */
  get verbs(): string[] {
    return this.calls.map(([verb]) => verb!);
  }

  readonly exec: Exec = (_file, args) => {
    this.calls.push([...args]);
    const answer = this.fault([...args]);
    if (answer) return Promise.resolve(answer);
    try {
      return Promise.resolve(this.run(args[0]!, args.slice(1)));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return Promise.resolve(error.result);
    }
  };

  make(name: string, folder: string, uuid: string = randomUUID()): FakeVm {
    const vm = { uuid, name, folder, state: "poweroff", settings: { cpus: "1", memory: "512", vram: "8" }, drives: {}, extraData: {} };
    this.vms.push(vm);
    return vm;
  }

  private makeMedium(location: string, sizeMb: number, format = "VDI", variant = "Standard"): string {
    this.media.push({ uuid: randomUUID(), location, sizeMb, format, variant });
    return location;
  }

  private run(verb: string, args: string[]): ExecResult {
    const [first = "", second = "", third = ""] = args;
    const option = (name: string) => args[args.indexOf(`--${name}`) + 1]!;
    switch (verb) {
      case "--version":
        return ok("7.2.22_Debianr175245\n");
      case "list":
        return ok(
          first === "systemproperties"
            ? `Default machine folder: ${this.machineFolder}\n`
            : this.media
                .filter((m) => m.location.endsWith(".iso") === (first === "dvds"))
                .map(printMedium)
                .join("\n"),
        );
      case "showvminfo":
        return ok(this.print(this.vm(first)));
      case "getextradata":
        return ok(this.vm(first).extraData[second] === undefined ? "No value set!\n" : `Value: ${this.vm(first).extraData[second]}\n`);
      case "setextradata":
        this.vm(first).extraData[second] = third;
        return ok();
      case "clonevm":
        return this.clone(this.vm(first), option("name"), option("uuid"), option("basefolder"));
      case "modifyvm":
        return this.modify(this.unlocked(first), args.slice(1));
      case "storageattach":
        return this.attach(this.vm(first), `${option("storagectl")}-${option("port")}-${option("device")}`, option("medium"));
      case "createmedium":
        this.makeMedium(option("filename"), Number(option("size")), option("format"), option("variant"));
        return ok();
      case "modifymedium":
        this.medium(second).sizeMb = Number(option("resize"));
        return ok();
      case "showmediuminfo":
        return ok(printMedium(this.medium(second)));
      case "closemedium":
        this.media.splice(this.media.indexOf(this.medium(second)), 1);
        return ok();
      case "startvm":
        this.unlocked(first).state = "running";
        return ok();
      case "controlvm":
        return this.control(this.vm(first), second);
      case "discardstate":
        this.vm(first).state = "poweroff";
        return ok();
      case "unregistervm":
        return this.unregister(this.unlocked(first));
      default:
        throw new Error(`the fake knows no ${verb}`);
    }
  }

  private unlocked(key: string): FakeVm {
    const vm = this.vm(key);
    if (!["poweroff", "saved", "aborted"].includes(vm.state))
      throw new Refusal(`The machine '${vm.name}' cannot be changed now`, "VBOX_E_INVALID_VM_STATE");
    return vm;
  }

  private medium(key: string): FakeMedium {
    const medium = this.media.find(({ uuid, location }) => uuid === key || location === key);
    if (!medium) throw new Refusal(`no medium ${key}`, "VBOX_E_OBJECT_NOT_FOUND");
    return medium;
  }

  private clone(base: FakeVm, name: string, uuid: string, baseFolder: string): ExecResult {
    const clone = this.make(name, join(baseFolder, name), uuid);
    clone.settings = { ...base.settings };
    clone.drives = { ...base.drives, "SATA-0-0": this.makeMedium(join(clone.folder, `${name}.vdi`), 64) };
    clone.extraData = { ...base.extraData };
    return ok();
  }

  private modify(vm: FakeVm, flags: string[]): ExecResult {
    if (vm.state === "saved") throw new Refusal("The machine is saved", "VBOX_E_INVALID_VM_STATE");
    for (let i = 0; i < flags.length; i += 2) vm.settings[flags[i]!.slice(2)] = flags[i + 1]!;
    return ok();
  }

  private attach(vm: FakeVm, slot: string, medium: string): ExecResult {
    if (medium === "none") delete vm.drives[slot];
    else vm.drives[slot] = medium;
    if (medium.endsWith(".iso") && !this.media.some(({ location }) => location === medium)) this.makeMedium(medium, 0, "RAW");
    return ok();
  }

  private control(vm: FakeVm, command: string): ExecResult {
    if (!["running", "paused", "gurumeditation"].includes(vm.state)) throw new Refusal(`Machine '${vm.name}' is not currently running.`);
    if (command === "resume") vm.state = "running";
    if (command === "poweroff" || (command === "acpipowerbutton" && this.obeysAcpi)) vm.state = "poweroff";
    return ok();
  }

  private unregister(vm: FakeVm): ExecResult {
    this.vms.splice(this.vms.indexOf(vm), 1);
    this.media = this.media.filter(({ location }) => dirname(location) !== vm.folder);
    return ok();
  }

  private print(vm: FakeVm): string {
    const controllers = ["SATA:IntelAhci", "IDE:PIIX4"].map((c) => c.split(":"));
    const settings: Record<string, string> = { ...vm.settings };
    for (let nic = 1; nic <= 8; nic++) settings[`nic${nic}`] ??= "none";
    const drives = Object.entries(vm.drives).flatMap(([slot, path]) => {
      const uuid = this.media.find(({ location }) => location === path)?.uuid;
      return [`"${slot}"="${path}"`, ...(uuid ? [`"${slot.replace("-", "-ImageUUID-")}"="${uuid}"`] : [])];
    });
    const quoted = {
      name: vm.name,
      UUID: vm.uuid,
      VMState: vm.state,
      CfgFile: join(vm.folder, `${basename(vm.folder)}.vbox`),
      LogFldr: join(vm.folder, "Logs"),
    };
    return [
      ...Object.entries(quoted).map(([key, value]) => `${key}="${value}"`),
      ...controllers.flatMap(([name, type], i) => [`storagecontrollername${i}="${name}"`, `storagecontrollertype${i}="${type}"`]),
      ...drives,
      ...Object.entries(settings).map(([key, value]) => (/^\d+$/.test(value) ? `${key}=${value}` : `${key}="${value}"`)),
    ].join("\n");
  }
}

const printMedium = ({ uuid, location, sizeMb, format, variant }: FakeMedium) =>
  [
    `UUID:           ${uuid}`,
    "Parent UUID:    base",
    `Location:       ${location}`,
    `Storage format: ${format}`,
    `Format variant: ${variant === "Fixed" ? "fixed" : "dynamic"} default`,
    `Capacity:       ${sizeMb} MBytes`,
    "",
  ].join("\n");
