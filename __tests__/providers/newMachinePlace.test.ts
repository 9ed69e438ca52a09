import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NotRunnable } from "../../common/exec";
import { cloudInitIsoProvider } from "../../providers/cloudInitIso";
import { beginRun, operations } from "../../providers/engine";
import { vboxVmProvider } from "../../providers/vboxVm";
import { FORGET_VARIABLE, type VirtualBoxHome } from "../../virtualbox/home";
import { renderOptions } from "../support/cloudInit";
import { Driven } from "../support/driven";
import { SimulatedVirtualBox } from "../support/simulatedVirtualBox";

/** A stack has node1 in one VirtualBox, and is to have node2: another VirtualBox is asked than the first, or that one. */
let folder: string;
let ours: SimulatedVirtualBox;
let other: SimulatedVirtualBox;
let node1: Driven;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "places-"));
  beginRun();
  jest.spyOn(console, "log").mockImplementation(() => undefined);
  [ours, other] = [await SimulatedVirtualBox.make(folder), await SimulatedVirtualBox.make(folder)];
  node1 = machineIn(ours, "node1");
  await node1.up();
  beginRun();
});
afterEach(() => {
  delete process.env[FORGET_VARIABLE];
  rmSync(folder, { recursive: true });
});

const machineIn = (box: SimulatedVirtualBox, name: string, stackVirtualBox?: VirtualBoxHome) =>
  new Driven(vboxVmProvider(box.exec), () => ({
    name,
    stack: "kube/dev",
    stackId: "a".repeat(32),
    baseImage: "base",
    nics: [{ type: "intnet", network: "node", mac: `080027A1B20${name.at(-1)}` }],
    isoPath: join(ours.folder, "worker.iso"),
    autostart: false,
    ...(stackVirtualBox && { stackVirtualBox }),
  }));
const isoPath = () => join(folder, "iso/kube/node2.iso");
const isoIn = (box: SimulatedVirtualBox, stackVirtualBox?: VirtualBoxHome) =>
  new Driven(cloudInitIsoProvider(box.exec), () => ({
    ...renderOptions(),
    name: "node2",
    stack: "kube/dev",
    stackId: "a".repeat(32),
    path: isoPath(),
    ...(stackVirtualBox && { stackVirtualBox }),
  }));
const home = (of = node1) => of.get<VirtualBoxHome>("virtualBox");
/** Another VirtualBox, which has a machine of somebody else's stack. */
async function otherHome(): Promise<VirtualBoxHome> {
  const theirs = machineIn(other, "node9");
  await theirs.up({ stack: "kube/test", stackId: "b".repeat(32) });
  return home(theirs);
}
const outsOf = ({ state }: Driven) => state!.outs;

/** What a run is told of a resource that is in the state. */
const look = (one: Driven, provider = vboxVmProvider(ours.exec)) =>
  operations.diff(provider as never, one.state!.id, outsOf(one), outsOf(one));
/** As version 0.1.0 wrote it. */
async function makeEarlier(): Promise<void> {
  const { id, outs } = node1.state!;
  node1.state = { id, outs: { ...outs, virtualBox: undefined, stackId: undefined } };
  await ours.run("setextradata", "node1", "vbox-kubeadm/owner", "kube/dev/node1");
}

const refusal =
  /node2: would be made in another VirtualBox than the stack's machines; nothing was made\\n.*made in: .* \(id [0-9a-f]{32}\)\\n.*asked now: .*FORGET_VIRTUALBOX=[0-9a-f]{32} pulumi up --refresh/;

/** Both node2's machine and its ISO are refused, and nothing is there. */
async function expectRefused(stackVirtualBox?: VirtualBoxHome, how = refusal): Promise<void> {
  const names = other.names;
  for (const one of [machineIn(other, "node2", stackVirtualBox), isoIn(other, stackVirtualBox)])
    await expect(one.up()).rejects.toThrow(how);
  expect(other.names).toEqual(names);
  expect(existsSync(isoPath())).toBe(false);
}
async function expectMade(box: SimulatedVirtualBox, stackVirtualBox?: VirtualBoxHome): Promise<void> {
  for (const one of [machineIn(box, "node2", stackVirtualBox), isoIn(box, stackVirtualBox)])
    expect(home(await one.up().then(() => one)).id).toMatch(/^[0-9a-f]{32}$/);
}

