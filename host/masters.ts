import { type SshTargetArgs, resolveTarget } from "./bastion";
import { SshError, type SshSession, withSession } from "./ssh";

/** How long each master gets to answer while there are others to try. */
const EACH_MASTER_MS = 30_000;

/**
 * Runs `use` in a session on the first master that answers, in the order given. What fails on a master that answered is final.
 *
 * @param options `deadlineMs`: how long the masters may take to answer, all together
 * @throws SshError of the last master when none answers
 */
export async function withMaster<T>(
  masters: readonly SshTargetArgs[],
  vboxManage: string,
  { deadlineMs, log }: { deadlineMs: number; log?: (line: string) => void },
  use: (session: SshSession) => Promise<T>,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (const [index, master] of masters.entries()) {
    const isLast = index === masters.length - 1;
    const leftMs = Math.max(1_000, end - performance.now());
    let answered = false;
    try {
      const target = await resolveTarget(master, vboxManage);
      return await withSession(target, { deadlineMs: isLast ? leftMs : Math.min(leftMs, EACH_MASTER_MS), what: `master ${master.address}`, log }, (session) => {
        answered = true;
        return use(session);
      });
    } catch (error) {
      if (isLast || answered || !(error instanceof SshError) || error.kind !== "unreachable") throw error;
      log?.(`master ${master.address} does not answer; trying ${masters[index + 1]!.address}`);
    }
  }
  throw new Error("no masters given");
}
