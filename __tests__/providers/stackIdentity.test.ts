import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beginRun, operations } from "../../providers/engine";
import { stackIdentityProvider } from "../../providers/stackIdentity";
import { FORGET_VARIABLE, type VirtualBoxHome } from "../../virtualbox/home";
import { Driven } from "../support/driven";
import { SimulatedVirtualBox } from "../support/simulatedVirtualBox";

let folder: string;
let ours: SimulatedVirtualBox;
let other: SimulatedVirtualBox;
let identity: Driven;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "identity-"));
  beginRun();
  jest.spyOn(console, "log").mockImplementation(() => undefined);
  [ours, other] = [await SimulatedVirtualBox.make(folder), await SimulatedVirtualBox.make(folder)];
  identity = identityIn(ours);
});
afterEach(() => {
  delete process.env[FORGET_VARIABLE];
  rmSync(folder, { recursive: true });
});

const identityIn = (box: SimulatedVirtualBox) =>
  new Driven(stackIdentityProvider(box.exec), () => ({ name: "kube/dev", hasWorkers: true }));
/** The same state, with another VirtualBox. */
const inOther = () => Object.assign(identityIn(other), { state: identity.state });
const home = (of = identity) => of.get<VirtualBoxHome | undefined>("virtualBox");
const isCalled = (box: SimulatedVirtualBox) => box.calls.length > 0;

/** Registers a machine, with a mark. */
async function addMachine(box: SimulatedVirtualBox, name: string, mark: string): Promise<void> {
  await box.run("createvm", "--name", name, "--ostype", "Debian_64", "--register");
  await box.run("setextradata", name, "vbox-kubeadm/owner", mark);
}
const addOurs = (box: SimulatedVirtualBox) => addMachine(box, "node1", `${identity.get("stackId")} kube/dev/node1`);

/** What a preview says to these inputs. */
async function plan(changes: object = {}): Promise<object> {
  const provider = stackIdentityProvider(ours.exec) as never;
  const { id, outs } = identity.state!;
  const { inputs } = await operations.check(provider, outs, { name: outs.name, hasWorkers: true, ...changes });
  return operations.diff(provider, id, outs, inputs);
}

/** The state that a version wrote which knew no stack's VirtualBox. */
async function makeEarlier(): Promise<void> {
  await identity.up({ hasWorkers: false });
  const { name, stackId } = identity.state!.outs;
  identity.state = { ...identity.state!, outs: { name, stackId } };
  beginRun();
}

test("a stack that makes no machine asks no VirtualBox", async () => {
  await identity.up({ hasWorkers: false });
  await identity.refresh();
  await identity.up({ hasWorkers: false, commandTimeoutSeconds: 60 });
  expect(home()).toBeUndefined();
  expect(isCalled(ours)).toBe(false);
});

test("one that makes machines knows the VirtualBox that was asked first, also by updates elsewhere, and a preview asks nobody", async () => {
  const { outs } = await identity.up();
  expect(home()).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{32}$/) });
  expect(await inOther().differs()).toEqual([]);
  expect(isCalled(other)).toBe(false);
  const changed = await inOther().up({ commandTimeoutSeconds: 60 });
  expect(changed.outs).toEqual({ ...outs, commandTimeoutSeconds: 60 });
  expect((await inOther().refresh())!.outs).toEqual(outs);
});

test("one whose first machines are made later learns it then, and keeps it while it has none", async () => {
  await identity.up({ hasWorkers: false });
  await identity.up();
  const known = home();
  expect(known).toBeDefined();
  expect(await identity.differs({ hasWorkers: false })).toEqual([]);
  await identity.up({ hasWorkers: false, commandTimeoutSeconds: 60 });
  const moved = inOther();
  expect(await moved.differs({ commandTimeoutSeconds: 60 })).toEqual([]);
  await moved.up();
  expect(home(moved)).toEqual(known);
});

const refusal =
  /VirtualBox has no machine of kube\/dev, and may not be the one in which they were made; nothing was changed\n.*made in: {3}not known[^]*FORGET_VIRTUALBOX=unknown/;
test("the state of an earlier version learns it in place from the first VirtualBox that has a machine of the stack", async () => {
  await makeEarlier();
  await addOurs(ours);
  const { stackId } = identity.state!.outs;
  const wrong = inOther();
  await expect(wrong.up()).rejects.toThrow(refusal);
  await expect(wrong.differs()).rejects.toThrow(refusal);
  expect(other.verbs).not.toContain("setextradata");
  expect(await plan()).toMatchObject({ changes: true, replaces: [] });
  await identity.up();
  expect(home()).toBeDefined();
  expect(identity.state!.outs.stackId).toBe(stackId);
  expect(await identity.differs()).toEqual([]);
});

test("a stack of an earlier version that makes no machine asks nobody", async () => {
  await makeEarlier();
  expect(await plan({ hasWorkers: false })).toMatchObject({ changes: false });
  await identity.up({ hasWorkers: false, commandTimeoutSeconds: 60 });
  expect(isCalled(ours)).toBe(false);
});

test("or, where its machines are said to be gone for good, from the one that is asked", async () => {
  await makeEarlier();
  process.env[FORGET_VARIABLE] = "unknown";
  await identity.up();
  expect(home()).toBeDefined();
});

test.each([
  ["version 0.1.0's mark", "node1", () => "kube/dev/node1", true],
  ["the mark of another stack of these names", "node1", () => `${"f".repeat(32)} kube/dev/node1`, false],
  ["another stack's", "node1", (id: string) => `${id} kube/test/node1`, false],
  ["a mark that it inherited from its base image", "node2", (id: string) => `${id} kube/dev/node1`, false],
])("a machine with %s counts as such", async (_what, name, mark, isOurs) => {
  await makeEarlier();
  await addMachine(ours, name, mark(identity.get("stackId")));
  const learned = identity.up().then(() => home());
  await (isOurs ? expect(learned).resolves.toBeDefined() : expect(learned).rejects.toThrow(refusal));
});

test("it moves to where a refresh finds machines of the stack, which were moved on purpose", async () => {
  await identity.up();
  await addOurs(other);
  const moved = inOther();
  await moved.refresh();
  expect(home(moved)!.id).not.toBe(home()!.id);
});

test("said to be gone for good, it gives way to the one that is asked, in that run or the next", async () => {
  await identity.up();
  for (const isSameRun of [true, false]) {
    const moved = inOther();
    process.env[FORGET_VARIABLE] = home()!.id;
    await moved.refresh();
    if (!isSameRun) delete process.env[FORGET_VARIABLE];
    expect(await moved.differs()).toEqual(["hasWorkers"]);
    await moved.up();
    expect(home(moved)!.id).toMatch(/^[0-9a-f]{32}$/);
    expect(home(moved)!.id).not.toBe(home()!.id);
    expect(await moved.differs()).toEqual([]);
  }
});

test("a VirtualBox that does not answer keeps a stack from being made or moved", async () => {
  ours.fault = () => ({ exitCode: 1, stdout: "", stderr: "VBoxManage: error: out of order\n" });
  await expect(identity.up()).rejects.toThrow(/^kube\/dev: [^]*out of order/);
  expect(identity.state).toBeUndefined();
});
