import { type SshTargetArgs, resolveTarget } from "./bastion";
import type { UserError } from "../common/errors";
import { execWithin } from "../common/exec";
import { ApiUnreachable } from "../kubernetes/kubectl";
import type { OpenOptions } from "../ssh/open";
import { SshError } from "../ssh/error";
import { type SshSession, withSession } from "../ssh/session";

/** How long a master gets to answer at most while there are others to try. */
const EACH_MASTER_MS = 30_000;

/**
 * Runs `use` in a session on the first master that answers, in the order given. What fails on a master that answered is
 * final, unless it is that master's own admin.conf that fails.
 *
 * @param options `deadlineMs`: how long the masters may take to answer, all together; `commandTimeoutMs` is
 * VBoxManage's, too
 * @throws SshError when none answers
 */
export async function withMaster<T>(
  masters: readonly SshTargetArgs[],
  vboxManage: string,
  { deadlineMs, commandTimeoutMs, log }: Omit<OpenOptions, "what">,
  use: (session: SshSession) => Promise<T>,
): Promise<T> {
  let end = performance.now() + deadlineMs;
  let refused: ApiUnreachable | undefined;
  for (const [index, master] of masters.entries()) {
    const leftMs = end - performance.now();
    const next = masters[index + 1];
    let answered: number | undefined;
    try {
      const target = await resolveTarget(master, vboxManage, execWithin(commandTimeoutMs ?? leftMs));
      const shareMs = next ? Math.min(leftMs / (masters.length - index), EACH_MASTER_MS) : leftMs;
      return await withSession(
        target,
        { deadlineMs: shareMs, commandTimeoutMs, what: `master ${master.address}`, log },
        (session) => {
          answered = performance.now();
          return use(session);
        },
      );
    } catch (error) {
      if (answered && next && error instanceof ApiUnreachable && error.failure.ofMaster) {
        log?.(`trying master ${next.address}: on ${master.address}, ${error.summary}`);
        refused ??= error;
        end += performance.now() - answered;
        continue;
      }
      if (answered || !(error instanceof SshError) || error.kind !== "unreachable") throw error;
      if (!next) throw refused ?? (masters.length === 1 ? error : noneAnswers(masters, deadlineMs, error));
      log?.(`trying master ${next.address}: ${master.address} does not answer`);
    }
  }
  throw new Error("no masters given");
}

function noneAnswers(masters: readonly SshTargetArgs[], deadlineMs: number, { summary, detail }: SshError): SshError {
  const names = masters.map(({ address }) => address).join(", ");
  return new SshError(
    "unreachable",
    `none of the masters ${names} gave an SSH session within ${Math.round(deadlineMs / 100) / 10} s`,
    {
      output: [summary, detail.output].join("\n"),
      hint: detail.hint,
    },
  );
}

/**
 * Whether a failure of {@link withMaster} means that nobody answers for the cluster: no master by SSH, or no API server
 * behind it.
 */
export const isUnreachable = (error: unknown): error is UserError =>
  error instanceof ApiUnreachable || (error instanceof SshError && error.kind === "unreachable");