test("in another VirtualBox than the stack's neither is made, and in the stack's both are", async () => {
  await expectRefused(home());
  await otherHome(); // Now it has an id.
  await expectRefused(home());
  await expectMade(ours, home());
});

test("what passed a preview is looked at again before it is made", async () => {
  const provider = vboxVmProvider(other.exec) as never;
  const { inputs } = await operations.check(provider, {}, outsOf(machineWith(machineIn(other, "node2"))));
  const names = other.names;
  await expect(operations.create(provider, { ...inputs, stackVirtualBox: home() })).rejects.toThrow(
    /node2: would be made in another VirtualBox/,
  );
  expect(other.names).toEqual(names);
});
/** Its inputs, as a state that is not there yet. */
const machineWith = (one: Driven) =>
  Object.assign(one, { state: { id: "", outs: { ...outsOf(node1), name: "node2", uuid: undefined } } });

test("where the identity does not know the stack's, the machines that the state has do", async () => {
  await look(node1);
  await expectRefused();
  await expectMade(ours);
});

test("where version 0.1.0 made the machines, the VirtualBox that has one is the stack's, whichever the identity has", async () => {
  await makeEarlier();
  const wrong = await otherHome();
  const unknown =
    /node2: would be made in another VirtualBox [^]*made in: {3}not known, as version 0\.1\.0[^]*FORGET_VIRTUALBOX=unknown/;
  await look(node1);
  await expectRefused(undefined, unknown);
  await expectRefused(wrong, unknown);
  await expectMade(ours, wrong);
});
test("an identity that learned the wrong one is contradicted by the machines", async () => {
  const wrong = await otherHome();
  await look(node1);
  await expectRefused(wrong);
  await expectMade(ours, wrong);
});

test("what a refused `up` left in the state of a wrong one does not make that the stack's", async () => {
  const stacks = home();
  const { id, outs } = node1.state!;
  node1.state = { id, outs: { ...outs, virtualBox: await otherHome() } };
  await look(node1); // All that this run was told of when node2 is to be made.
  await expectRefused(stacks);
});

test("of a stack that is spread over two, machines are made in both, and in no third", async () => {
  const third = await SimulatedVirtualBox.make(folder);
  const node3 = machineIn(third, "node3");
  await node3.up();
  await look(node3, vboxVmProvider(third.exec));
  await look(node1);
  await expectRefused(home());
  await expectMade(third, home());
});

test("also in one to which a machine was moved on purpose, before a refresh saw that", async () => {
  await machineIn(other, "node3").up();
  await expectMade(other, home());
});

test("but not in one that has machines of another stack of these names", async () => {
  await machineIn(other, "node3").up({ stackId: "b".repeat(32) });
  await expectRefused(home());
});

test("where the stack's is said to be gone for good, they are made in the one that is asked", async () => {
  await look(node1);
  process.env[FORGET_VARIABLE] = home().id;
  await expectMade(other, home());
});

test("a preview where there is no VirtualBox refuses nothing, and one of a stack without machines asks nobody", async () => {
  const input = { ...outsOf(node1), name: "node2" };
  const asked: unknown[] = [];
  const nowhere = vboxVmProvider((_file, args) => {
    asked.push(args);
    return Promise.reject(new NotRunnable("there is no VBoxManage"));
  }) as never;
  expect((await operations.check(nowhere, {}, input)).failures).toEqual([]);
  expect(asked).toEqual([]);
  expect((await operations.check(nowhere, {}, { ...input, stackVirtualBox: home() })).failures).toEqual([]);
  expect(asked).not.toEqual([]);
});

test("what the identity learns later is no change of a machine or an ISO", async () => {
  const iso = isoIn(ours);
  await iso.up();
  expect(await node1.differs({ stackVirtualBox: home() })).toEqual([]);
  expect(await iso.differs({ stackVirtualBox: home(), stack: "kube/dev" })).toEqual([]);
});
