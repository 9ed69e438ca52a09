import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Exec, exec } from "../../host/exec";
import { VBoxManage } from "../../host/vboxmanage";
import { endVirtualBox, ensureVirtualBox } from "../../lab/virtualBox";
import { operations } from "../../providers/engine";
import { vboxVmProvider } from "../../providers/vboxVm";
import { testContext } from "../support/context";

// VirtualBox's own VBoxManage, with settings and machines in a folder of this test. Machines are not started here.
const dir = mkdtempSync(join(tmpdir(), "vboxvm-"));
const vboxManage = resolve(__dirname, "../../lab/VBoxManage");
const isoPath = join(dir, "node.iso");
const context = testContext();

type Inputs = Parameters<typeof provider.create>[0];
type Outputs = NonNullable<Awaited<ReturnType<typeof provider.read>>>;

// The environment of Jest's sandbox is not that of the programs that it starts.
const env = { ...process.env, LAB_DIR: dir };
const execHere: Exec = (file, args, options) => exec(file, args, { ...options, env: { ...options?.env, LAB_DIR: dir } });
const provider = vboxVmProvider(execHere);
const vbox = (...args: string[]) => execFileSync(vboxManage, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], env });
const registered = (kind: string) => vbox("list", kind);
const showVm = (vm: string) => vbox("showvminfo", vm, "--machinereadable");

// A call of VBoxManage now and then takes 10 seconds, and all else on this machine slows it down.
jest.setTimeout(180_000);

beforeAll(async () => {
  await ensureVirtualBox(() => {});
  vbox("createvm", "--name", "base", "--ostype", "Debian_64", "--register");
  vbox("modifyvm", "base", "--memory", "512", "--nic1", "nat", "--nic3", "intnet", "--intnet3", "left over");
  vbox("storagectl", "base", "--name", "Disks", "--add", "sata", "--portcount", "2");
  vbox("createmedium", "disk", "--filename", join(dir, "vms", "base", "base.vdi"), "--size", "64");
  vbox("storageattach", "base", "--storagectl", "Disks", "--port", "0", "--type", "hdd", "--medium", join(dir, "vms", "base", "base.vdi"));
  vbox("storagectl", "base", "--name", "Drives", "--add", "ide");
  for (const name of ["inherited.iso", "node.iso"]) {
    writeFileSync(join(dir, name), name);
    truncateSync(join(dir, name), 65_536);
  }
  vbox("storageattach", "base", "--storagectl", "Disks", "--port", "1", "--type", "dvddrive", "--medium", join(dir, "inherited.iso"));
  vbox("snapshot", "base", "take", "clean");
}, 900_000);

afterAll(async () => {
  await endVirtualBox(dir);
  rmSync(dir, { recursive: true, force: true });
});

const inputs = (changes: Partial<Inputs> & { name: string }): Inputs => ({
  ...(provider.defaults as Inputs),
  stack: "shop/test",
  vboxManage,
  baseImage: "base",
  nics: [
    { type: "intnet", network: "node", mac: "080027A1B201" },
    { type: "nat", mac: "080027A1B202" },
  ],
  isoPath,
  isoSha256: "a",
  autostart: false,
  ...changes,
});

/** Creates, and shows that neither a read nor a diff sees anything but what was asked for. */
async function create(wanted: Inputs): Promise<{ id: string; outs: Outputs }> {
  const made = await provider.create(wanted, context);
  expect(made.outs).toMatchObject(wanted);
  await expectNoDrift(made.id, made.outs, wanted);
  return made;
}

async function expectNoDrift(id: string, outs: Outputs, wanted: Inputs): Promise<void> {
  const now = await provider.read(id, outs, context);
  expect(now).toEqual(outs);
  const plain = JSON.parse(JSON.stringify([now, wanted])) as [object, object];
  expect(await operations.diff(provider as never, id, ...(plain as [never, never]))).toMatchObject({ changes: false });
}

