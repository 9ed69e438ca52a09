import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostKeyIn } from "../../cloudinit/hostKey";
import { publisherOf } from "../../cloudinit/iso9660/image";
import { cloudInitIsoProvider } from "../../providers/cloudInitIso";
import { beginRun, operations } from "../../providers/engine";
import { renderOptions } from "../support/cloudInit";
import { Driven } from "../support/driven";
import { SimulatedVirtualBox } from "../support/simulatedVirtualBox";

/** Two stacks of the same names want one ISO; `undefined` is one of version 0.1.0. */
const [ours, theirs, former] = ["a".repeat(32), "b".repeat(32), undefined];

let folder: string;
let path: string;
let box: SimulatedVirtualBox;
beforeEach(async () => {
  beginRun(); // Of stacks whose machines are nowhere yet.
  folder = mkdtempSync(join(tmpdir(), "iso-"));
  path = join(folder, "kube", "dev", "kube-node01-cidata.iso");
  box = await SimulatedVirtualBox.make(folder);
  jest.spyOn(console, "log").mockImplementation(() => undefined);
});
afterEach(() => rmSync(folder, { recursive: true }));

const isoOf = (stackId?: string) =>
  new Driven(cloudInitIsoProvider(box.exec), () => ({ ...renderOptions(), path, ...(stackId && { stackId }) }));
const onDisk = () => readFileSync(path);

test.each([[theirs], [former]])(
  "the ISO of another stack, %s, is refused before anything is written, and stays",
  async (stackId) => {
    const iso = isoOf(stackId);
    await iso.up();
    const before = onDisk();
    const second = isoOf(ours);
    await expect(second.up()).rejects.toThrow(
      /belongs to another stack, or to this one's lost state; nothing was changed[^]*pulumi stack import[^]*adopt true/,
    );
    expect(onDisk()).toEqual(before);
    expect(second.state).toBeUndefined();
  },
);

test.each([[theirs], [former]])("adopt takes it over from %s with its host key, as the same image", async (stackId) => {
  const { outs: before } = await isoOf(stackId).up();
  const { outs } = await isoOf(ours).up({ adopt: true });
  for (const property of ["sha256", "instanceId", "hostPublicKey", "hostPrivateKey"])
    expect(outs[property]).toBe(before[property]);
  expect(publisherOf(onDisk())).toBe(ours);
});

test("the stack that lost it neither writes over it nor deletes it", async () => {
  const lost = isoOf(theirs);
  await lost.up();
  await isoOf(ours).up({ adopt: true });
  const before = onDisk();
  expect((await lost.refresh())!.outs.intact).toBe(false);
  await expect(lost.up()).rejects.toThrow("belongs to another stack");
  await lost.destroy();
  expect(onDisk()).toEqual(before);
});

test("version 0.1.0's gets the stack's id in place, and keeps its identity", async () => {
  const iso = isoOf();
  const { id, outs } = await iso.up();
  const { inputs } = await operations.check(
    cloudInitIsoProvider(box.exec) as never,
    {},
    { ...renderOptions(), path, stackId: ours },
  );
  expect(
    await operations.diff(cloudInitIsoProvider(box.exec) as never, id, outs, inputs as { name: string }),
  ).toMatchObject({ changes: true, replaces: [] });
  const after = await iso.up({ stackId: ours });
  expect(after.outs).toEqual({ ...outs, stackId: ours });
  expect(publisherOf(onDisk())).toBe(ours);
  expect((await iso.refresh())!.outs.intact).toBe(true);
});

test("an `up` that was killed when it had given the id can be destroyed", async () => {
  const [iso, upgraded] = [isoOf(), isoOf()];
  await iso.up();
  upgraded.state = iso.state;
  await upgraded.up({ stackId: ours });
  await iso.destroy();
  expect(existsSync(path)).toBe(false);
});

test("a create of the same stack goes on with the host key that is there", async () => {
  const { outs } = await isoOf(ours).up();
  expect((await isoOf(ours).up({ timezone: "Europe/Vienna" })).outs.hostPublicKey).toBe(outs.hostPublicKey);
});

test("one that other content made, and that a finished machine booted from, is not written over", async () => {
  await isoOf(ours).up();
  await box.run("createvm", "--name", "kube-node01", "--register");
  await box.run("setextradata", "kube-node01", "vbox-kubeadm/finished", "x");
  const before = onDisk();
  await expect(isoOf(ours).up({ timezone: "Europe/Vienna" })).rejects.toThrow(
    /has other content, and the machine kube-node01 .* was made from it; nothing was changed/,
  );
  expect(onDisk()).toEqual(before);
  await isoOf(ours).up();
  expect(onDisk()).toEqual(before);
});

test("another stack's at the place that ours is moved to stays", async () => {
  await isoOf(theirs).up();
  const moved = join(folder, "moved.iso");
  const iso = isoOf(ours);
  await iso.up({ path: moved });
  copyFileSync(path, join(folder, "kept.iso"));
  await expect(iso.up()).rejects.toThrow("belongs to another stack");
  expect(onDisk()).toEqual(readFileSync(join(folder, "kept.iso")));
  expect(hostKeyIn(readFileSync(moved, "latin1"))!.hostPublicKey).toBe(iso.get("hostPublicKey"));
});
