import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { exec } from "./exec";
import { cacheDir, labDir } from "./paths";
import type { Log } from "./progress";

/** A processor on which KVM works has printed a kernel's first line long before. */
const patienceSeconds = 3;

/** Its presence tells `startvm` to use KVM. */
const mark = (dir: string) => join(dir, "run/kvm");

/**
 * Finds out whether virtual machines can run by KVM here, and records it for `startvm`. That /dev/kvm is there does not
 * mean much: inside some virtual machines it opens, and stops at the first instruction of a kernel. So a kernel is
 * started.
 *
 * @param kernel a bootable Linux kernel, the guests' own
 */
export async function findAccelerator(kernel: string, log: Log, dir: string = labDir()): Promise<void> {
  await mkdir(dirname(mark(dir)), { recursive: true });
  if (existsSync("/dev/kvm") && (await boots(kernel))) {
    await writeFile(mark(dir), "");
    return log("virtual machines run by KVM");
  }
  await rm(mark(dir), { force: true });
  log("virtual machines are emulated: KVM is not there, or does not work here");
}

async function boots(kernel: string): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "kvm-"));
  const console = join(folder, "console");
  const processor = ["-accel", "kvm", "-cpu", "host", "-m", "256"];
  const devices = ["-nodefaults", "-display", "none", "-no-reboot", "-serial", `file:${console}`];
  const boot = ["-kernel", kernel, "-append", "console=ttyS0 panic=-1"];
  try {
    const qemu = 'mount --bind "$0/usr" /usr && exec qemu-system-x86_64 "$@"';
    const inRoot = ["unshare", "--mount", "sh", "-c", qemu, join(cacheDir(), "virtualbox/root")];
    await exec("timeout", [String(patienceSeconds), ...inRoot, ...processor, ...devices, ...boot]);
    return (await readFile(console, "utf8").catch(() => "")).includes("Linux version");
  } finally {
    await rm(folder, { recursive: true });
  }
}
