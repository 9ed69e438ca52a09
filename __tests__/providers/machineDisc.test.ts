import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstBootImage, SEED, type Seed } from "../../cloudinit/seed";
import { guestAddress } from "../../host/guestAddress";
import { beginRun } from "../../providers/engine";
import { cloudInitIsoProvider } from "../../providers/cloudInitIso";
import { vboxVmProvider } from "../../providers/vboxVm";
import { cidataOf, guestOf } from "../../simulator/guest";
import type { SiteState } from "../../simulator/state";
import { refused } from "../../simulator/virtualBox/refusal";
import { renderOptions } from "../support/cloudInit";
import { Driven } from "../support/driven";
import { SimulatedVirtualBox } from "../support/simulatedVirtualBox";

// After its first boot a machine's ISO has no private key: neither the file nor what is in the drive.
jest.mock("../../host/guestAddress");

const name = "kube-node01";
const nics = [{ type: "intnet", network: "node", mac: "080027A1B2C3" }];
const target = { address: name, user: "debian", hostKeys: [] };
const drive = ["--storagectl", "IDE", "--port", "1", "--device", "0", "--type", "dvddrive"];

let folder: string;
let path: string;
let box: SimulatedVirtualBox;
let iso: Driven;
let vm: Driven;
let more: object;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "disc-"));
  path = join(folder, "iso", `${name}-cidata.iso`);
  box = await SimulatedVirtualBox.make(folder);
  more = {};
  beginRun();
  [iso, vm] = stackOf("a".repeat(32));
  jest.mocked(guestAddress).mockImplementation(() => guest().then(() => "192.168.2.130"));
  jest.spyOn(console, "log").mockImplementation(() => undefined);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A stack's ISO and machine, as index.ts composes them. */
function stackOf(stackId: string): [iso: Driven, vm: Driven] {
  const iso: Driven = new Driven(cloudInitIsoProvider(box.exec), () => ({ ...renderOptions(), path, stackId, ...more }));
  const seed = () => Object.fromEntries(SEED.map((part) => [part, iso.get<unknown>(part)]).filter(([, value]) => value !== undefined));
  const vm = new Driven(vboxVmProvider(box.exec), () => ({
    ...{ name, stack: "kube/test", stackId, baseImage: "base", nics, isoPath: path, isoSha256: iso.get("sha256"), seed: seed() },
    ...{ readiness: { target, rebootExpected: true, timeoutSeconds: 5 }, ...more },
  }));
  return [iso, vm];
}

async function up(changes: object = {}): Promise<void> {
  beginRun();
  more = changes;
  await iso.up();
  await vm.up();
}
async function refresh(): Promise<void> {
  await iso.refresh();
  await vm.refresh();
}

/** What the guest has become: it looks for its disc when it boots. */
async function guest() {
  let is: ReturnType<typeof guestOf>;
  await box.change((virtualBox) => void (is = guestOf(siteOf(virtualBox), virtualBox.machines.find((machine) => machine.name === name)!, Date.now())));
  return is?.disk;
}
const siteOf = (virtualBox: SiteState["virtualBox"]) => ({ virtualBox, network: { leases: {} }, delays: { boot: 0, cloudInit: 0 } }) as unknown as SiteState;
/** What the guest reads in its drive. */
async function disc() {
  let is: ReturnType<typeof cidataOf>;
  await box.change((virtualBox) => void (is = cidataOf(siteOf(virtualBox), virtualBox.machines.find((machine) => machine.name === name)!)));
  return is;
}

const isoFiles = () => readdirSync(join(folder, "iso")).map((file) => readFileSync(join(folder, "iso", file), "latin1"));
/** The image with the key, as version 0.1.0 left it. */
const restoreKey = () => writeFileSync(path, firstBootImage(iso.state!.outs as unknown as Seed)!);

