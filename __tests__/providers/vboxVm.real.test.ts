import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openDoors } from "../../virtualbox/doors";
import { parseMachineReadable } from "../../virtualbox/machineReadable";
import { endVirtualBox } from "../../dev/lab/virtualBox";
import {
  context,
  create,
  dir,
  expectNoDrift,
  inputs,
  isoPath,
  provider,
  registered,
  remove,
  showVm,
  vbox,
  type Inputs,
} from "../support/realMachines";

test("a full clone is what was asked for, changes in place, and is deleted without a trace", async () => {
  const wanted = inputs({
    name: "node1",
    disks: [
      { sizeMb: 20, format: "VDI", variant: "Standard" },
      { sizeMb: 10, format: "VMDK", variant: "Fixed" },
    ],
  });
  const { id, outs } = await create(wanted);
  expect(outs).toMatchObject({
    uuid: id,
    state: "poweroff",
    macs: ["080027A1B201", "080027A1B202"],
    owner: "shop/test/node1",
  });
  const shown = showVm(id);
  expect(shown).toContain(`"Drives-1-0"="${isoPath}"`);
  expect(shown).not.toContain("inherited.iso");
  expect(shown).not.toContain("SnapshotName");
  expect(shown).toContain('nic3="none"');
  expect(shown).toContain('boot1="disk"');
  expect(openDoors(parseMachineReadable(shown))).toEqual([]);
  const settings = readFileSync(/^CfgFile="(.*)"$/m.exec(shown)![1]!, "utf8");
  expect(settings).not.toMatch(
    /CardReader|tracefile|TrustedPlatformModule|GuestDebug|SharedFolder |DeviceFilter |Forwarding|TFTP/,
  );

  const larger = {
    ...wanted,
    cpus: 1,
    memoryMb: 1024,
    nics: [{ type: "hostonly" as const, network: "vboxnet0", mac: "080027A1B203" }],
  };
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
  await expect(provider.update(id, changed, withDisk({ sizeMb: 10 }), context)).rejects.toThrow(
    "30 MB and cannot shrink to 10 MB",
  );
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
  vbox(
    "modifyvm",
    id,
    "--memory",
    "300",
    "--nic2",
    "none",
    "--nic-promisc1",
    "allow-all",
    "--description",
    'VMState="running"\nmemory=1',
    "--name",
    "renamed",
  );
  vbox("snapshot", id, "take", 'VMState="running"', "--description", 'cpus=9\n"x');
  vbox("storageattach", id, "--storagectl", "Drives", "--port", "1", "--device", "0", "--medium", "emptydrive");
  const precious = join(dir, "precious.vdi");
  vbox("createmedium", "disk", "--filename", precious, "--size", "5");
  vbox("storageattach", id, "--storagectl", "Disks", "--port", "7", "--type", "hdd", "--medium", precious);
  const drifted = await provider.read(id, outs, context);
  expect(drifted).toEqual({
    ...outs,
    memoryMb: 300,
    nics: [wanted.nics[0]],
    macs: ["080027A1B201"],
    named: false,
    isoInserted: false,
  });
  const fixed = await provider.update(id, drifted!, wanted, context);
  await expectNoDrift(id, fixed, wanted);
  vbox("storageattach", id, "--storagectl", "Drives", "--port", "1", "--device", "0", "--medium", "emptydrive");
  rmSync(join(dir, "vms/vbox-kubeadm/shop/test/node2/vbox-kubeadm-disk-1.vdi"));
  vbox("modifyvm", id, "--name", "renamed");
  const [disk] = wanted.disks;
  await endVirtualBox(dir); // The next server does not know the variant of a disk whose file is gone.
  const again = await provider.read(id, fixed, context);
  expect(again).toEqual({ ...fixed, named: false, isoInserted: false, disks: [{ ...disk, sizeMb: 0 }] });
  await remove(id, again!);
  expect(registered("dvds")).not.toContain(isoPath);
  expect(existsSync(precious)).toBe(true);
});

