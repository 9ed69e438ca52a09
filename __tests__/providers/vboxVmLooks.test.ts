import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
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
    await expect(provider.delete(id, outs, context)).rejects.toThrow(
      /was left as it is: neither its folder .*node1 nor .*→ mount the disk[^]*unregistervm/s,
    );
    mount();
    expect(existsSync(file)).toBe(true);
    await provider.delete(id, outs, context);
    expect(existsSync(file)).toBe(false);
    expect(box.names).toEqual(["base"]);
  });

  test("is named where the base image may be on it", async () => {
    const { uuid } = box.vm("base");
    unmount();
    await expect(create()).rejects.toThrow(
      new RegExp(`no machine base to clone whose settings it can read[^]*${uuid}[^]*mount the disk`),
    );
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
  await expect(create()).rejects.toThrow(
    /holds a finished machine node1 of shop\/test that VirtualBox does not know\n→ .*registervm/,
  );
  expect(existsSync(file)).toBe(true);
});

test("what is no finished machine, in a folder of its name, makes way for one", async () => {
  const { id, outs } = await create();
  const place = join(box.vm(id).settingsFile, "..");
  await provider.delete(id, outs, context);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "node1.vdi"), "half a copy");
  expect((await create()).outs.state).toBe("poweroff");
});

describe("a finished machine that somebody unregistered, with its files", () => {
  const UNREGISTERED =
    /holds a finished machine node1 of shop\/test that VirtualBox does not know\n( {4}its mark is "a{32} .*\n)?→ .*registervm/;
  const unregister = async (changes?: Partial<Inputs>) => {
    const made = await create(changes);
    const file = box.vm(made.id).settingsFile;
    await box.run("unregistervm", made.id);
    return { ...made, file };
  };
  /** As in an `up` that makes another machine in its place. */
  const replacing = () => {
    const context = testContext();
    context.rolling.announce("node1", true);
    return context;
  };

  test("is refused by a refresh and a replacement, and goes with a destroy", async () => {
    const { id, outs, file } = await unregister();
    await expect(provider.read(id, outs, context)).rejects.toThrow(UNREGISTERED);
    await expect(provider.delete(id, outs, replacing())).rejects.toThrow(UNREGISTERED);
    expect(existsSync(file)).toBe(true);
    await provider.delete(id, outs, context);
    expect(existsSync(file)).toBe(false);
  });

  test("stays where the folder has that of another stack of the same names", async () => {
    const { id, outs, file } = await unregister({ stackId: "a".repeat(32) });
    const mine = { ...outs, stackId: "b".repeat(32), uuid: "11111111-aaaa-4444-8888-555555555555" };
    expect(await provider.read(mine.uuid, mine, context)).toBeUndefined();
    await provider.delete(mine.uuid, mine, context);
    await expect(create({ stackId: mine.stackId })).rejects.toThrow(UNREGISTERED);
    expect(existsSync(file)).toBe(true);
    await provider.delete(id, outs, context);
    expect(existsSync(file)).toBe(false);
  });

  // As a loss of power leaves it, or an editor.
  test.each([
    ["empty", (file: string) => writeFileSync(file, "")],
    ["cut short", (file: string) => writeFileSync(file, readFileSync(file, "utf8").slice(0, -30))],
    ["full of zeros", (file: string) => writeFileSync(file, Buffer.alloc(500))],
    ["gone, but for the one from before the last change", (file: string) => rmSync(file)],
  ])(
    "is refused by every way of making or replacing it, and by a destroy, where its settings are %s",
    async (_, harm) => {
      const { id, outs, file } = await unregister();
      harm(file);
      for (const work of [
        () => create(),
        () => provider.read(id, outs, context),
        () => provider.delete(id, outs, replacing()),
        () => provider.delete(id, outs, context),
      ])
        await expect(work()).rejects.toThrow(
          /holds a machine whose settings cannot be read: .*node1\.vbox is missing or not whole\n→ .*node1\.vbox-prev/,
        );
      expect(existsSync(join(file, ".."))).toBe(true);
    },
  );
});

test.each([
  [
    "with another word than the English one",
    (listed: string) => listed.replaceAll("<inaccessible!>", "<unzugänglich!>"),
  ],
  ["without a word", () => ""],
])(
  "a machine whose settings cannot be read may be the one to be made, where VirtualBox lists its file %s",
  async (_, listing) => {
    const { id } = await create();
    rmSync(join(box.vm(id).settingsFile, ".."), { recursive: true });
    const elsewhere = vboxVmProvider(async (program, args) => {
      const result = await box.exec(program, args);
      return args.includes("--long") ? { ...result, stdout: listing(result.stdout) } : result;
    });
    await expect(elsewhere.create(wanted(), context)).rejects.toThrow(
      `VirtualBox cannot read the settings of the machine ${id}`,
    );
    expect(box.verbs.filter((verb) => verb === "clonevm")).toHaveLength(1);
  },
);

describe("a machine whose settings VirtualBox cannot read after a loss of power", () => {
  test.each([
    ["empty", (file: string) => writeFileSync(file, "")],
    ["gone", (file: string) => rmSync(file)],
  ])("is not cleared away by a create or a replacement, but by a destroy, where they are %s", async (_, harm) => {
    const { id, outs } = await create();
    const file = box.vm(id).settingsFile;
    harm(file);
    const replacing = testContext();
    replacing.rolling.announce("node1", true);
    for (const work of [() => create(), () => provider.delete(id, outs, replacing)])
      await expect(work()).rejects.toThrow(`cannot read the settings of the machine ${id}`);
    expect(existsSync(join(file, ".."))).toBe(true);
    await provider.delete(id, outs, context);
    expect(existsSync(join(file, ".."))).toBe(false);
  });
});

test("a clone that failed is told before what it left and could not be removed", async () => {
  box.fault = ([verb]) => {
    if (verb !== "clonevm") return undefined;
    const place = join(box.machineFolder, "vbox-kubeadm/shop/test/node1");
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, "node1.vbox"), "");
    return { stdout: "", stderr: "VBoxManage: error: no space left on the device", exitCode: 1 };
  };
  await expect(create()).rejects.toThrow(
    /^the base image base could not be cloned\n[^→]*no space left[^→]*could not be removed:\n[^→]*settings cannot be read/,
  );
});