/** No private key, on disk or in the drive; the disc is of the instance that the guest is, which has the stack's key. */
async function expectNoKey(): Promise<void> {
  expect(isoFiles()).toEqual([expect.not.stringContaining("PRIVATE KEY")]);
  expect(await disc()).toMatchObject({ instanceId: iso.get("instanceId"), hostname: name });
  expect((await disc())!.hostKey).toBeUndefined();
  expect(await guest()).toMatchObject({ instanceId: iso.get("instanceId"), hostKey: iso.get("hostPrivateKey") });
  expect(box.drives(name)["IDE-1-0"]).toBe(`${name}-cidata.iso`);
  expect(vm.state!.outs).toMatchObject({ keyRemoved: true, isoInserted: true });
}

test("after the first boot the ISO has no private key, in the drive and on disk; nothing drifts, and destroy leaves nothing", async () => {
  await up();
  await expectNoKey();
  const before = structuredClone([iso.state, vm.state]);
  await refresh();
  expect([iso.state, vm.state]).toEqual(before);
  expect([await iso.differs(), await vm.differs()]).toEqual([[], []]);
  const calls = box.calls.length;
  await up({ cpus: 1 });
  expect(box.calls.slice(calls).filter(([verb]) => verb === "storageattach")).toEqual([]);
  await expectNoKey();
  await vm.destroy();
  await iso.destroy();
  expect(readdirSync(folder)).not.toContain("iso");
});

test.each<[string, () => Promise<void>]>([
  ["replaced alone", () => vm.destroy()],
  [
    "lost",
    async () => {
      await box.run("controlvm", name, "poweroff");
      await box.run("unregistervm", name, "--delete");
      await box.run("closemedium", "dvd", path);
      await refresh();
    },
  ],
  [
    "lost together with its ISO",
    async () => {
      await box.run("controlvm", name, "poweroff");
      await box.run("unregistervm", name, "--delete");
      await box.run("closemedium", "dvd", path);
      rmSync(path);
      await refresh();
    },
  ],
  ["replaced with its ISO", async () => {
    await vm.destroy();
    await iso.destroy();
  }],
])("a machine that is %s gets the image with the key first", async (_how, lose) => {
  await up();
  const { uuid } = vm.state!.outs;
  await lose();
  await up();
  expect(vm.get("uuid")).not.toBe(uuid);
  await expectNoKey();
});

test("a first boot that was cut short is repeated with the key, by another machine", async () => {
  jest.mocked(guestAddress).mockRejectedValueOnce(new Error("lost power"));
  await expect(up()).rejects.toThrow("lost power");
  expect(isoFiles()[0]).toContain("PRIVATE KEY");
  expect(vm.state!.outs.keyRemoved).toBe(true); // It is needed yet.
  await up();
  await expectNoKey();
});

test("a swap that VirtualBox refuses fails nobody, is in the state, and is done by the next `up`", async () => {
  box.fault = (args) => (args.includes("emptydrive") ? refused("no", "NS_ERROR_FAILURE", "Console").result : undefined);
  await up();
  expect(vm.state!.outs).toMatchObject({ keyRemoved: false, isoInserted: true, ready: true });
  expect(console.log).toHaveBeenCalledWith(expect.stringMatching(/its ISO, .*, was not changed for the one without its private host key; the next `pulumi up` tries again/));
  expect(await vm.differs()).toEqual(["keyRemoved"]);
  box.fault = () => undefined;
  await up();
  await expectNoKey();
});

test("a guest that has the disc mounted does not keep it", async () => {
  jest.mocked(guestAddress).mockImplementationOnce(async () => {
    await guest();
    await box.change(({ machines }) => void (machines.find((machine) => machine.name === name)!.holdsDvds = true));
    return "192.168.2.130";
  });
  await up();
  await expectNoKey();
});

