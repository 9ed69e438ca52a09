import type { SshTargetArgs } from "./bastion";
import { withMaster } from "./masters";
import type { OpenOptions } from "../ssh/open";
import { serverVersion } from "../kubernetes/versionSkew";

/** Whom to ask for the cluster's version, and how long that may take. */
export interface Masters {
  masters: SshTargetArgs[];
  vboxManage: string;
  sshTimeoutSeconds: number;
  commandTimeoutSeconds: number;
}

/** Questions that are under way: workers that ask at the same time get one answer. */
const asked = new Map<string, Promise<string>>();

/**
 * The API server's version, such as `v1.36.3`, asked of the first master that answers.
 * @throws SshError, or another UserError, where nobody answers; see isOutOfReach
 */
export function clusterVersion(masters: Masters, log: OpenOptions["log"]): Promise<string> {
  const key = JSON.stringify(masters);
  const answer = asked.get(key) ?? ask(masters, log).finally(() => asked.delete(key));
  asked.set(key, answer);
  return answer;
}

const ask = ({ masters, vboxManage, sshTimeoutSeconds, commandTimeoutSeconds }: Masters, log: OpenOptions["log"]) =>
  withMaster(
    masters,
    vboxManage,
    { deadlineMs: sshTimeoutSeconds * 1000, commandTimeoutMs: commandTimeoutSeconds * 1000, log },
    serverVersion,
  );
