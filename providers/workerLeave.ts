import { powerProblem } from "../access/power";
import type { Exec } from "../common/exec";
import { checkFitness, misused } from "../kubernetes/join";
import { deleteNode, drain, resetWorker } from "../kubernetes/leave";
import { workerFacts } from "../kubernetes/preflight";
import { SshError } from "../ssh/error";
import { absenceOf } from "../virtualbox/home";
import { misuseOn } from "../virtualbox/vm/misuse";
import type { Context } from "./dynamic";
import type { Outputs } from "./workerJoinArgs";
import { onCluster, onWorker, vboxOf } from "./workerReach";

/** Drains the worker, resets it, and deletes its Node. */
export async function leave(outs: Outputs, context: Context, programs: Exec): Promise<void> {
  const isRejoining = context.rolling.isRejoining(outs.name);
  const misuse = isRejoining ? await misuseOn(vboxOf(outs, programs), outs.vmUuid).known() : undefined;
  if (misuse !== undefined) throw misused(outs.name, misuse);
  const isThere = await isMachineThere(outs, programs);
  await context.rolling.leave(outs.name, context.log);
  // Who comes back on the machine that it has must be able to; a new machine was looked at.
  const facts = isRejoining ? await onWorker(outs, context, programs, workerFacts) : undefined;
  const hasNode = await onCluster(outs, context, async (master) => {
    if (facts) await checkFitness({ master, log: context.log }, outs, facts);
    return drain(master, outs, context.log);
  });
  if (isThere) await takeOff(outs, context, programs);
  else context.log("is not reset: its VirtualBox was not looked at, as it is gone for good", "warning");
  if (hasNode) await onCluster(outs, context, (master) => deleteNode(master, outs.name));
}

/**
 * False where the VirtualBox that had the machine is gone for good. Asked before anything is done: the machine of a
 * worker that VirtualBox does not know may run in another one.
 */
export async function isMachineThere(outs: Outputs, programs: Exec): Promise<boolean> {
  const { name, vmUuid, virtualBox } = outs;
  const vbox = vboxOf(outs, programs);
  return (await vbox.isRegistered(vmUuid)) || (await absenceOf(vbox, { name, uuid: vmUuid }, virtualBox)) === "gone";
}

/**
 * A machine that is gone, or never comes back, has nothing to reset; nor has one that shows another host key than ours.
 */
async function takeOff(outs: Outputs, context: Context, programs: Exec): Promise<void> {
  const problem = await powerProblem(vboxOf(outs, programs), outs.vmUuid);
  if (problem) return context.log(`is not reset: ${problem}`, "warning");
  try {
    await onWorker(outs, context, programs, (worker) => resetWorker(worker, outs.criSocket, context.log));
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    context.log(`is not reset: ${error.summary}`, "warning");
  }
}
