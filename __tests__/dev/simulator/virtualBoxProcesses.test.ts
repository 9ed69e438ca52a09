import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exec } from "../../../common/exec";
import { journal, planFaults } from "../../../dev/simulator/faults";
import { installPrograms } from "../../../dev/simulator/installPrograms";
import {
  delay,
  errorOf,
  inVms,
  machine,
  manage,
  parent,
  succeed,
  useSimulatedMachine,
  world,
} from "../../support/simulatedMachine";

// What the real VBoxManage shows only by chance: processes that are in each other's way, or are killed half-way.
useSimulatedMachine();

let bin: string;
beforeAll(async () => {
  bin = await installPrograms(parent);
});

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

const disks = () => world.read().virtualBox.media.map(({ location }) => relative(inVms(""), location));

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
    expect(refusal).toMatchObject({ code: "VBOX_E_INVALID_OBJECT_STATE", isTransient: true });
    expect(refusal.message).toContain("The machine 'base' is already locked for a session (or being unlocked)");
    expect(errorOf(await manage("unregistervm", "base")).message).toContain(
      "Cannot unregister the machine 'base' while it is locked",
    );
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
    const [first, second, write] = await Promise.all([
      look,
      manage("getextradata", "base", "key"),
      manage("modifyvm", "base", "--cpus", "4"),
    ]);
    expect([first.exitCode, second.exitCode]).toEqual([0, 0]);
    expect(errorOf(write)).toMatchObject({ isTransient: true });
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
    expect(errorOf(results.find(({ exitCode }) => exitCode === 1)!)).toMatchObject({ isTransient: true });
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
    expect(errorOf(await manage("clonevm", "base", "--name", "c1", "--register")).message).toContain(
      "VERR_ALREADY_EXISTS",
    );
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

describe("the program", () => {
  test("works on the site that it lies in, and journals", async () => {
    const file = program();
    planFaults(world.folder, { at: { command: "VBoxManage getextradata base key", occurrence: 2, kind: "failsOnce" } });
    const { exitCode, stdout } = await exec(file, ["list", "vms"]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `"base" {${machine()!.uuid}}` });
    const get = () => exec(file, ["getextradata", machine()!.uuid, "key"]);
    expect((await get()).stdout).toBe("No value set!");
    expect(errorOf(await get())).toMatchObject({ code: "NS_ERROR_FAILURE", isTransient: false });
    expect((await get()).exitCode).toBe(0);
    expect(journal(world.folder)).toEqual([
      "VBoxManage list vms",
      ...Array(3).fill("VBoxManage getextradata base key"),
    ]);
  });

  test("meets a lock where it is noisy", async () => {
    const file = program();
    planFaults(world.folder, { noise: { seed: 1, rate: 1 } });
    expect(errorOf(await exec(file, ["modifyvm", "base", "--cpus", "2"]))).toMatchObject({ isTransient: true });
    expect(machine()!.settings.cpus).toBe("1");
  });
});
