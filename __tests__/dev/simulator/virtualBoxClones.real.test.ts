import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endVirtualBox, ensureVirtualBox } from "../../../dev/lab/virtualBox";
import { TwoVirtualBoxes } from "../../support/twoVirtualBoxes";

// VirtualBox's own VBoxManage and the simulated one get the same calls: those that make machines of others, and take
// them away.
const both = new TwoVirtualBoxes();
const { accept, refuse, print, expectSameState } = both;

// A call of VBoxManage now and then takes 10 seconds.
jest.setTimeout(180_000);

/** A second disk for a machine, which lies in another folder than its own. */
async function addDisk(machine: string, file: string): Promise<void> {
  await accept("createmedium", "disk", "--filename", file, "--size", "5");
  const slot = ["--storagectl", "SATA", "--port", "1"];
  await accept("storageattach", machine, ...slot, "--type", "hdd", "--medium", file);
}

beforeAll(async () => {
  await ensureVirtualBox(() => {});
  await both.makeMachine("made");
  await addDisk("made", "DIR/elsewhere/second.vdi");
  await accept("setextradata", "made", "vbox-kubeadm/owner", 'a "b" c');
}, 900_000);

afterAll(() => both.end());

describe("clones", () => {
  const clone = (name: string, ...more: string[]) => [
    "clonevm",
    "made",
    "--mode",
    "machine",
    ...more,
    "--name",
    name,
    "--basefolder",
    "DIR/vms/ours/stack",
    "--register",
  ];
  const ID = "11111111-aaaa-4444-8888-55555555550";

  /**
   * Of no machine. The server that cloned them does not save that they are closed, and whenever it ends, its successor
   * knows them again.
   */
  async function closeDisksOf(name: string): Promise<void> {
    await endVirtualBox(both.real.folder);
    for (const file of [name, `${name}-disk1`])
      await accept("closemedium", "disk", `DIR/vms/ours/stack/${name}/${file}.vdi`);
  }

  test("are full: disks, drives, hardware and extra data, new MAC addresses", async () => {
    await accept(...clone("full", "--uuid", `${ID}1`));
    await expectSameState();
  });

  test("of a snapshot, full and linked, hold what it held", async () => {
    await accept("snapshot", "made", "take", "clean", "--description", 'cpus=9\n"x');
    await accept("snapshot", "made", "take", 'VMState="running"');
    await expectSameState();
    await accept(...clone("linked", "--uuid", `${ID}2`, "--snapshot", "clean", "--options", "link"));
    await accept(...clone("of snapshot", "--snapshot", "clean"));
    await accept(...clone("after snapshot"));
    await expectSameState();
    await both.expectSameDisk("UUID(vms/ours/stack/after snapshot/after snapshot.vdi)");
    await refuse("closemedium", "disk", "DIR/vms/made/made.vdi", "--delete");
  });

  test("without --register leave files and no machine", async () => {
    await accept("clonevm", "made", "--name", "files only", "--basefolder", "DIR/vms/ours/stack");
    await refuse(...clone("files only"));
    await refuse("showvminfo", "files only");
    await closeDisksOf("files only");
    await expectSameState();
  });

  test("have a name of their own where none is given", () => accept("clonevm", "made", "--register"));

  test.each([
    ["a settings file in the way", clone("full")],
    ["no such snapshot", clone("none", "--snapshot", "nope", "--options", "link")],
    ["linked to no snapshot", clone("none", "--options", "link")],
  ])("are refused: %s", (_what, call) => refuse(...call));

  test("whose UUID is taken fail at the last step, and their files stay", async () => {
    await refuse(...clone("rest", "--uuid", `${ID}1`));
    await closeDisksOf("rest");
    await expectSameState();
  });

  test("are refused where a disk's file is in the way", async () => {
    both.inFolders((folder) => {
      mkdirSync(join(folder, "vms/ours/stack/disk there"), { recursive: true });
      writeFileSync(join(folder, "vms/ours/stack/disk there/disk there.vdi"), "");
    });
    await refuse(...clone("disk there"));
  });
});