test("an `up` that is killed at any call from the end of the first boot on is gone on with by the next one", async () => {
  const killed = () => {
    throw new Error("killed");
  };
  for (let left = 0, isDone = false; !isDone; left++) {
    let calls: number | undefined;
    jest.mocked(guestAddress).mockImplementationOnce(async () => {
      await guest();
      calls = 0;
      return "192.168.2.130";
    });
    box.fault = () => (calls !== undefined && ++calls > left ? killed() : undefined);
    await iso.up();
    isDone = await vm.up().then(() => calls !== undefined && calls <= left, () => false);
    box.fault = () => undefined;
    if (!isDone) vm.state = undefined; // Nothing was recorded.
    await up();
    await expectNoKey();
    await vm.destroy();
    expect(left).toBeLessThan(30);
  }
});

test("the machine of an earlier version loses the key in place, with no restart", async () => {
  await up();
  restoreKey();
  await box.run("storageattach", name, ...drive, "--medium", path);
  await box.change(({ machines }) => void delete machines.find((machine) => machine.name === name)!.extraData["vbox-kubeadm/first-boot"]);
  for (const property of ["seed", "keyRemoved"]) delete vm.state!.outs[property];
  const { uuid, boot } = box.vm(name);
  await refresh();
  expect(iso.state!.outs.intact).toBe(true);
  expect(await iso.differs()).toEqual([]);
  expect(await vm.differs()).toEqual(["seed"]);
  await up();
  await expectNoKey();
  expect(box.vm(name)).toMatchObject({ uuid, boot: { id: boot!.id } });
});

test("the image with the key, put back from a backup, is drift, and so is a third one", async () => {
  await up();
  restoreKey();
  await refresh();
  expect(iso.state!.outs.intact).toBe(true);
  expect(vm.state!.outs.keyRemoved).toBe(false);
  await up();
  await expectNoKey();
  writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from("x")]));
  await refresh();
  expect(iso.state!.outs.intact).toBe(false);
  await up();
  await expectNoKey();
});

test.each([["that never ran", { autostart: false }], ["of which nobody tells whether it is ready", { readiness: undefined }]] as [string, object][])("a machine %s keeps the key, also when its ISO was lost", async (_what, changes) => {
  await up(changes);
  expect(isoFiles()[0]).toContain("PRIVATE KEY");
  rmSync(path);
  await refresh();
  await up(changes);
  expect(isoFiles()[0]).toContain("PRIVATE KEY");
  expect(vm.state!.outs.keyRemoved).toBe(true);
});

