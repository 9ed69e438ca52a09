import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vboxVmProvider } from "../../providers/vboxVm";
import { testContext } from "../support/context";
import { SimulatedVirtualBox } from "../support/simulatedVirtualBox";

// Nothing is taken away, or put over something, before it was looked at.
const folder = mkdtempSync(join(tmpdir(), "vbox-looks-"));
afterAll(() => rmSync(folder, { recursive: true }));

const context = testContext();
let box: SimulatedVirtualBox;
let provider: ReturnType<typeof vboxVmProvider>;
beforeEach(async () => {
  box = await SimulatedVirtualBox.make(folder);
  provider = vboxVmProvider(box.exec);
});

type Inputs = Parameters<typeof provider.create>[0];
const wanted = (changes: Partial<Inputs> = {}): Inputs => ({
  ...(provider.defaults as Inputs),
  name: "node1",
  stack: "shop/test",
  baseImage: "base",
  nics: [{ type: "intnet", network: "node", mac: "080027A1B201" }],
  isoPath: join(box.folder, "worker.iso"),
  isoSha256: "a",
  autostart: false,
  ...changes,
});
const create = (changes?: Partial<Inputs>) => provider.create(wanted(changes), context);
/** The disk with VirtualBox's machines, taken away and put back. */
const unmount = () => renameSync(box.machineFolder, `${box.machineFolder}-away`);
const mount = () => renameSync(`${box.machineFolder}-away`, box.machineFolder);

describe("a disk that is not mounted", () => {
  test("is no deleted machine: a destroy leaves it registered, and works when it is back", async () => {
    const { id, outs } = await create();
    const file = box.vm(id).settingsFile;
    unmount();
    await expect(provider.read(id, outs, context)).rejects.toThrow(/cannot read the settings/);
    await expect(provider.delete(id, outs, context)).rejects.toThrow(/was left as it is: neither its folder .*node1 nor .*→ mount the disk[^]*unregistervm/s);
    mount();
    expect(existsSync(file)).toBe(true);
    await provider.delete(id, outs, context);
    expect(existsSync(file)).toBe(false);
    expect(box.names).toEqual(["base"]);
  });

  test("is named where the base image may be on it", async () => {
    const { uuid } = box.vm("base");
    unmount();
    await expect(create()).rejects.toThrow(new RegExp(`no machine base to clone whose settings it can read[^]*${uuid}[^]*mount the disk`));
  });
});

test("machines whose folders were removed by hand are deleted, also the last one of a stack", async () => {
  const made = [await create(), await create({ name: "node2", nics: [{ type: "nat", mac: "080027A1B202" }] })];
  for (const { id } of made) rmSync(join(box.vm(id).settingsFile, ".."), { recursive: true });
  for (const { id, outs } of made) await provider.delete(id, outs, context);
  expect(existsSync(join(box.machineFolder, "vbox-kubeadm"))).toBe(false);
});

test("a finished machine that VirtualBox forgot is not taken for the rest of an interrupted clone", async () => {
  const { id } = await create();
  const file = box.vm(id).settingsFile;
  await box.run("unregistervm", id);
  await expect(create()).rejects.toThrow(/holds a finished machine node1 of shop\/test that VirtualBox does not know\n→ .*registervm/);
  expect(existsSync(file)).toBe(true);
});

test("what is no finished machine, in a folder of its name, makes way for one", async () => {
  const { id, outs } = await create();
  const place = join(box.vm(id).settingsFile, "..");
  await provider.delete(id, outs, context);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "node1.vbox"), "<VirtualBox/>");
  expect((await create()).outs.state).toBe("poweroff");
});

describe("a disk in the cidata ISO's place", () => {
  const slot = ["--storagectl", "IDE", "--port", "1", "--device", "0", "--type", "hdd", "--medium"];
  const PRECIOUS = /place in (base|node1), port 1, device 0 of the controller IDE, is taken by the disk .*precious\.vdi/;

  async function withDisk(vm: string): Promise<void> {
    const disk = join(box.folder, "precious.vdi");
    await box.run("createmedium", "disk", "--filename", disk, "--size", "5");
    await box.run("storageattach", vm, ...slot, disk);
  }

  test("of the base image is refused before anything is cloned", async () => {
    await withDisk("base");
    await expect(create()).rejects.toThrow(PRECIOUS);
    expect(box.verbs).not.toContain("clonevm");
    expect((await create({ isoPath: undefined })).outs.state).toBe("poweroff");
  });

  test("of a machine that is to be adopted is refused, and stays", async () => {
    await box.run("clonevm", "base", "--name", "node1", "--register");
    await withDisk("node1");
    await expect(create({ adopt: true })).rejects.toThrow(PRECIOUS);
    expect(box.drives("node1")).toMatchObject({ "IDE-1-0": "precious.vdi" });
    expect(box.vm("node1").extraData).toEqual({});
  });

  test("of a machine of ours is refused before it is stopped", async () => {
    const { id, outs } = await create();
    await box.run("storageattach", id, "--storagectl", "IDE", "--port", "1", "--device", "0", "--medium", "none");
    await withDisk(id);
    await expect(provider.update(id, outs, wanted({ cpus: 4 }), context)).rejects.toThrow(PRECIOUS);
    expect(box.vm(id).settings.cpus).toBe("2");
  });
});
