import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exec, type ExecResult } from "../../../common/exec";
import { VBoxError } from "../../../virtualbox/error";
import { journal, planFaults } from "../../../dev/simulator/faults";
import { installPrograms } from "../../../dev/simulator/installPrograms";
import type { Delays, Machine } from "../../../dev/simulator/state";
import { journalName } from "../../../dev/simulator/virtualBox/journalName";
import { SimulatedVBoxManage } from "../../../dev/simulator/virtualBox/simulatedVBoxManage";
import type { World } from "../../../dev/simulator/world";
import { emptySite } from "../../support/emptySite";

// What the real VBoxManage cannot show, or only by chance: collisions, delays, kills half-way, and machines that run.
const parent = mkdtempSync(join(tmpdir(), "simulated-virtualbox-"));
let bin: string;
let world: World;
let manage: (...args: string[]) => Promise<ExecResult>;
const children: ChildProcess[] = [];

beforeAll(async () => {
  bin = await installPrograms(parent);
});

beforeEach(async () => {
  world = emptySite(mkdtempSync(join(parent, "site-")));
  const simulated = new SimulatedVBoxManage(world);
  manage = (...args) => simulated.run(args);
  await succeed("createvm", "--name", "base", "--ostype", "Debian_64", "--register");
  await succeed("storagectl", "base", "--name", "SATA", "--add", "sata");
  await succeed("storagectl", "base", "--name", "IDE", "--add", "ide");
  await succeed("createmedium", "disk", "--filename", inVms("base/base.vdi"), "--size", "64");
  await succeed("storageattach", "base", "--storagectl", "SATA", "--port", "0", "--type", "hdd", "--medium", inVms("base/base.vdi"));
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

afterAll(() => rmSync(parent, { recursive: true, force: true }));

const inVms = (path: string) => join(world.folder, "vms", path);
const machine = (key = "base"): Machine | undefined => world.read().virtualBox.machines.find(({ name }) => name === key);
const disks = () => world.read().virtualBox.media.map(({ location }) => relative(inVms(""), location));
const delay = (delays: Partial<Delays>) => world.change((state) => void Object.assign(state.delays, delays));
const errorOf = (result: ExecResult) => new VBoxError("VBoxManage", result);

async function succeed(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await manage(...args);
  expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
  return stdout;
}

/** The program on the test's site: a copy, as it finds its site by its own place. */
function program(): string {
  cpSync(bin, join(world.folder, "bin"), { recursive: true });
  return join(world.folder, "bin/VBoxManage");
}

/** Runs a call in a process of its own, until `isOnItsWay` and it has left the state to others. */
async function begun(isOnItsWay: () => boolean, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(program(), args, { stdio: "ignore" });
  children.push(child);
  while (!isOnItsWay() || existsSync(join(world.folder, "world.json.lock"))) await sleep(5);
  return child;
}

const killed = (child: ChildProcess) =>
  new Promise((resolve) => {
    child.once("exit", resolve);
    child.kill("SIGKILL");
  });

const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once("exit", resolve));

describe("sessions", () => {
  test("a machine that another process changes is locked, and free again after that", async () => {
    await delay({ call: 1000 });
    const other = await begun(() => machine()?.session !== undefined, "modifyvm", "base", "--cpus", "4");
    await delay({ call: 20 });
    const refusal = errorOf(await manage("modifyvm", "base", "--memory", "600"));
    expect(refusal).toMatchObject({ code: "VBOX_E_INVALID_OBJECT_STATE", isPassing: true });
    expect(refusal.message).toContain("The machine 'base' is already locked for a session (or being unlocked)");
    expect(errorOf(await manage("unregistervm", "base")).message).toContain("Cannot unregister the machine 'base' while it is locked");
    expect(await succeed("showvminfo", "base", "--machinereadable")).toContain("cpus=1");
    expect(machine()?.session).toEqual({ pid: other.pid, shared: false });
    expect(await ended(other)).toBe(0);
    await succeed("modifyvm", "base", "--memory", "600");
    expect(machine()?.settings).toMatchObject({ cpus: "4", memory: "600" });
  });

  test("one who was killed holds nothing, and has changed nothing", async () => {
    await delay({ call: 60_000 });
    await killed(await begun(() => machine()?.session !== undefined, "modifyvm", "base", "--cpus", "4"));
    await delay({ call: 0 });
    await succeed("modifyvm", "base", "--memory", "600");
    expect(machine()?.settings).toMatchObject({ cpus: "1", memory: "600" });
  });

  test("whoever looks is in the way of whoever writes, and not of another who looks", async () => {
    await delay({ call: 100 });
    const look = manage("showvminfo", "base", "--machinereadable");
    while (!machine()?.session) await sleep(5);
    const [first, second, write] = await Promise.all([look, manage("getextradata", "base", "key"), manage("modifyvm", "base", "--cpus", "4")]);
    expect([first.exitCode, second.exitCode]).toEqual([0, 0]);
    expect(errorOf(write)).toMatchObject({ isPassing: true });
    expect(machine()?.session).toBeUndefined();
  });

  test("who is refused gives the session back", async () => {
    await delay({ call: 10 });
    expect((await manage("modifyvm", "base", "--cpus", "0")).exitCode).toBe(1);
    expect(machine()?.session).toBeUndefined();
  });

  test("two clones of one base at a time collide; machines are looked at meanwhile", async () => {
    await delay({ clone: 100 });
    const clones = Promise.all(["c1", "c2"].map((name) => manage("clonevm", "base", "--name", name, "--register")));
    await succeed("showvminfo", "base", "--machinereadable");
    const results = await clones;
    expect(results.map(({ exitCode }) => exitCode).sort()).toEqual([0, 1]);
    expect(errorOf(results.find(({ exitCode }) => exitCode === 1)!)).toMatchObject({ isPassing: true });
    expect(world.read().virtualBox.machines).toHaveLength(2);
  });

  test("processes side by side lose nothing of each other's", async () => {
    const file = program();
    const keys = ["a", "b", "c", "d", "e", "f"];
    const results = await Promise.all(keys.map((key) => exec(file, ["setextradata", "base", key, key])));
    expect(results.map(({ exitCode }) => exitCode)).toEqual(keys.map(() => 0));
    expect(machine()?.extraData).toEqual(Object.fromEntries(keys.map((key) => [key, key])));
  });
});

describe("a call that is killed half-way", () => {
  test("of clonevm leaves disks and no machine; what it left is in the way, until it is taken away", async () => {
    await delay({ clone: 60_000 });
    await killed(await begun(() => disks().includes("c1/c1.vdi"), "clonevm", "base", "--name", "c1", "--register"));
    await delay({ clone: 0 });
    expect(machine("c1")).toBeUndefined();
    expect(disks()).toContain("c1/c1.vdi");
    expect(errorOf(await manage("clonevm", "base", "--name", "c1", "--register")).message).toContain("VERR_ALREADY_EXISTS");
    await succeed("closemedium", "disk", inVms("c1/c1.vdi"), "--delete");
    await succeed("clonevm", "base", "--name", "c1", "--register");
  });

  test("of unregistervm --delete leaves files and no machine", async () => {
    await delay({ call: 60_000 });
    await killed(await begun(() => machine() === undefined, "unregistervm", "base", "--delete"));
    await delay({ call: 0 });
    expect(errorOf(await manage("showvminfo", "base"))).toMatchObject({ isNotFound: true });
    expect(existsSync(inVms("base/base.vdi"))).toBe(true);
    expect(disks()).toEqual(["base/base.vdi"]);
  });
});

describe("a machine that runs", () => {
  const state = async () => /^VMState="(.*)"$/m.exec(await succeed("showvminfo", "base", "--machinereadable"))![1];

  test("has booted, writes a log, and boots again after a reset", async () => {
    expect(await succeed("startvm", "base", "--type", "headless")).toMatch(/^VM "base" has been successfully started\.$/m);
    const { boot } = machine()!;
    expect(boot).toEqual({ id: expect.any(String), nextId: expect.any(String), at: expect.any(Number) });
    expect(existsSync(inVms("base/Logs/VBox.log"))).toBe(true);
    await succeed("controlvm", "base", "reset");
    expect(machine()!.boot!.id).not.toBe(boot!.id);
    await succeed("controlvm", "base", "poweroff");
    expect(machine()).toMatchObject({ state: "poweroff" });
    expect(machine()!.boot).toBeUndefined();
  });

  test("goes off some time after its power button, which nobody sees before", async () => {
    await delay({ shutdown: 500 });
    await succeed("startvm", "base");
    await succeed("controlvm", "base", "acpipowerbutton");
    expect(await state()).toBe("running");
    expect((await manage("modifyvm", "base", "--cpus", "2")).exitCode).toBe(1);
    await sleep(510);
    expect(await state()).toBe("poweroff");
    await succeed("modifyvm", "base", "--cpus", "2");
    expect(machine()).toMatchObject({ state: "poweroff", settings: { cpus: "2" } });
  });

  test("that does not obey its power button stays on, until its power is cut", async () => {
    await world.change(({ virtualBox }) => void (virtualBox.machines[0]!.obeysAcpi = false));
    await succeed("startvm", "base");
    await succeed("controlvm", "base", "acpipowerbutton");
    expect(await state()).toBe("running");
    await succeed("controlvm", "base", "poweroff");
    expect(await state()).toBe("poweroff");
  });

  test("is paused and resumed, saved and resumed, all in one boot; a saved one is not changed", async () => {
    await succeed("startvm", "base");
    const { boot } = machine()!;
    await succeed("controlvm", "base", "pause");
    expect(errorOf(await manage("controlvm", "base", "acpipowerbutton"))).toMatchObject({ code: "VBOX_E_INVALID_VM_STATE" });
    await succeed("controlvm", "base", "resume");
    expect(errorOf(await manage("controlvm", "base", "resume"))).toMatchObject({ code: "VBOX_E_INVALID_VM_STATE" });
    await succeed("controlvm", "base", "savestate");
    expect(errorOf(await manage("modifyvm", "base", "--cpus", "2"))).toMatchObject({ code: "VBOX_E_INVALID_VM_STATE", isPassing: false });
    await succeed("startvm", "base");
    expect(machine()!.boot).toEqual(boot);
    await succeed("controlvm", "base", "savestate");
    await succeed("discardstate", "base");
    expect(machine()!.boot).toBeUndefined();
  });

  test("gets another ISO into a drive, and no other drive", async () => {
    const isos = ["one.iso", "two.iso"].map((name) => join(world.folder, name));
    for (const iso of isos) writeFileSync(iso, "");
    const insert = (iso: string, port: string) => manage("storageattach", "base", "--storagectl", "IDE", "--port", port, "--type", "dvddrive", "--medium", iso);
    expect((await insert(isos[0]!, "1")).exitCode).toBe(0);
    await succeed("startvm", "base");
    expect((await insert(isos[1]!, "1")).exitCode).toBe(0);
    expect(errorOf(await insert(isos[0]!, "0"))).toMatchObject({ code: "VBOX_E_INVALID_VM_STATE" });
    expect(errorOf(await manage("modifymedium", "disk", inVms("base/base.vdi"), "--resize", "70"))).toMatchObject({ isPassing: true });
    expect(await succeed("list", "runningvms")).toContain('"base"');
  });

  test("does not start without its disk's file, and its log says so", async () => {
    rmSync(inVms("base/base.vdi"));
    expect(errorOf(await manage("startvm", "base"))).toMatchObject({ code: "VBOX_E_FILE_ERROR" });
    expect(await state()).toBe("poweroff");
    expect(readFileSync(inVms("base/Logs/VBox.log"), "utf8")).toContain("VERR_FILE_NOT_FOUND");
  });
});

test.each([[[]], [["--snapshot", "s", "--options", "link"]]])("a clone has a copy of what the guest keeps on its disk (%j)", async (options) => {
  await world.change(({ virtualBox }) => void (virtualBox.media[0]!.guest = { hostname: "base" }));
  await succeed("snapshot", "base", "take", "s");
  await succeed("clonevm", "base", "--name", "c1", ...options, "--register");
  const guests = () => world.read().virtualBox.media.map(({ location, guest }) => [location.includes("/c1/"), guest?.hostname]);
  expect(guests()).toContainEqual([true, "base"]);
  await world.change(({ virtualBox }) => virtualBox.media.forEach(({ location, guest }) => location.includes("/c1/") && (guest!.hostname = "c1")));
  expect(guests().filter(([isClone]) => !isClone)).toEqual(guests().filter(([, name]) => name === "base"));
});

describe("the program", () => {
  test("works on the site that it lies in, and journals", async () => {
    const file = program();
    planFaults(world.folder, { at: { command: "VBoxManage getextradata base key", occurrence: 2, kind: "failsOnce" } });
    const { exitCode, stdout } = await exec(file, ["list", "vms"]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `"base" {${machine()!.uuid}}` });
    const get = () => exec(file, ["getextradata", machine()!.uuid, "key"]);
    expect((await get()).stdout).toBe("No value set!");
    expect(errorOf(await get())).toMatchObject({ code: "NS_ERROR_FAILURE", isPassing: false });
    expect((await get()).exitCode).toBe(0);
    expect(journal(world.folder)).toEqual(["VBoxManage list vms", ...Array(3).fill("VBoxManage getextradata base key")]);
  });

  test("meets a lock where it is noisy", async () => {
    const file = program();
    planFaults(world.folder, { noise: { seed: 1, rate: 1 } });
    expect(errorOf(await exec(file, ["modifyvm", "base", "--cpus", "2"]))).toMatchObject({ isPassing: true });
    expect(machine()!.settings.cpus).toBe("1");
  });
});