test("a disk that an interrupted removal left is seen, and deleted; one that a snapshot has stays with it", async () => {
  const disk = { sizeMb: 20, format: "VDI", variant: "Standard" } as const;
  const [two, one, none] = [[disk, disk], [disk], []].map((disks) => inputs({ name: "node15", disks })) as [
    Inputs,
    Inputs,
    Inputs,
  ];
  const file = (port: number) => join(dir, `vms/vbox-kubeadm/shop/test/node15/vbox-kubeadm-disk-${port}.vdi`);
  const { id, outs } = await create(two);
  vbox("storageattach", id, "--storagectl", "Disks", "--port", "2", "--medium", "none");
  const seen = await provider.read(id, outs, context);
  expect(seen!.disks).toEqual([disk, { ...disk, sizeMb: 0 }]);
  const fixed = await provider.update(id, seen!, one, context);
  expect([1, 2].map((port) => existsSync(file(port)))).toEqual([true, false]);
  await expectNoDrift(id, fixed, one);
  vbox("snapshot", id, "take", "kept");
  const bare = await provider.update(id, fixed, none, context);
  expect(existsSync(file(1))).toBe(true);
  await expectNoDrift(id, bare, none);
  await remove(id, bare);
});

test("a linked clone holds only differences, and its base image survives it", async () => {
  const { id, outs } = await create(inputs({ name: "node3", cloneMode: "linked", baseSnapshot: "clean" }));
  expect(registered("hdds")).toMatch(/Type: +normal \(differencing\)\s+Location: +\S+node3/);
  await remove(id, outs);
  expect(registered("vms")).toContain('"base"');
});

test("a missing snapshot is named, with the command that takes it, and nothing is left", async () => {
  const linked = inputs({ name: "node4", cloneMode: "linked", baseSnapshot: "nope" });
  await expect(provider.create(linked, context)).rejects.toThrow(
    /no snapshot nope[^]*VBoxManage snapshot base take nope/,
  );
  expect(existsSync(join(dir, "vms", "vbox-kubeadm"))).toBe(false);
});

test("a machine of the same name that is not ours is refused, or adopted when told so", async () => {
  vbox("clonevm", "base", "--name", "node5", "--mode", "machine", "--register");
  const wanted = inputs({ name: "node5" });
  await expect(provider.create(wanted, context)).rejects.toThrow(
    /already has a machine node5.*shop\/test did not make/,
  );
  expect(registered("vms")).toContain('"node5"');
  const { id, outs } = await create({ ...wanted, adopt: true });
  expect(showVm(id)).toContain(join(dir, "vms", "node5"));
  vbox("setextradata", id, "vbox-kubeadm/owner", "other/stack/node5");
  await expect(provider.read(id, outs, context)).rejects.toThrow("does not carry the mark");
  await expect(provider.delete(id, outs, context)).rejects.toThrow("does not carry the mark");
  vbox("setextradata", id, "vbox-kubeadm/owner", "shop/test/node5");
  await remove(id, outs);
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

test("a machine that was unregistered is refused with the command that registers it, and is unchanged after that", async () => {
  const wanted = inputs({ name: "node16" });
  const { id, outs } = await create(wanted);
  const marks = () => vbox("getextradata", id, "enumerate");
  const before = marks();
  vbox("unregistervm", "node16");
  const refusals = [provider.read(id, outs, context), provider.create(wanted, context)].map((work) =>
    work.then(
      () => "",
      (error: Error) => error.message,
    ),
  );
  const [refusal, ...others] = await Promise.all(refusals);
  expect(others).toEqual([refusal]);
  expect(refusal).toContain("holds a finished machine node16 of shop/test that VirtualBox does not know");
  vbox("registervm", /VBoxManage registervm ([^ ;]+);/.exec(refusal!)![1]!);
  expect(before).toContain("vbox-kubeadm/finished");
  expect(marks()).toBe(before);
  await expectNoDrift(id, outs, wanted);
  await remove(id, outs);
});
