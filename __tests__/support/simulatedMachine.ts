import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecResult } from "../../common/exec";
import { VBoxError } from "../../virtualbox/error";
import type { Delays, Machine } from "../../dev/simulator/state";
import { SimulatedVBoxManage } from "../../dev/simulator/virtualBox/simulatedVBoxManage";
import type { World } from "../../dev/simulator/world";
import { emptySite } from "./emptySite";

/** A folder for one test file. */
export let parent: string;
export let world: World;
/** A call of the simulated VBoxManage, in this process. */
export let manage: (...args: string[]) => Promise<ExecResult>;
/** A simulated site of its own for each test, with a machine `base` that has a disk. */
export function useSimulatedMachine(): void {
  beforeAll(() => {
    parent = mkdtempSync(join(tmpdir(), "simulated-virtualbox-"));
  });
  beforeEach(async () => {
    world = emptySite(mkdtempSync(join(parent, "site-")));
    const simulated = new SimulatedVBoxManage(world);
    manage = (...args) => simulated.run(args);
    const disk = inVms("base/base.vdi");
    await succeed("createvm", "--name", "base", "--ostype", "Debian_64", "--register");
    await succeed("storagectl", "base", "--name", "SATA", "--add", "sata");
    await succeed("storagectl", "base", "--name", "IDE", "--add", "ide");
    await succeed("createmedium", "disk", "--filename", disk, "--size", "64");
    await succeed("storageattach", "base", "--storagectl", "SATA", "--port", "0", "--type", "hdd", "--medium", disk);
  });
  afterAll(() => rmSync(parent, { recursive: true, force: true }));
}

/** A path below the folder of machines. */
export const inVms = (path: string) => join(world.folder, "vms", path);

/** A machine as it is now. */
export const machine = (key = "base"): Machine | undefined =>
  world.read().virtualBox.machines.find(({ name }) => name === key);

export const delay = (delays: Partial<Delays>) => world.change((state) => void Object.assign(state.delays, delays));

export const errorOf = (result: ExecResult) => new VBoxError("VBoxManage", result);

/** A call that has to succeed: what it prints. */
export async function succeed(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await manage(...args);
  expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
  return stdout;
}
