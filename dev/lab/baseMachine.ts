import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { exec, run } from "./exec";
import { bastionAddress } from "./topology";
import type { Log } from "./progress";

/** The extra-data key that says which image a machine was made of. Written last, so a machine with it is whole. */
const imageKey = "lab/image";

/** The front-end, which knows this lab by itself. */
const manage = (...args: string[]) => run(join(__dirname, "VBoxManage"), args);

/**
 * Registers a base machine to be cloned, with the tutorial's hardware: controllers `IDE` (for cloud-init's ISO) and
 * `SATA`, one card on the internal network `node`. A machine that was made of another image, or only half made, is
 * recreated.
 *
 * @param name `debian-base-image`, or another base beside it
 * @param vdi the disk image; the machine gets a copy
 */
export async function ensureBaseMachine(name: string, vdi: string, log: Log): Promise<void> {
  if ((await extraData(name)) === vdi) return;
  await removeMachine(name);
  const { disk } = await createMachine(name);
  const card = ["--nic1", "intnet", "--intnet1", "node", "--nictype1", "82540EM"];
  await manage("modifyvm", name, "--memory", "1024", "--cpus", "1", "--audio-driver", "none", ...card);
  await manage("storagectl", name, "--name", "IDE", "--add", "ide");
  await manage("storagectl", name, "--name", "SATA", "--add", "sata", "--controller", "IntelAhci", "--portcount", "4");
  await run("cp", ["--reflink=auto", "--sparse=always", vdi, disk]);
  await manage(
    "storageattach",
    name,
    "--storagectl",
    "SATA",
    "--port",
    "0",
    "--device",
    "0",
    "--type",
    "hdd",
    "--medium",
    disk,
  );
  await manage("setextradata", name, imageKey, vdi);
  log(`${name} is registered in VirtualBox`);
}

const bastionMac = "080027000457";

/** What stands for the image of a machine without one, and for how it is made. */
const noImage = "none, with a MAC address";

/**
 * Registers `busybox`, the bastion as VirtualBox knows it: a machine without a disk, with the address that Guest
 * Additions would report. The lab runs the bastion itself elsewhere (machine.ts).
 */
export async function ensureBastionMachine(log: Log): Promise<void> {
  const name = "busybox";
  if ((await extraData(name)) === noImage) return;
  await removeMachine(name);
  await createMachine(name);
  await manage("modifyvm", name, "--nic1", "intnet", "--intnet1", "dmz", "--macaddress1", bastionMac);
  await manage("guestproperty", "set", name, "/VirtualBox/GuestInfo/Net/0/MAC", bastionMac);
  await manage("guestproperty", "set", name, "/VirtualBox/GuestInfo/Net/0/V4/IP", bastionAddress);
  await manage("setextradata", name, imageKey, noImage);
  log(`${name} is registered in VirtualBox`);
}

async function extraData(name: string): Promise<string | undefined> {
  const { stdout } = await exec(join(__dirname, "VBoxManage"), ["getextradata", name, imageKey]);
  return /^Value: (.*)$/m.exec(stdout)?.[1];
}

/** Where VirtualBox keeps the machine, and the disk beside it. */
async function createMachine(name: string) {
  const output = await manage("createvm", "--name", name, "--ostype", "Debian_64", "--register");
  const settings = /^Settings file: '(.*)'$/m.exec(output)?.[1];
  if (!settings) throw new Error(`createvm did not say where ${name} is: ${output}`);
  return { disk: join(dirname(settings), `${name}.vdi`) };
}

async function removeMachine(name: string): Promise<void> {
  const { stdout } = await exec(join(__dirname, "VBoxManage"), ["showvminfo", name, "--machinereadable"]);
  const settings = /^CfgFile="(.*)"$/m.exec(stdout)?.[1];
  if (!settings) return;
  await manage("unregistervm", name, "--delete");
  await rm(dirname(settings), { recursive: true, force: true });
}