describe("other content, for a machine that is to be replaced", () => {
  const content = { timezone: "Europe/Lisbon" };
  /** The ISO's change alone: the machine's replacement was not reached, or failed before it. */
  const changed = async (changes: object = content) => {
    beginRun();
    more = changes;
    await iso.up();
  };
  async function powerCycle() {
    await box.run("controlvm", name, "poweroff");
    await box.run("startvm", name, "--type", "headless");
    return guest();
  }

  test("leaves it the disc that it has: its next boot is no first boot", async () => {
    await up();
    const before = await guest();
    const { sha256 } = iso.state!.outs;
    await changed();
    expect(iso.state!.outs.sha256).not.toBe(sha256);
    expect(isoFiles()).toEqual([expect.not.stringContaining("PRIVATE KEY")]);
    expect(await powerCycle()).toEqual(before);
    const state = structuredClone(iso.state);
    await refresh();
    expect(iso.state).toEqual(state);
    expect([await iso.differs(), await vm.differs()]).toEqual([[], ["isoSha256", "seed"]]);
    const { uuid } = vm.state!.outs;
    await up(content);
    expect(vm.get("uuid")).not.toBe(uuid);
    await expectNoKey();
    await refresh();
    expect([await iso.differs(), await vm.differs()]).toEqual([[], []]);
  });

  test("where its file was lost, the machine gets back its own", async () => {
    await up();
    const before = await guest();
    await changed();
    rmSync(path);
    await refresh();
    expect(iso.state!.outs.intact).toBe(false);
    await changed();
    expect(await powerCycle()).toEqual(before);
    await changed({ timezone: "Europe/Vienna" });
    expect(await powerCycle()).toEqual(before);
    expect(isoFiles()).toEqual([expect.not.stringContaining("PRIVATE KEY")]);
  });

  test("that is taken back leaves nothing to do", async () => {
    await up();
    const before = structuredClone([iso.state, vm.state]);
    await changed();
    await changed({});
    expect([iso.state, vm.state]).toEqual(before);
    await refresh();
    expect([iso.state, vm.state]).toEqual(before);
  });

  test("leaves it its disc also in a stack of version 0.1.0, which gets the stack's id in the file", async () => {
    [iso, vm] = stackOf("");
    await up();
    restoreKey();
    await box.run("storageattach", name, ...drive, "--medium", path);
    await box.change(({ machines }) => void delete machines.find((machine) => machine.name === name)!.extraData["vbox-kubeadm/first-boot"]);
    for (const property of ["seed", "keyRemoved", "virtualBox"]) [iso, vm].forEach(({ state }) => delete state!.outs[property]);
    const before = await guest();
    const old = [iso.state, vm.state];
    [iso, vm] = stackOf("a".repeat(32));
    [iso.state, vm.state] = old;
    await changed();
    expect(await powerCycle()).toEqual(before);
    await refresh();
    expect(iso.state!.outs.intact).toBe(true);
    await up(content);
    await expectNoKey();
  });

  test("that was brought back from a backup when the machine had been replaced is drift", async () => {
    await up();
    const old = readFileSync(path);
    await changed();
    await up(content);
    writeFileSync(path, old);
    await refresh();
    expect(iso.state!.outs.intact).toBe(false);
    await up(content);
    await expectNoKey();
  });

  test("is destroyed with nothing left", async () => {
    await up();
    await changed();
    await vm.destroy();
    await iso.destroy();
    expect(readdirSync(folder)).not.toContain("iso");
  });
});

describe("a machine whose state was lost", () => {
  let before: Record<string, unknown>;
  beforeEach(async () => {
    await up();
    before = { ...iso.state!.outs };
    [iso, vm] = stackOf("b".repeat(32));
  });

  test("is refused", () => expect(up()).rejects.toThrow("belongs to another stack"));

  test("is taken over as the same instance, with its public key", async () => {
    const { boot } = box.vm(name);
    await up({ adopt: true });
    expect(iso.state!.outs).toMatchObject({ hostPrivateKey: "", hostPublicKey: before.hostPublicKey, instanceId: before.instanceId });
    expect(await disc()).toMatchObject({ instanceId: before.instanceId });
    expect(box.vm(name).boot!.id).toBe(boot!.id);
    const taken = structuredClone([iso.state, vm.state]);
    await refresh();
    expect([iso.state, vm.state]).toEqual(taken);
    expect([await iso.differs(), await vm.differs()]).toEqual([[], []]);
    rmSync(path);
    await refresh();
    await up({ adopt: true });
    expect([iso.state, vm.state]).toEqual(taken);
    expect(await disc()).toMatchObject({ instanceId: before.instanceId });
  });

  test("can be replaced together with its ISO, and not alone", async () => {
    await up({ adopt: true });
    beginRun();
    await expect(vm.up({ baseImage: "other" })).rejects.toThrow("cannot be made again with its host key");
    expect(box.names).toContain(name);
    beginRun();
    await vm.destroy();
    await expect(up()).rejects.toThrow(/kube-node01 cannot be made again with its host key[^]*--replace URN`, with the URN of its vbox:CloudInitIso/);
    expect(box.names).toEqual(["base"]);
    await iso.destroy();
    await up();
    await expectNoKey();
    expect(iso.get("hostPublicKey")).not.toBe(before.hostPublicKey);
  });

  test("with another disc in the drive is not taken over", async () => {
    const theirs = join(box.folder, "worker.iso");
    await box.run("storageattach", name, ...drive, "--medium", theirs, "--forceunmount");
    await expect(up({ adopt: true })).rejects.toThrow(new RegExp(`kube-node01 was not taken over: the disc ${theirs} is in the drive`));
  });
});