/** Registers a machine `big`, once, of which a clone takes seconds. */
function makeBig(): void {
  if (registered("vms").includes('"big"')) return;
  const disk = join(dir, "vms/big/big.vdi");
  vbox("createvm", "--name", "big", "--ostype", "Debian_64", "--register");
  vbox("storagectl", "big", "--name", "Disks", "--add", "sata");
  vbox("createmedium", "disk", "--filename", disk, "--size", "1500", "--variant", "Fixed");
  vbox("storageattach", "big", "--storagectl", "Disks", "--port", "0", "--type", "hdd", "--medium", disk);
}

async function remove(id: string, outs: Outputs): Promise<void> {
  await provider.delete(id, outs, context);
  expect(registered("vms")).not.toContain(outs.name);
  expect(existsSync(join(dir, "vms", "vbox-kubeadm"))).toBe(false);
}

test("a full clone is what was asked for, changes in place, and is deleted without a trace", async () => {
  const wanted = inputs({
    name: "node1",
    disks: [
      { sizeMb: 20, format: "VDI", variant: "Standard" },
      { sizeMb: 10, format: "VMDK", variant: "Fixed" },
    ],
  });
  const { id, outs } = await create(wanted);
  expect(outs).toMatchObject({ uuid: id, state: "poweroff", macs: ["080027A1B201", "080027A1B202"], owner: "shop/test/node1" });
  const shown = showVm(id);
  expect(shown).toContain(`"Drives-1-0"="${isoPath}"`);
  expect(shown).not.toContain("inherited.iso");
  expect(shown).not.toContain("SnapshotName");
  expect(shown).toContain('nic3="none"');
  expect(shown).toContain('boot1="disk"');

  const larger = { ...wanted, cpus: 1, memoryMb: 1024, nics: [{ type: "hostonly" as const, network: "vboxnet0", mac: "080027A1B203" }] };
  const grown = {
    ...larger,
    disks: [
      { ...wanted.disks[0]!, sizeMb: 30 },
      { ...wanted.disks[1]!, sizeMb: 12 },
      { sizeMb: 5, format: "VHD" as const, variant: "Standard" as const },
    ],
  };
  const changed = await provider.update(id, outs, grown, context);
  await expectNoDrift(id, changed, grown);
  expect(changed).toMatchObject(grown);

  const withDisk = (disk: object) => ({ ...grown, disks: [{ ...grown.disks[0]!, ...disk }, ...grown.disks.slice(1)] });
  await expect(provider.update(id, changed, withDisk({ sizeMb: 10 }), context)).rejects.toThrow("30 MB and cannot shrink to 10 MB");
  await expect(provider.update(id, changed, withDisk({ format: "VHD" }), context)).rejects.toThrow(
    "VDI Standard and cannot become VHD Standard",
  );

  const fewer = { ...grown, disks: [grown.disks[0]!] };
  const removed = await provider.update(id, changed, fewer, context);
  await expectNoDrift(id, removed, fewer);
  expect(
    readdirSync(join(dir, "vms/vbox-kubeadm/shop/test/node1"))
      .filter((file) => file.includes("disk"))
      .sort(),
  ).toEqual(["vbox-kubeadm-disk-1.vdi"]);

  await remove(id, removed);
  expect(registered("hdds")).not.toContain("node1");
  expect(registered("dvds")).not.toContain(isoPath);
  expect(existsSync(isoPath)).toBe(true);
  await remove(id, removed); // once more
});

