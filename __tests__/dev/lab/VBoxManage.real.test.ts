import { spawn, type ChildProcess } from "node:child_process";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exec } from "../../../common/exec";
import { namespaceOf } from "../../../dev/lab/names";
import { deleteNamespace, ensureNamespace } from "../../../dev/lab/netns";
import { projectDir } from "../../../dev/lab/paths";
import { endVirtualBox } from "../../../dev/lab/virtualBox";

jest.setTimeout(120_000);

let folder: string;
let dir: string;
const manage = (...args: string[]) =>
  exec(join(projectDir, "dev/lab/VBoxManage"), args, { env: { VBOX_LAB_DIR: dir } });

/** The UUID of a fresh machine of that name. */
async function createMachine(name: string): Promise<string> {
  const { stdout } = await manage("createvm", "--name", name, "--ostype", "Debian_64", "--register");
  return /^UUID: (.*)$/m.exec(stdout)?.[1] ?? "";
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "front-end-"));
  dir = join(folder, "lab");
});

afterAll(async () => {
  await endVirtualBox(dir);
  await rm(folder, { recursive: true });
});

test("machines go into the lab's own folder, and a name that is not there is VirtualBox's own error", async () => {
  await createMachine("plain");
  expect(existsSync(join(dir, "vms/plain/plain.vbox"))).toBe(true);
  const missing = await manage("startvm", "nobody", "--type", "headless");
  expect(missing).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("VBOX_E_OBJECT_NOT_FOUND") as string });
});

test("a machine does not start where the lab's network is not up", async () => {
  await createMachine("offline");
  const { exitCode, stderr } = await manage("startvm", "offline");
  expect(exitCode).toBe(1);
  expect(stderr).toContain("the lab's network is not up");
  expect((await manage("showvminfo", "offline", "--machinereadable")).stdout).toContain('VMState="poweroff"');
});

test("the disc of a running machine is swapped, and QEMU lets the old file go", async () => {
  const [name, iso, namespace] = ["swaps", join(folder, "a disc.iso"), namespaceOf("gate", dir)];
  const drive = ["--storagectl", "IDE", "--port", "1", "--device", "0"];
  const put = (medium: string) =>
    manage("storageattach", name, ...drive, "--type", "dvddrive", "--medium", medium, "--forceunmount");
  const write = (text: string) => writeFile(iso, Buffer.alloc(65_536, text));
  await createMachine(name);
  await write("old");
  await manage("modifyvm", name, "--memory", "64");
  await manage("storagectl", name, "--name", "IDE", "--add", "ide");
  expect((await put(iso)).exitCode).toBe(0);
  await ensureNamespace(namespace);
  try {
    expect((await manage("startvm", name)).exitCode).toBe(0);
    const pid = readFileSync(join(dir, `run/${name}.pid`), "utf8").trim();
    const open = () =>
      readdirSync(`/proc/${pid}/fd`)
        .map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
        .filter((file) => file.startsWith(iso));
    expect(open()).toEqual([iso]);
    expect((await put("emptydrive")).exitCode).toBe(0);
    expect(open()).toEqual([]);
    await write("new");
    expect((await put(iso)).exitCode).toBe(0);
    expect(open()).toEqual([iso]);
    expect((await manage("showvminfo", name, "--machinereadable")).stdout).toContain(`"IDE-1-0"="${iso}"`);
    expect((await manage("storageattach", name, ...drive, "--medium", "none")).stderr).toContain(
      "VBOX_E_INVALID_OBJECT_STATE",
    );
    expect((await manage("controlvm", name, "poweroff")).exitCode).toBe(0);
  } finally {
    await deleteNamespace(namespace);
  }
});

describe("a running machine", () => {
  const name = "runs";
  let uuid: string;
  let emulator: ChildProcess;

  /** What a start leaves behind: a process called QEMU and its records. */
  beforeAll(async () => {
    uuid = await createMachine(name);
    const program = join(folder, "qemu-system-x86_64");
    await copyFile("/bin/sleep", program);
    emulator = spawn(program, ["600"]);
    await writeFile(join(dir, `run/${name}.pid`), `${emulator.pid}\n`);
    await writeFile(join(dir, `run/${name}.uuid`), `${uuid}\n`);
  });

  afterAll(() => emulator.kill());

  test("is running, by name and by UUID", async () => {
    for (const machine of [name, uuid, `{${uuid}}`]) {
      expect((await manage("showvminfo", machine, "--machinereadable")).stdout).toMatch(/^VMState="running"$/m);
    }
    expect((await manage("showvminfo", name)).stdout).toMatch(/^State: +running \(since/m);
    expect((await manage("list", "runningvms")).stdout).toBe(`"${name}" {${uuid}}`);
  });

  test("may be looked at by many at once", async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => manage("showvminfo", name, "--machinereadable")));
    expect(all.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 0]);
  });

  test.each([
    ["startvm", []],
    ["modifyvm", ["--memory", "512"]],
    ["storagectl", ["--name", "SATA", "--add", "sata"]],
    ["clonevm", ["--name", "copy", "--register"]],
    ["unregistervm", ["--delete"]],
  ])("refuses %s in VirtualBox's own words", async (command, args) => {
    const { exitCode, stderr } = await manage(command, uuid, ...args);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("VBOX_E_INVALID_OBJECT_STATE");
  });

  test("is powered off, changed and taken away", async () => {
    expect((await manage("controlvm", name, "poweroff")).exitCode).toBe(0);
    expect((await manage("controlvm", name, "poweroff")).stderr).toContain("is not currently running");
    expect((await manage("list", "runningvms")).stdout).toBe("");
    expect((await manage("modifyvm", name, "--memory", "512")).exitCode).toBe(0);
    expect((await manage("unregistervm", name, "--delete")).exitCode).toBe(0);
    expect(existsSync(join(dir, `run/${name}.uuid`))).toBe(false);
  });
});