describe("a disk in the cidata ISO's place", () => {
  const slot = ["--storagectl", "IDE", "--port", "1", "--device", "0", "--type", "hdd", "--medium"];
  const PRECIOUS =
    /place in (base|node1), port 1, device 0 of the controller IDE, is taken by the disk .*precious\.vdi/;

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

test("a disk's file of which VirtualBox cannot say whether it is in use is not taken for one that nothing uses", async () => {
  const { id, outs } = await create({ disks: [{ sizeMb: 20, format: "VDI", variant: "Standard" }] });
  await box.run("storageattach", id, "--storagectl", "SATA", "--port", "1", "--device", "0", "--medium", "none");
  const refuse = (code: string) => {
    box.fault = ([verb, , medium]) =>
      verb === "showmediuminfo" && medium?.includes("/")
        ? {
            stdout: "",
            stderr: `VBoxManage: error: x\nVBoxManage: error: Details: code ${code} (0x1), component MediumWrap, interface IMedium`,
            exitCode: 1,
          }
        : undefined;
  };
  refuse("VBOX_E_VM_ERROR");
  await expect(provider.read(id, outs, context)).rejects.toThrow(/showmediuminfo disk .* failed/);
  refuse("VBOX_E_IPRT_ERROR"); // As of half a file.
  expect((await provider.read(id, outs, context))!.disks).toEqual([{ sizeMb: 0, format: "VDI", variant: "Standard" }]);
});