test("drift is seen as it is, and only that; a disk that someone else attached survives the machine", async () => {
  const wanted = inputs({ name: "node2", disks: [{ sizeMb: 20, format: "VDI", variant: "Fixed" }] });
  const { id, outs } = await create(wanted);
  vbox("modifyvm", id, "--memory", "300", "--nic2", "none", "--nic-promisc1", "allow-all", "--description", 'VMState="running"\nmemory=1', "--name", "renamed");
  vbox("snapshot", id, "take", 'VMState="running"', "--description", 'cpus=9\n"x');
  vbox("storageattach", id, "--storagectl", "Drives", "--port", "1", "--device", "0", "--medium", "emptydrive");
  const precious = join(dir, "precious.vdi");
  vbox("createmedium", "disk", "--filename", precious, "--size", "5");
  vbox("storageattach", id, "--storagectl", "Disks", "--port", "7", "--type", "hdd", "--medium", precious);
  const drifted = await provider.read(id, outs, context);
  expect(drifted).toEqual({ ...outs, memoryMb: 300, nics: [wanted.nics[0]], macs: ["080027A1B201"], named: false, isoInserted: false });
  const mended = await provider.update(id, drifted!, wanted, context);
  await expectNoDrift(id, mended, wanted);
  vbox("storageattach", id, "--storagectl", "Drives", "--port", "1", "--device", "0", "--medium", "emptydrive");
  rmSync(join(dir, "vms/vbox-kubeadm/shop/test/node2/vbox-kubeadm-disk-1.vdi"));
  vbox("modifyvm", id, "--name", "renamed");
  const [disk] = wanted.disks;
  await endVirtualBox(dir); // The next server does not know the variant of a disk whose file is gone.
  const again = await provider.read(id, mended, context);
  expect(again).toEqual({ ...mended, named: false, isoInserted: false, disks: [{ ...disk, sizeMb: 0 }] });
  await remove(id, again!);
  expect(registered("dvds")).not.toContain(isoPath);
  expect(existsSync(precious)).toBe(true);
});

test("a linked clone holds only differences, and its base image survives it", async () => {
  const { id, outs } = await create(inputs({ name: "node3", cloneMode: "linked", baseSnapshot: "clean" }));
  expect(registered("hdds")).toMatch(/Type: +normal \(differencing\)\s+Location: +\S+node3/);
  await remove(id, outs);
  expect(registered("vms")).toContain('"base"');
});

test("a missing snapshot is named, with the command that takes it, and nothing is left", async () => {
  const linked = inputs({ name: "node4", cloneMode: "linked", baseSnapshot: "nope" });
  await expect(provider.create(linked, context)).rejects.toThrow(/no snapshot nope[^]*VBoxManage snapshot base take nope/);
  expect(existsSync(join(dir, "vms", "vbox-kubeadm"))).toBe(false);
});

test("a machine of the same name that is not ours is refused, or adopted when told so", async () => {
  vbox("clonevm", "base", "--name", "node5", "--mode", "machine", "--register");
  const wanted = inputs({ name: "node5" });
  await expect(provider.create(wanted, context)).rejects.toThrow(/already has a machine node5.*shop\/test did not make/);
  expect(registered("vms")).toContain('"node5"');
  const { id, outs } = await create({ ...wanted, adopt: true });
  expect(showVm(id)).toContain(join(dir, "vms", "node5"));
  vbox("setextradata", id, "vbox-kubeadm/owner", "other/stack/node5");
  await expect(provider.read(id, outs, context)).rejects.toThrow("does not carry the mark");
  await expect(provider.delete(id, outs, context)).rejects.toThrow("does not carry the mark");
  vbox("setextradata", id, "vbox-kubeadm/owner", "shop/test/node5");
  await remove(id, outs);
});

