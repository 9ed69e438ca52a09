import { open, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./exec";

/** The file system's label, by which the guest's kernel and fstab find it. */
const label = "lab-root";

/** The first partition's start: 1 MiB, the usual place. GRUB's core image lives in the gap before it. */
const partitionStart = 2048 * 512;

/**
 * Makes a bootable disk of a root directory, without any mount: an MBR with one ext4 partition, filled by mke2fs
 * itself, and GRUB for a PC's BIOS. The image is sparse.
 *
 * @param root the root directory; needs /vmlinuz, /initrd.img, /boot/grub/grub.cfg and the package grub-pc-bin
 * @param vdi the disk image to write, in VirtualBox's own format
 * @param sizeMb the size that the guest sees, in MB
 */
export async function makeBootableDisk(root: string, vdi: string, sizeMb: number): Promise<void> {
  const raw = `${vdi}.raw`;
  await (await open(raw, "w")).close();
  await truncate(raw, sizeMb * 1024 * 1024);
  await run("sfdisk", ["--quiet", raw], { input: "label: dos\nstart=2048, type=83, bootable\n" });
  await makeFileSystem(root, raw, sizeMb);
  await installGrub(root, raw);
  await run("qemu-img", ["convert", "-f", "raw", "-O", "vdi", raw, vdi]);
  await rm(raw);
}

async function makeFileSystem(root: string, raw: string, sizeMb: number): Promise<void> {
  // No feature that GRUB does not read; everything that the kernel would otherwise do in the background of the first
  // boot.
  const features = "^metadata_csum_seed,^orphan_file";
  const extended = `offset=${partitionStart},lazy_itable_init=0,lazy_journal_init=0,nodiscard`;
  const options = [
    "-q",
    "-F",
    "-L",
    label,
    "-m",
    "0",
    "-i",
    "32768",
    "-J",
    "size=16",
    "-O",
    features,
    "-E",
    extended,
    "-d",
    root,
  ];
  await run("mkfs.ext4", [...options, raw, `${(sizeMb - 1) * 1024}k`]);
}

/** boot.img goes into the MBR's code area and loads core.img from the sectors after it, where it looks by default. */
async function installGrub(root: string, raw: string): Promise<void> {
  const core = "/tmp/core.img";
  const modules = ["biosdisk", "part_msdos", "ext2", "linux", "normal", "configfile"];
  await run("chroot", [root, "grub-mkimage", "-O", "i386-pc", "-o", core, "-p", "(hd0,msdos1)/boot/grub", ...modules]);
  await run("dd", [
    `if=${join(root, "usr/lib/grub/i386-pc/boot.img")}`,
    `of=${raw}`,
    "bs=440",
    "count=1",
    "conv=notrunc",
    "status=none",
  ]);
  await run("dd", [`if=${join(root, core)}`, `of=${raw}`, "bs=512", "seek=1", "conv=notrunc", "status=none"]);
}
