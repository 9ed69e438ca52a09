import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { stopAptServer } from "./aptService";
import { pulumiFolder } from "./binaries";
import { controlPlaneDown } from "./controlPlane";
import { deleteMachine, machineDown } from "./machine";
import { namespaceOf } from "./names";
import { namespaceExists } from "./netns";
import { networkDown } from "./network";
import { labDir } from "./paths";
import { endAllRecorded } from "./processes";
import { onHost, programFolder } from "./stack";
import { takeUpStack } from "./stackLock";
import { log } from "./up";
import { endVirtualBox } from "./virtualBox";

/**
 * Destroys the stack and takes the lab away. What was made for every lab stays in the cache.
 * @returns the exit code of `pulumi destroy`; the lab stays where it is not 0
 */
export async function labDown(): Promise<number> {
  if (existsSync(programFolder()) && namespaceExists(namespaceOf("host"))) {
    const pulumi = await pulumiFolder(log);
    await takeUpStack(pulumi, log);
    const exitCode = await onHost(pulumi, "pulumi", [
      "destroy",
      "--yes",
      "--non-interactive",
      "--skip-preview",
      "--suppress-progress",
    ]);
    if (exitCode !== 0) return exitCode;
  }
  await stopAptServer();
  await controlPlaneDown();
  await machineDown("busybox");
  await endAllRecorded();
  await networkDown();
  await endVirtualBox();
  await deleteMachine("busybox");
  await deleteMachine("kube-mast01");
  await rm(labDir(), { recursive: true, force: true });
  log("the lab is gone");
  return 0;
}