describe("a running machine", () => {
  let emulator: ChildProcess;

  /** It runs to the lab's front-end when its process is there, and to the simulator by its state. */
  beforeAll(async () => {
    await both.makeMachine("runs");
    const program = join(both.real.folder, "qemu-system-x86_64");
    copyFileSync("/bin/sleep", program);
    emulator = spawn(program, ["600"]);
    const uuid = /^UUID="(.*)"$/m.exec((await both.real.run(["showvminfo", "runs", "--machinereadable"])).stdout)![1];
    writeFileSync(join(both.real.folder, "run/runs.pid"), `${emulator.pid}\n`);
    writeFileSync(join(both.real.folder, "run/runs.uuid"), `${uuid}\n`);
    await both.world.change(({ virtualBox }) => {
      virtualBox.machines.find(({ name }) => name === "runs")!.state = "running";
    });
  });

  afterAll(() => emulator.kill());

  test("is one", async () => {
    await print("list", "runningvms");
    await expectSameState();
  });

  // Not storageattach: VirtualBox would change a DVD drive live, and the front-end cannot.
  test.each([
    ["startvm", "runs", "--type", "headless"],
    ["modifyvm", "runs", "--memory", "600"],
    ["storagectl", "runs", "--name", "X", "--add", "ide"],
    ["clonevm", "runs", "--name", "copy", "--register"],
    ["snapshot", "runs", "take", "x"],
    ["unregistervm", "runs", "--delete"],
  ])("refuses %s", (...call: string[]) => refuse(...call));

  test("is powered off, and then changed", async () => {
    await accept("controlvm", "runs", "poweroff");
    await refuse("controlvm", "runs", "poweroff");
    await accept("modifyvm", "runs", "--memory", "600");
    await expectSameState();
  });
});

describe("unregistered machines", () => {
  test("leave their files, and no disk in the registry", async () => {
    await accept("unregistervm", "runs");
    await refuse("unregistervm", "runs");
    await expectSameState();
  });

  test("with --delete leave nothing but ISOs and what is not theirs; linked ones leave their base", async () => {
    both.inFolders((folder) => writeFileSync(join(folder, "vms/ours/stack/full/foreign"), ""));
    await accept("unregistervm", "UUID(full)", "--delete");
    await accept("unregistervm", "of snapshot", "--delete");
    await expectSameState();
  });

  test("with --delete lose disks that lie elsewhere, too", async () => {
    await both.makeMachine("other");
    await addDisk("other", "DIR/elsewhere/third.vdi");
    await accept("snapshot", "other", "take", "x");
    await accept("unregistervm", "other", "--delete");
    await refuse("showmediuminfo", "disk", "DIR/elsewhere/third.vdi");
    await expectSameState();
  });

  test("that others are linked to are gone, and their files are not", async () => {
    await refuse("unregistervm", "made", "--delete");
    await refuse("showvminfo", "made");
    await both.expectSameDisk("DIR/vms/made/made.vdi");
  });
});

describe("a machine whose files are gone", () => {
  const [lost, lostToo] = ["11111111-aaaa-4444-8888-555555555511", "11111111-aaaa-4444-8888-555555555512"];

  beforeAll(async () => {
    await both.makeMachine("lost", "--uuid", lost);
    await both.makeMachine("lost too", "--uuid", lostToo);
    both.inFolders((folder) =>
      ["lost", "lost too"].forEach((name) => rmSync(join(folder, "vms", name), { recursive: true })),
    );
    await endVirtualBox(both.real.folder); // It notices at its next start.
  });

  test("has lost its name and its disks", async () => {
    await refuse("showvminfo", "lost", "--machinereadable");
    await both.expectSameDisks();
  });

  test.each([
    ["showvminfo", lost, "--machinereadable"],
    ["modifyvm", lost, "--cpus", "2"],
    ["getextradata", lost, "key"],
    ["setextradata", lost, "key", "value"],
    ["guestproperty", "get", lost, "/key"],
    ["clonevm", lost, "--name", "clone", "--register"],
    ["snapshot", lost, "take", "x"],
    ["controlvm", lost, "poweroff"],
    ["startvm", lost],
    ["storageattach", lost, "--storagectl", "SATA", "--port", "0", "--device", "0", "--medium", "none"],
  ])("refuses %s %s %s", (...call: string[]) => refuse(...call));

  test("can be unregistered, and is so even where --delete fails", async () => {
    await accept("unregistervm", lost);
    await refuse("unregistervm", lostToo, "--delete");
    await refuse("showvminfo", lost);
    await refuse("showvminfo", lostToo);
    await both.expectSameDisks();
  });
});
