import { resolveTarget, type SshTargetArgs } from "../access/bastion";
import { UserError } from "../common/errors";
import { type Exec, execWithin } from "../common/exec";
import { isUnreachable, withMaster } from "../access/masters";
import { type SshSession, withSession } from "../ssh/session";
import { VBoxManage } from "../virtualbox/vboxManage";
import { withPowerState } from "../access/power";
import type { Context } from "./dynamic";

/** What of a join's inputs tells how its two ends, and the VirtualBox that has its machine, are reached. */
export interface Reached {
  name: string;
  worker: SshTargetArgs;
  masters: SshTargetArgs[];
  vmUuid: string;
  vboxManage: string;
  sshTimeoutSeconds: number;
  commandTimeoutSeconds: number;
}

const deadlines = ({ sshTimeoutSeconds, commandTimeoutSeconds }: Reached) => ({
  deadlineMs: sshTimeoutSeconds * 1000,
  commandTimeoutMs: commandTimeoutSeconds * 1000,
});

const limited = (reached: Reached, programs: Exec): Exec => execWithin(deadlines(reached).commandTimeoutMs, programs);

/** The VirtualBox that has a worker's machine. */
export const vboxOf = (reached: Reached, programs: Exec): VBoxManage =>
  new VBoxManage(reached.vboxManage, limited(reached, programs));

/** Does something in a session on the first master that answers. */
export const onMaster = <T>(reached: Reached, { log }: Context, use: (session: SshSession) => Promise<T>): Promise<T> =>
  withMaster(reached.masters, reached.vboxManage, { ...deadlines(reached), log }, use);

/** Does something in a session on the worker. Where it does not answer as it has no power, the error says that. */
export async function onWorker<T>(
  reached: Reached,
  { log }: Context,
  programs: Exec,
  use: (session: SshSession) => Promise<T>,
): Promise<T> {
  const target = await resolveTarget(reached.worker, reached.vboxManage, limited(reached, programs));
  try {
    return await withSession(target, { ...deadlines(reached), what: reached.name, log }, use);
  } catch (error) {
    throw await withPowerState(vboxOf(reached, programs), reached.vmUuid, error);
  }
}

/**
 * Does what a leaving worker's cluster is to do. One that does not answer holds up no destroy; but a worker that is to
 * come back stays with it.
 * @returns undefined where the cluster does not answer
 */
export async function onCluster<T>(
  reached: Reached,
  context: Context,
  use: (session: SshSession) => Promise<T>,
): Promise<T | undefined> {
  const { name } = reached;
  try {
    return await onMaster(reached, context, use);
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    if (context.rolling.isReplacing(name)) throw notReplaced(error);
    context.log(
      `its Node stays, as the cluster does not answer: ${error.summary}. If the cluster still lives: kubectl delete node ${name}`,
      "warning",
    );
    return undefined;
  }
}

const notReplaced = (error: UserError) =>
  new UserError(
    "the worker is to be replaced, and was left as it is: its cluster does not answer, and a new one could not join",
    {
      output: error.message,
      hint: "bring the cluster back, then run `pulumi up` again; where it is gone for good, `pulumi destroy` works without it",
      cause: error,
    },
  );
