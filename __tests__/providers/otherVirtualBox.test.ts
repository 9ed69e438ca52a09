import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FORGET_VARIABLE, type VirtualBoxHome } from "../../virtualbox/home";
import { cloudInitIsoProvider } from "../../providers/cloudInitIso";
import { beginRun } from "../../providers/engine";
import { vboxVmProvider } from "../../providers/vboxVm";
import { renderOptions } from "../support/cloudInit";
import { Driven } from "../support/driven";
import { SimulatedVirtualBox } from "../support/simulatedVirtualBox";

/**
 * A state is used where another VirtualBox answers: another user's, another host's, or that of another VBOX_USER_HOME.
 */
let folder: string;
let ours: SimulatedVirtualBox;
let other: SimulatedVirtualBox;
let vm: Driven;
let lines: string[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "homes-"));
  beginRun(); // What another test planned is none of this one's.
  lines = [];
  jest.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  [ours, other] = [await SimulatedVirtualBox.make(folder), await SimulatedVirtualBox.make(folder)];
  vm = machineIn(ours);
  await vm.up();
});
afterEach(() => {
  delete process.env[FORGET_VARIABLE];
  rmSync(folder, { recursive: true });
});

const nics = [{ type: "intnet", network: "node", mac: "080027A1B201" }];
const machineIn = (box: SimulatedVirtualBox, name = "node1") =>
  new Driven(vboxVmProvider(box.exec), () => ({
    name,
    stack: "kube/dev",
    stackId: "a".repeat(32),
    baseImage: "base",
    nics,
    isoPath: join(ours.folder, "worker.iso"),
    autostart: false,
  }));

/** The same state, with another VirtualBox. */
function elsewhere(): Driven {
  const moved = machineIn(other);
  moved.state = vm.state;
  return moved;
}
const home = () => vm.get<VirtualBoxHome>("virtualBox");
const refusal =
  /VirtualBox has no machine node1 \(\S+\), and may not be the one in which it was made; nothing was changed\n.*made in: .* \(id [0-9a-f]{32}\)\n.*asked now: .*\n.*VBOX_KUBEADM_FORGET_VIRTUALBOX=[0-9a-f]{32} pulumi up --refresh/;

test("its `not found` is neither gone nor deleted, whether it has an id or not", async () => {
  for (const prepared of [() => Promise.resolve(), () => machineIn(other, "node2").up()]) {
    beginRun(); // Of another stack.
    await prepared();
    const names = other.names;
    const moved = elsewhere();
    await expect(moved.refresh()).rejects.toThrow(refusal);
    await expect(moved.up({ memoryMb: 3000 })).rejects.toThrow(refusal);
    await expect(moved.destroy()).rejects.toThrow(refusal);
    expect(other.names).toEqual(names);
    expect(moved.state).toEqual(vm.state);
  }
  expect(ours.names).toContain("node1");
  await vm.destroy();
  expect(ours.names).toEqual(["base"]);
});

test("said to be gone for good, a refresh drops it, and a destroy lists what was not looked at", async () => {
  const [dropped, destroyed] = [elsewhere(), elsewhere()];
  process.env[FORGET_VARIABLE] = home().id;
  expect(await dropped.refresh()).toBeUndefined();
  await destroyed.destroy();
  expect(lines.at(-1)).toBe(
    `node1: warning: was not looked at, and is left if it still exists: machine ${vm.get("uuid")} with its disks, its ISO ${vm.get("isoPath")}; in ${home().where}`,
  );
  expect(ours.names).toContain("node1");
});

test("another id than the state's is not the word for it", async () => {
  process.env[FORGET_VARIABLE] = "unknown";
  await expect(elsewhere().refresh()).rejects.toThrow(refusal);
});

test("in the VirtualBox that made it, a machine that is gone is gone", async () => {
  await ours.run("unregistervm", "node1", "--delete");
  expect((await vm.refresh())!.outs.state).toBe("deleted"); // Its ISO is registered yet.
  await vm.destroy();
  expect(ours.media).not.toContain("worker.iso");
});

test("a state of version 0.1.0 learns it from the first look that finds the machine, and refuses to take its absence for granted", async () => {
  const { virtualBox, ...former } = vm.state!.outs;
  vm.state = { ...vm.state!, outs: { ...former, name: "node1" } };
  await expect(elsewhere().refresh()).rejects.toThrow(
    /made in: {3}not known, as version 0\.1\.0[^]*VBOX_KUBEADM_FORGET_VIRTUALBOX=unknown/,
  );
  expect((await vm.refresh())!.outs.virtualBox).toEqual(virtualBox);
});

test("a machine that was found, with its mark, in another VirtualBox has that one from then on: it was moved on purpose", async () => {
  const before = home();
  await vm.refresh();
  expect(home()).toEqual(before);
  await ours.run("setextradata", "global", "vbox-kubeadm/id", "b".repeat(32));
  await vm.refresh();
  expect(home().id).toBe("b".repeat(32));
  await ours.run("unregistervm", "node1", "--delete");
  await vm.destroy();
  expect(ours.names).toEqual(["base"]);
});

test("machines of one VirtualBox have its one id, also where they are made side by side", async () => {
  const [two, three] = [machineIn(other, "node2"), machineIn(other, "node3")];
  await Promise.all([
    two.up({ nics: [{ ...nics[0], mac: "080027A1B202" }] }),
    three.up({ nics: [{ ...nics[0], mac: "080027A1B203" }] }),
  ]);
  expect(two.get("virtualBox")).toEqual(three.get("virtualBox"));
  expect(two.get("virtualBox")).not.toEqual(home());
});

describe("a machine's ISO", () => {
  const isoFor = (box: SimulatedVirtualBox) =>
    new Driven(cloudInitIsoProvider(box.exec), () => ({
      ...renderOptions(),
      path: join(folder, "iso/kube/node1.iso"),
    }));
  const inOther = (iso: Driven) => Object.assign(isoFor(other), { state: iso.state });
  const onDisk = () => readFileSync(join(folder, "iso/kube/node1.iso"));

  test("is not written over or moved by who asks another VirtualBox, until its own is said to be gone for good", async () => {
    const iso = isoFor(ours);
    await iso.up();
    const [before, moved] = [onDisk(), inOther(iso)];
    for (const change of [{ timezone: "Europe/Lisbon" }, { path: join(folder, "root/kube/node1.iso") }]) {
      await expect(moved.up(change)).rejects.toThrow(
        /node01: the ISO \S+ is for a machine of another VirtualBox; nothing was changed\n.*made in: .*\n.*asked now: .*\n.*FORGET_VIRTUALBOX=[0-9a-f]{32} pulumi up --refresh/,
      );
    }
    expect(onDisk()).toEqual(before);
    process.env[FORGET_VARIABLE] = iso.get<VirtualBoxHome>("virtualBox").id;
    await moved.refresh();
    delete process.env[FORGET_VARIABLE];
    await moved.up({ timezone: "Europe/Lisbon" });
    expect(onDisk()).not.toEqual(before);
  });

  test("of an earlier version's state learns its VirtualBox where that has the machine", async () => {
    const iso = isoFor(ours);
    const { outs } = await iso.up();
    const { virtualBox, ...former } = outs;
    iso.state = { ...iso.state!, outs: { ...former, name: outs.name } };
    expect((await inOther(iso).up({ timezone: "Europe/Lisbon" })).outs).not.toHaveProperty("virtualBox");
    await ours.run("createvm", "--name", outs.name, "--ostype", "Debian_64", "--register");
    expect((await iso.up({ timezone: "Europe/Vienna" })).outs.virtualBox).toEqual(virtualBox);
  });
});
