import { mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { waitForCloudInit } from "../../cloudinit/wait";
import { UserError } from "../../common/errors";
import { PartialFailure } from "../../providers/dynamic";
import { operations } from "../../providers/engine";
import { vboxVmProvider } from "../../providers/vboxVm";
import { locked, refused } from "../../dev/simulator/virtualBox/refusal";
import { testContext } from "../support/context";
import { firstBootReport } from "../support/firstBootReport";
import { SimulatedVirtualBox } from "../support/simulatedVirtualBox";

jest.mock("../../cloudinit/wait");
const ready = jest.mocked(waitForCloudInit);

const folder = mkdtempSync(join(tmpdir(), "vbox-vm-"));
afterAll(() => rmSync(folder, { recursive: true }));


let box: SimulatedVirtualBox;
let provider: ReturnType<typeof vboxVmProvider>;
let context = testContext();
beforeEach(async () => {
  box = await SimulatedVirtualBox.make(folder);
  provider = vboxVmProvider(box.exec);
  context = testContext();
  ready.mockReset().mockResolvedValue(firstBootReport);
});

type Inputs = Parameters<typeof provider.create>[0];

const readiness = { target: { address: "node1", user: "debian", hostKeys: ["ssh-ed25519 AAAA"] }, rebootExpected: true, timeoutSeconds: 5 };
const wanted = (changes: Partial<Inputs> = {}): Inputs => ({
  ...(provider.defaults as Inputs),
  name: "node1",
  stack: "shop/test",
  baseImage: "base",
  nics: [{ type: "intnet", network: "node", mac: "080027A1B201" }],
  disks: [{ sizeMb: 20, format: "VDI", variant: "Standard" }],
  isoPath: join(box.folder, "worker.iso"),
  isoSha256: "a",
  readiness,
  ...changes,
});
const create = (changes?: Partial<Inputs>) => provider.create(wanted(changes), context);
const names = ["node1", "node2", "node3"];
const since = (calls: number) => box.verbs.slice(calls);
const failure = (words: string) => refused(words, "NS_ERROR_FAILURE", "Machine").result;

/** What was there before, and is not ours. */
const UNTOUCHED = ["vms/base/base.vdi", "inherited.iso"];

describe("create", () => {
  test("makes, starts, waits for the guest, and reports the address of the first NIC", async () => {
    const { id, outs } = await create();
    expect(outs).toEqual({
      ...wanted(),
      uuid: id,
      macs: ["080027A1B201"],
      state: "running",
      address: "192.168.2.131",
      ...{ owner: "shop/test/node1", virtualBox: { id: expect.stringMatching(/^[0-9a-f]{32}$/), where: expect.stringContaining(` on ${hostname()}, `) } },
    });
    expect(box.verbs.filter((verb) => verb === "modifyvm")).toHaveLength(1);
    expect(box.drives(id)).toEqual({ "SATA-0-0": "node1.vdi", "SATA-1-0": "vbox-kubeadm-disk-1.vdi", "IDE-1-0": "worker.iso" });
    expect(await provider.read(id, outs, context)).toEqual(outs);
  });

  test("that fails before the start takes everything back", async () => {
    box.fault = ([verb]) => (verb === "storageattach" ? failure("no room") : undefined);
    await expect(create()).rejects.toThrow("no room");
    expect(box.names).toEqual(["base"]);
    expect(box.media).toEqual(UNTOUCHED);
  });

  test("fails where VirtualBox says that it changed the machine, and did not", async () => {
    box.fault = ([verb]) => (verb === "modifyvm" ? { exitCode: 0, stdout: "", stderr: "" } : undefined);
    await expect(create()).rejects.toThrow("VirtualBox did not change node1 as it was told: modifyvm --cpus 2 --memory 2048");
    expect([box.names, box.media]).toEqual([["base"], UNTOUCHED]);
  });

  test("that fails after the start keeps the machine, and the next update goes on with it", async () => {
    ready.mockRejectedValueOnce(new UserError("cloud-init failed"));
    const error = (await create().catch((error: unknown) => error)) as PartialFailure;
    expect(error).toBeInstanceOf(PartialFailure);
    expect(error.message).toBe("cloud-init failed");
    expect(error.outs).toMatchObject({ uuid: error.id, state: "running", memoryMb: 2048 });
    const outs = await provider.update(error.id, error.outs as never, wanted(), context);
    expect(outs).toMatchObject({ uuid: error.id, address: "192.168.2.131" });
  });

  test("of a machine whose guest has no address on its first NIC fails, and keeps it", async () => {
    ready.mockResolvedValueOnce({ ...firstBootReport, addresses: new Map() });
    await expect(create()).rejects.toThrow(/no IPv4 address on its first network adapter \(08:00:27:a1:b2:01\)/);
    expect(box.vm("node1").state).toBe("running");
  });

  test("that cannot be taken back either says both, and is kept in the state", async () => {
    box.fault = ([verb]) => (verb === "storageattach" ? failure("no driver") : verb === "unregistervm" ? failure("no right") : undefined);
    const error = (await create().catch((error: unknown) => error)) as PartialFailure;
    expect(error).toBeInstanceOf(PartialFailure);
    expect(error.message).toMatch(/no driver[^]*could not be taken back[^]*no right/);
  });

  test("that is killed at any call is completed by the next one, with a single machine", async () => {
    await create();
    const count = box.calls.length;
    for (let killed = 0; killed < count; killed++) {
      box = await SimulatedVirtualBox.make(folder);
      // After this many calls nothing works any more, neither the undo.
      const { calls, exec } = box;
      const dying = vboxVmProvider((file, args) => (calls.length >= killed ? Promise.reject(new Error("killed")) : exec(file, args)));
      await expect(dying.create(wanted(), context)).rejects.toThrow();
      const { id, outs } = await vboxVmProvider(box.exec).create(wanted(), context);
      expect(outs).toMatchObject({ ...wanted(), uuid: id, state: "running" });
      expect(box.names).toEqual(["base", "node1"]);
      expect(box.media.filter((location) => /node1|worker/.test(location))).toHaveLength(3);
    }
  });

  test("of a linked clone without its snapshot, or of no base image, says what to do", async () => {
    await expect(create({ baseImage: "nope" })).rejects.toThrow(/no machine nope to clone\n→ make the base image/);
    await box.setState("base", "running");
    await expect(create()).rejects.toThrow(/base is running\n→ shut it down, or clone one of its snapshots/);
  });
});

describe("update", () => {
  test("of memory stops the guest by its power button, changes it by one modifyvm, and starts it", async () => {
    const { id, outs } = await create();
    const calls = box.calls.length;
    expect(await provider.update(id, outs, wanted({ memoryMb: 4096, cpus: 3 }), context)).toMatchObject({
      memoryMb: 4096,
      cpus: 3,
      state: "running",
    });
    const changes = box.calls.slice(calls).filter(([verb]) => /controlvm|modifyvm|startvm|storageattach/.test(verb!));
    expect(changes).toEqual([
      ["controlvm", id, "acpipowerbutton"],
      ["modifyvm", id, "--cpus", "3", "--memory", "4096"],
      ["startvm", id, "--type", "headless"],
    ]);
  });

  test("cuts the power of a guest that does not obey, after the deadline", async () => {
    const { id, outs } = await create();
    await box.change(({ machines }) => machines.forEach((machine) => (machine.obeysAcpi = false)));
    await provider.update(id, outs, wanted({ memoryMb: 4096, stopTimeoutSeconds: 1 }), context);
    expect(box.calls.filter(([verb]) => verb === "controlvm").at(-1)).toEqual(["controlvm", id, "poweroff"]);
    expect(context.lines.join("\n")).toContain("did not shut down within 1 s: its power is cut");
  });

  test("waits for the lock that VirtualBox holds after a power-off", async () => {
    const { id, outs } = await create();
    let refusals = 2;
    box.fault = ([verb]) => (verb === "modifyvm" && refusals-- > 0 ? locked("node1").result : undefined);
    expect(await provider.update(id, outs, wanted({ cpus: 3 }), context)).toMatchObject({ cpus: 3 });
  });

  test("that needs no stop does not stop", async () => {
    const { id, outs } = await create();
    const calls = box.calls.length;
    const isoPath = join(box.folder, "moved.iso");
    const moved = await provider.update(id, outs, wanted({ isoPath, stopTimeoutSeconds: 7, autostart: false }), context);
    expect(moved).toMatchObject({ isoPath, state: "running", autostart: false });
    expect(since(calls)).not.toContain("controlvm");
    expect(since(calls)).not.toContain("modifyvm");
  });

  test("starts a machine that someone stopped, which a read shows", async () => {
    const { id, outs } = await create();
    await box.setState(id, "poweroff");
    const stopped = await provider.read(id, outs, context);
    expect(stopped).toMatchObject({ ready: false, autostart: true, state: "poweroff" });
    expect(await provider.update(id, stopped!, wanted(), context)).toMatchObject({ ready: true, state: "running" });
  });

  test("that the guest did not survive keeps the address, for a refresh that comes next", async () => {
    const { id, outs } = await create();
    ready.mockRejectedValue(new UserError("not ready"));
    const error = await provider.update(id, outs, wanted({ cpus: 3 }), context).catch((error: unknown) => error);
    expect(await provider.read(id, (error as PartialFailure).outs as never, context)).toEqual({ ...outs, cpus: 3 });
  });
  test.each(["saved", "paused", "gurumeditation", "aborted"])("of a machine that is %s succeeds", async (state) => {
    const { id, outs } = await create();
    await box.setState(id, state);
    expect(await provider.update(id, outs, wanted({ cpus: 3 }), context)).toMatchObject({ cpus: 3, state: "running" });
  });

  test("leaves a machine in an unknown state alone", async () => {
    const { id, outs } = await create();
    await box.setState(id, "quantum");
    const calls = box.calls.length;
    await expect(provider.update(id, outs, wanted({ cpus: 3 }), context)).rejects.toThrow(/does not know: "quantum"/);
    expect(new Set(since(calls))).toEqual(new Set(["showvminfo"]));
  });

  test("of three machines stops them one after the other, each when the one before is ready", async () => {
    const made = await Promise.all(names.map((name) => create({ name })));
    let [away, most] = [0, 0];
    box.fault = ([verb]) => {
      if (verb === "controlvm") most = Math.max(most, ++away);
      return undefined;
    };
    ready.mockImplementation(() => (away--, Promise.resolve(firstBootReport)));
    await Promise.all(made.map(({ id, outs }, i) => provider.update(id, outs, wanted({ name: names[i], memoryMb: 4096 }), context)));
    expect(most).toBe(1);
  });

  test("stops no further machine when one does not come back", async () => {
    const made = await Promise.all(names.map((name) => create({ name })));
    ready.mockRejectedValue(new UserError("not ready"));
    const updates = await Promise.allSettled(made.map(({ id, outs }, i) => provider.update(id, outs, wanted({ name: names[i], memoryMb: 4096 }), context)));
    expect(updates.map((update) => update.status === "rejected" && (update.reason as Error).message.split("\n")[0])).toEqual([
      "not ready",
      "was left running as it is, because node1 did not come back from its change",
      "was left running as it is, because node1 did not come back from its change",
    ]);
    expect(made.map(({ id }) => box.vm(id).settings.memory)).toEqual(["4096", "2048", "2048"]);
  });

  test("reports what is true when it fails half-way", async () => {
    const { id, outs } = await create();
    box.fault = ([verb]) => (verb === "modifymedium" ? failure("no space") : undefined);
    const grown = wanted({ cpus: 3, disks: [{ sizeMb: 30, format: "VDI", variant: "Standard" }] });
    const error = (await provider.update(id, outs, grown, context).catch((error: unknown) => error)) as PartialFailure;
    expect(error.outs).toMatchObject({ cpus: 3, disks: [{ sizeMb: 20 }], state: "poweroff", ready: false });
    box.fault = () => undefined;
    expect(await provider.update(id, error.outs as never, grown, context)).toMatchObject({ disks: grown.disks, state: "running" });
  });

  test("of a machine that is gone says so", async () => {
    const { id, outs } = await create();
    await box.change(({ machines }) => machines.pop());
    await expect(provider.update(id, outs, wanted(), context)).rejects.toThrow(/no machine .* any more\n→ run `pulumi up --refresh`/);
  });
});

describe("delete", () => {
  test("cuts the power and leaves nothing", async () => {
    const { id, outs } = await create();
    await provider.delete(id, outs, context);
    expect(box.names).toEqual(["base"]);
    expect(box.media).toEqual(UNTOUCHED);
  });

  test("that is killed at any call is completed by the next one", async () => {
    const { id, outs } = await create();
    const before = box.calls.length;
    await provider.delete(id, outs, context);
    const count = box.calls.length - before;
    for (let killed = 0; killed < count; killed++) {
      box = await SimulatedVirtualBox.make(folder);
      const { calls, exec } = box;
      const made = await vboxVmProvider(box.exec).create(wanted(), context);
      const last = calls.length + killed;
      const dying = vboxVmProvider((file, args) => (calls.length >= last ? Promise.reject(new Error("killed")) : exec(file, args)));
      await expect(dying.delete(made.id, made.outs, context)).rejects.toThrow("killed");
      await vboxVmProvider(box.exec).delete(made.id, made.outs, context);
      expect(box.names).toEqual(["base"]);
      expect(box.media).toEqual(UNTOUCHED);
    }
  });

  test.each(["unregistervm", "closemedium"])("that was killed at %s is seen by a refresh until nothing is left, and ends in a replacement or a deletion", async (verb) => {
    const { id, outs } = await create();
    // VirtualBox does its two phases, or only the first, and nobody does the rest.
    const dying = vboxVmProvider(async (file, args) => {
      if (args[0] !== "unregistervm") return box.exec(file, args);
      await box.run("unregistervm", id, ...(verb === "closemedium" ? ["--delete"] : []));
      throw new Error("killed");
    });
    await expect(dying.delete(id, outs, context)).rejects.toThrow("killed");
    const read = await provider.read(id, outs, context);
    expect(read).toMatchObject({ uuid: id, state: "deleted" });
    expect(await operations.diff(provider as never, id, read as never, wanted() as never)).toMatchObject({ replaces: ["isoSha256"] });
    await provider.delete(id, read!, context);
    expect(box.media).toEqual(UNTOUCHED);
    expect(await provider.read(id, outs, context)).toBeUndefined();
  });

  test("says what VirtualBox left", async () => {
    const { id, outs } = await create();
    box.fault = ([verb]) => (verb === "closemedium" ? { stdout: "", stderr: "", exitCode: 0 } : undefined);
    await box.change(({ media, machineFolder }) => {
      const location = join(machineFolder, "vbox-kubeadm/shop/test/node1/Snapshots/x.vdi");
      media.push({ uuid: "b6ab5c05-ec6c-4780-83bc-bac1014cd2d3", kind: "disk", location, format: "VDI", variant: "Standard", sizeMb: 1 });
    });
    await expect(provider.delete(id, outs, context)).rejects.toThrow(/not deleted completely\n {4}left:\n {4}medium b6ab5c05.*x\.vdi/);
  });

  test("never touches a machine of the same name that is another's", async () => {
    const { id, outs } = await create();
    await box.change(({ machines }) => machines.pop());
    await box.run("createvm", "--name", "node1", "--register");
    await provider.delete(id, outs, context);
    expect(box.names).toEqual(["base", "node1"]);
  });
});