describe("the journal's name of a call has names, and nothing that is otherwise the next time", () => {
  const GONE = "11111111-2222-3333-4444-555555555555";
  const slot = (controller: string) => ["--storagectl", controller, "--port", "1", "--device", "0"];

  test.each<[string, string[]]>([
    ["--version", ["--version"]],
    ["list hdds", ["list", "hdds"]],
    ["showvminfo base", ["showvminfo", "BASE", "--machinereadable"]],
    ["showvminfo …", ["showvminfo", GONE, "--machinereadable"]],
    ["getextradata base vbox-kubeadm/owner", ["getextradata", "BASE", "vbox-kubeadm/owner"]],
    ["setextradata base vbox-kubeadm/owner", ["setextradata", "BASE", "vbox-kubeadm/owner", "a/b/c"]],
    ["guestproperty get busybox /VirtualBox/GuestInfo/Net/0/V4/IP", ["guestproperty", "get", "busybox", "/VirtualBox/GuestInfo/Net/0/V4/IP"]],
    ["clonevm base n1", ["clonevm", "BASE", "--mode", "machine", "--snapshot", "s", "--name", "n1", "--uuid", GONE, "--basefolder", "/x", "--register"]],
    ["modifyvm base", ["modifyvm", "BASE", "--cpus", "2", "--macaddress1", "080027A1B201"]],
    ["storagectl base IDE", ["storagectl", "BASE", "--name", "IDE", "--add", "ide"]],
    ["storageattach base IDE 1 0 dev/n1.iso", ["storageattach", "BASE", ...slot("IDE"), "--type", "dvddrive", "--medium", "/x/dev/n1.iso"]],
    ["storageattach base SATA 1 0 none", ["storageattach", "BASE", ...slot("SATA"), "--medium", "none"]],
    ["createmedium disk n1/vbox-kubeadm-disk-1.vdi", ["createmedium", "disk", "--filename", "/x/n1/vbox-kubeadm-disk-1.vdi", "--size", "20"]],
    ["modifymedium disk base/base.vdi", ["modifymedium", "disk", "DISK", "--resize", "30"]],
    ["showmediuminfo disk base/{…}.vdi", ["showmediuminfo", "disk", `/x/base/Snapshots/{${GONE}}.vdi`]],
    ["closemedium disk …", ["closemedium", "disk", GONE, "--delete"]],
    ["startvm base", ["startvm", "BASE", "--type", "headless"]],
    ["controlvm base acpipowerbutton", ["controlvm", "BASE", "acpipowerbutton"]],
    ["unregistervm base", ["unregistervm", "BASE", "--delete"]],
  ])("%s", (name, args) => {
    const { virtualBox } = world.read();
    const uuids: Record<string, string> = { BASE: virtualBox.machines[0]!.uuid, DISK: virtualBox.media[0]!.uuid };
    const real = args.map((arg) => uuids[arg] ?? arg);
    expect(journalName(virtualBox, real)).toBe(`VBoxManage ${name}`);
  });
});
