import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { vboxVmProvider } from "../../providers/vboxVm";
import { testContext } from "../support/context";
import { SimulatedVirtualBox } from "../support/simulatedVirtualBox";

// What others did to a machine: a read sees it, an update fixes it.
const folder = mkdtempSync(join(tmpdir(), "vbox-vm-"));
afterAll(() => rmSync(folder, { recursive: true }));

let box: SimulatedVirtualBox;
let provider: ReturnType<typeof vboxVmProvider>;
const context = testContext();
beforeEach(async () => {
  box = await SimulatedVirtualBox.make(folder);
  provider = vboxVmProvider(box.exec);
});

type Inputs = Parameters<typeof provider.create>[0];
const disk = { sizeMb: 20, format: "VDI" as const, variant: "Standard" as const };
const wanted = (changes: Partial<Inputs> = {}): Inputs => ({
  ...(provider.defaults as Inputs),
  name: "node1",
  stack: "shop/test",
  baseImage: "base",
  nics: [{ type: "intnet", network: "node", mac: "080027A1B201" }],
  disks: [disk],
  isoPath: join(box.folder, "worker.iso"),
  ...changes,
});
const create = (changes?: Partial<Inputs>) => provider.create(wanted(changes), context);

/** The call that puts a disc, or `emptydrive`, into the machine's drive. */
const intoDrive = (id: string, medium: string) => [
  ...["storageattach", id, "--storagectl", "IDE", "--port", "1", "--type", "dvddrive"],
  ...["--medium", medium],
];

/** Does something to the machine that needs it off, and starts it again. */
async function whileOff(id: string, ...calls: string[][]): Promise<void> {
  await box.setState(id, "poweroff");
  for (const call of calls) await box.run(...call);
  await box.run("startvm", id);
}

test("a machine that was renamed gets its name again, with its disks and a new one", async () => {
  const { id, outs } = await create();
  await whileOff(id, ["modifyvm", id, "--name", "renamed"]);
  const renamed = await provider.read(id, outs, context);
  expect(renamed).toEqual({ ...outs, named: false });
  const disks = [disk, { ...disk, sizeMb: 30 }];
  expect(await provider.update(id, renamed!, wanted({ disks }), context)).toEqual({ ...outs, disks });
  expect(box.media.filter((path) => path.includes("node1/vbox-kubeadm-disk-"))).toHaveLength(2);
});

test("the ISO comes back into its drive, live", async () => {
  const { id, outs } = await create();
  await box.run(...intoDrive(id, join(box.folder, "moved.iso")));
  const drifted = await provider.read(id, outs, context);
  expect(drifted).toEqual({ ...outs, isoInserted: false });
  const calls = box.calls.length;
  expect(await provider.update(id, drifted!, wanted(), context)).toEqual(outs);
  expect(box.drives(id)["IDE-1-0"]).toBe("worker.iso");
  expect(box.verbs.slice(calls)).not.toContain("controlvm");
});

test("a machine that somebody stopped is to be started, until somebody has started it", async () => {
  const { id, outs } = await create();
  await box.setState(id, "poweroff");
  const stopped = await provider.read(id, outs, context);
  expect(stopped).toEqual({ ...outs, ready: false, state: "poweroff" });
  await box.setState(id, "running");
  expect(await provider.read(id, stopped!, context)).toEqual(outs);
});

test("a disk whose file is gone is recreated", async () => {
  const { id, outs } = await create();
  const file = join(dirname(box.vm(id).settingsFile), "vbox-kubeadm-disk-1.vdi");
  rmSync(file);
  const lost = await provider.read(id, outs, context);
  expect(lost).toEqual({ ...outs, disks: [{ ...disk, sizeMb: 0 }] });
  expect(await provider.update(id, lost!, wanted(), context)).toEqual(outs);
  expect(existsSync(file)).toBe(true);
});

test("a disk whose file is there and cannot be read is left alone, and the machine running", async () => {
  const { id, outs } = await create();
  const damaged = vboxVmProvider(async (program, args) => {
    const { stdout, ...rest } = await box.exec(program, args);
    return { ...rest, stdout: stdout.replace("State:          created", "State:          inaccessible") };
  });
  expect(await damaged.read(id, outs, context)).toMatchObject({ disks: [{ sizeMb: 0 }] });
  await expect(damaged.update(id, outs, wanted(), context)).rejects.toThrow(
    /disks\[0\] of node1 cannot be read by VirtualBox: .*disk-1\.vdi\n→ .*showmediuminfo/,
  );
  expect(box.vm(id).state).toBe("running");
});

test("a disk of somebody else's in a disk's place is left alone, and the machine running", async () => {
  const { id, outs } = await create({ disks: [] });
  const theirs = join(box.folder, "theirs.vdi");
  await box.run("createmedium", "disk", "--filename", theirs, "--size", "1");
  await whileOff(id, ["storageattach", id, "--storagectl", "SATA", "--port", "1", "--type", "hdd", "--medium", theirs]);
  await expect(provider.update(id, outs, wanted(), context)).rejects.toThrow(
    /SATA port 1 of node1, the place of disks\[0\], is taken by .*theirs\.vdi/,
  );
  expect(box.vm(id).state).toBe("running");
});

test("a delete after a refresh that saw it renamed, and its ISO out of its drive, leaves nothing", async () => {
  const { id, outs } = await create();
  await whileOff(id, intoDrive(id, "emptydrive"), ["modifyvm", id, "--name", "renamed"]);
  await provider.delete(id, (await provider.read(id, outs, context))!, context);
  expect(box.names).toEqual(["base"]);
  expect(box.media).toEqual(["vms/base/base.vdi", "inherited.iso"]);
  expect(readdirSync(box.machineFolder)).toEqual(["base"]);
});