test("what an interrupted create left is cleared away, wherever it stopped", async () => {
  const wanted = inputs({ name: "node6" });
  const folder = join(dir, "vms/vbox-kubeadm/shop/test");
  // VBoxManage was killed: there are files, and no machine.
  vbox("clonevm", "base", "--name", "node6", "--mode", "machine", "--basefolder", folder);
  expect(existsSync(join(folder, "node6"))).toBe(true);
  const first = await create(wanted);
  // The program was killed after the clone: there is a machine without our marks.
  for (const mark of ["owner", "finished"]) vbox("setextradata", first.id, `vbox-kubeadm/${mark}`);
  const second = await create(wanted);
  expect(second.id).not.toBe(first.id);
  // It was killed at the very end: the machine is complete, and is taken as it is.
  const third = await create(wanted);
  expect(third.id).toBe(second.id);
  // And another is to be made: one that was finished may be in use, and only the state that knew it was lost.
  await expect(provider.create({ ...wanted, isoSha256: "b" }, context)).rejects.toThrow(/node6 \(.*\) that shop\/test made earlier, and that Pulumi's state does not know\n→ .*stack import/);
  expect(showVm("node6")).toContain(third.id);
  // It was not finished: it has booted from what it should not have.
  vbox("setextradata", third.id, "vbox-kubeadm/finished");
  const fourth = await create({ ...wanted, isoSha256: "b" });
  expect(fourth.id).not.toBe(third.id);
  await remove(fourth.id, fourth.outs);
});

test("the disk of an interrupted create does not come back after VirtualBox's next start, also where no other is made", async () => {
  vbox("clonevm", "base", "--name", "node9", "--mode", "machine", "--basefolder", join(dir, "vms/vbox-kubeadm/shop/test"));
  await expect(provider.create(inputs({ name: "node9", baseSnapshot: "nope" }), context)).rejects.toThrow("has no snapshot nope");
  await endVirtualBox(dir);
  expect(registered("hdds")).not.toContain("node9");
  expect(existsSync(join(dir, "vms", "vbox-kubeadm"))).toBe(false);
});

test("a clone that passes its deadline is taken back by VirtualBox before the create ends", async () => {
  makeBig();
  const folder = join(dir, "vms/vbox-kubeadm/shop/test");
  const clone = new VBoxManage(vboxManage, execHere, 600).clone("big", { name: "node10", uuid: randomUUID(), baseFolder: folder, linked: false });
  await expect(clone).rejects.toThrow("clonevm did not end within 0.6 s");
  expect(existsSync(join(folder, "node10"))).toBe(false);
  expect(registered("hdds")).not.toContain("node10");
});

test("a clone that is killed on its way, while VirtualBox goes on with it, does not stop the next create", async () => {
  makeBig();
  const folder = join(dir, "vms/vbox-kubeadm/shop/test");
  const clone = execHere("timeout", [
    "--signal=KILL",
    "0.6",
    vboxManage,
    "clonevm",
    "big",
    "--name",
    "node7",
    "--mode",
    "machine",
    "--basefolder",
    folder,
    "--register",
  ]);
  await clone.catch(() => {});
  const { id, outs } = await create(inputs({ name: "node7", baseImage: "big" }));
  await remove(id, outs);
});

test("a create that fails takes back what it made", async () => {
  const failing = vboxVmProvider((file, args, options) =>
    args[0] === "setextradata"
      ? Promise.resolve({ stdout: "", stderr: "VBoxManage: error: the disk is full", exitCode: 1 })
      : execHere(file, args, options),
  );
  await expect(failing.create(inputs({ name: "node8" }), context)).rejects.toThrow("the disk is full");
  expect(registered("vms")).not.toContain("node8");
  expect(existsSync(join(dir, "vms", "vbox-kubeadm"))).toBe(false);
});

test("several are made and deleted side by side", async () => {
  const names = ["node11", "node12"];
  const macs = (i: number) => [{ type: "intnet" as const, network: "node", mac: `080027A1B21${i}` }];
  const made = await Promise.all(names.map((name, i) => provider.create(inputs({ name, nics: macs(i) }), context)));
  await Promise.all(made.map(({ id, outs }) => provider.delete(id, outs, context)));
  expect(registered("vms")).not.toContain("node1");
  expect(existsSync(join(dir, "vms", "vbox-kubeadm"))).toBe(false);
});

test("a machine that is gone is gone, and one whose files are gone can still be deleted", async () => {
  const { id, outs } = await create(inputs({ name: "node14" }));
  rmSync(join(dir, "vms/vbox-kubeadm/shop/test/node14"), { recursive: true });
  await endVirtualBox(dir); // It notices at its next start.
  await expect(provider.read(id, outs, context)).rejects.toThrow(/cannot read the settings/);
  await remove(id, outs);
  expect(await provider.read(id, outs, context)).toBeUndefined();
});
