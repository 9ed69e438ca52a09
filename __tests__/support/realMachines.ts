import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Exec, exec } from "../../common/exec";
import { endVirtualBox, ensureVirtualBox } from "../../dev/lab/virtualBox";
import { operations } from "../../providers/engine";
import { vboxVmProvider } from "../../providers/vboxVm";
import { testContext } from "./context";
import { unprintedDoors } from "./unprintedDoors";

// VirtualBox's own VBoxManage, with settings and machines in a folder of the test that imports this: a machine `base`,
// of which the provider makes others. Machines are not started here.
export const dir = mkdtempSync(join(tmpdir(), "vboxvm-"));
export const vboxManage = resolve(__dirname, "../../dev/lab/VBoxManage");
export const isoPath = join(dir, "node.iso");
export const context = testContext();

export type Inputs = Parameters<typeof provider.create>[0];
export type Outputs = NonNullable<Awaited<ReturnType<typeof provider.read>>>;

// The environment of Jest's sandbox is not that of the programs that it starts.
const env = { ...process.env, VBOX_LAB_DIR: dir };
export const execHere: Exec = (file, args, options) =>
  exec(file, args, { ...options, env: { ...options?.env, VBOX_LAB_DIR: dir } });
export const provider = vboxVmProvider(execHere);
export const vbox = (...args: string[]) =>
  execFileSync(vboxManage, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], env });
export const registered = (kind: string) => vbox("list", kind);
export const showVm = (vm: string) => vbox("showvminfo", vm, "--machinereadable");

// A call of VBoxManage now and then takes 10 seconds, and all else on this machine slows it down.
jest.setTimeout(180_000);

beforeAll(async () => {
  await ensureVirtualBox(() => {});
  vbox("createvm", "--name", "base", "--ostype", "Debian_64", "--register");
  vbox("modifyvm", "base", "--memory", "512", "--nic1", "nat", "--nic3", "intnet", "--intnet3", "left over");
  vbox("storagectl", "base", "--name", "Disks", "--add", "sata", "--portcount", "2");
  vbox("createmedium", "disk", "--filename", join(dir, "vms", "base", "base.vdi"), "--size", "64");
  vbox(
    "storageattach",
    "base",
    "--storagectl",
    "Disks",
    "--port",
    "0",
    "--type",
    "hdd",
    "--medium",
    join(dir, "vms", "base", "base.vdi"),
  );
  vbox("storagectl", "base", "--name", "Drives", "--add", "ide");
  for (const name of ["inherited.iso", "node.iso"]) {
    writeFileSync(join(dir, name), name);
    truncateSync(join(dir, name), 65_536);
  }
  vbox(
    "storageattach",
    "base",
    "--storagectl",
    "Disks",
    "--port",
    "1",
    "--type",
    "dvddrive",
    "--medium",
    join(dir, "inherited.iso"),
  );
  // What no machine that is made of it may have.
  const ports = [
    "--uart1",
    "0x3F8",
    "4",
    "--uartmode1",
    "file",
    join(dir, "console.log"),
    "--uart2",
    "0x2F8",
    "3",
    "--uartmode2",
    "tcpserver",
    "2023",
    "--lpt1",
    "0x378",
    "7",
    "--lptmode1",
    "/dev/lp0",
  ];
  const forwardings = [
    "--natpf1",
    "ssh,tcp,,2222,,22",
    "--natpf1",
    "a b,udp,,53,,53",
    "--nat-enable-tftp1",
    "on",
    "--natpf2",
    "hidden,tcp,,2223,,22",
  ];
  vbox(
    "modifyvm",
    "base",
    ...ports,
    ...forwardings,
    "--vrde",
    "on",
    "--clipboard-mode",
    "bidirectional",
    "--draganddrop",
    "bidirectional",
    "--recording",
    "on",
    "--audioin",
    "on",
  );
  vbox("modifyvm", "base", "--teleporter", "on", ...unprintedDoors);
  for (const name of ["src", 'a"b']) vbox("sharedfolder", "add", "base", "--name", name, "--hostpath", dir);
  for (const index of ["0", "1"]) vbox("usbfilter", "add", index, "--target", "base", "--name", `key ${index}`);
  vbox("snapshot", "base", "take", "clean");
}, 900_000);

afterAll(async () => {
  await endVirtualBox(dir);
  rmSync(dir, { recursive: true, force: true });
});

export const inputs = (changes: Partial<Inputs> & { name: string }): Inputs => ({
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
export async function create(wanted: Inputs): Promise<{ id: string; outs: Outputs }> {
  const made = await provider.create(wanted, context);
  expect(made.outs).toMatchObject(wanted);
  await expectNoDrift(made.id, made.outs, wanted);
  return made;
}

export async function expectNoDrift(id: string, outs: Outputs, wanted: Inputs): Promise<void> {
  const now = await provider.read(id, outs, context);
  expect(now).toEqual(outs);
  const plain = JSON.parse(JSON.stringify([now, wanted])) as [object, object];
  expect(await operations.diff(provider as never, id, ...(plain as [never, never]))).toMatchObject({ changes: false });
}

export async function remove(id: string, outs: Outputs): Promise<void> {
  await provider.delete(id, outs, context);
  expect(registered("vms")).not.toContain(outs.name);
  expect(existsSync(join(dir, "vms", "vbox-kubeadm"))).toBe(false);
}
