import { join } from "node:path";
import { findAccelerator } from "./accelerator";
import { serveAptRepository } from "./aptService";
import { ensureBaseImage } from "./baseImage";
import { ensureBaseMachine, ensureBastionMachine } from "./baseMachine";
import { ensureBinaries, pulumiFolder } from "./binaries";
import { controlPlaneUp } from "./controlPlane";
import { ensureGuestRoot } from "./guestRoot";
import { machineUp } from "./machine";
import { networkUp } from "./network";
import { ensurePackages } from "./packages";
import { ensureStack, onHost } from "./stack";
import { takeUpStack } from "./stackLock";
import { runIn } from "./tools";
import { ensureVirtualBox } from "./virtualBox";

const start = performance.now();

/** One line of the lab's progress, with the time since its start. */
export const log = (line: string) =>
  console.log(`[${String(Math.round((performance.now() - start) / 1000)).padStart(4)} s] ${line}`);

/**
 * Makes whatever of the lab is missing, and everything that it is made of, up to a stack that is up.
 * @returns the exit code of `pulumi up`, or of what shows the result
 */
export async function labUp(): Promise<number> {
  const pulumi = await prepareLab();
  await takeUpStack(pulumi, log);
  log("pulumi up");
  const exitCode = await onHost(pulumi, "pulumi", [
    "up",
    "--yes",
    "--non-interactive",
    "--skip-preview",
    "--suppress-progress",
  ]);
  log(exitCode === 0 ? "the stack is up" : "pulumi up failed");
  if (exitCode !== 0) return exitCode;
  const nodes = await runIn("kubectl", ["get", "nodes", "-o", "wide"]);
  return nodes || (await runIn("kubectl", ["get", "pods", "-A", "-o", "wide"]));
}

/**
 * Everything but the stack's resources: programs, images, networks, bastion, control plane, base image.
 * @returns the folder with the Pulumi CLI
 */
async function prepareLab(): Promise<string> {
  await ensurePackages(log);
  // Debian's packages come over the line while Go keeps the processors busy.
  const [{ pulumi, kubernetes, etcd }, guest] = await Promise.all([
    ensurePrograms(),
    ensureGuestRoot(log),
    ensureVirtualBox(log),
  ]);
  const image = await ensureBaseImage("baked", log);
  log("network, bastion and control plane");
  await networkUp();
  await machineUp({ name: "busybox", root: guest.root, network: "vlan42" });
  await controlPlaneUp({ root: guest.root, kubernetes, etcd });
  await ensureBaseMachine("debian-base-image", image, log);
  await ensureBastionMachine(log);
  await findAccelerator(join(guest.root, "vmlinuz"), log);
  await ensureStack(pulumi, await serveAptRepository(log));
  return pulumi;
}

/** The folders of every program that the lab is made of; one set after the other, as each keeps all processors busy. */
async function ensurePrograms() {
  const pulumi = await pulumiFolder(log);
  return { pulumi, ...(await ensureBinaries(["kubernetes", "etcd", "flannel", "pause"], log)) };
}
