import { load } from "js-yaml";
import { z } from "zod";
import { isWholeBase64 } from "../common/base64";
import { UserError } from "../common/errors";
import type { SshSession } from "../ssh/session";
import { ADMIN_CONF } from "./kubectl";

/** Certificates and keys stand in it in base64; the last one is what a text that was cut short lacks. */
const hasWholeData = (user: Record<string, unknown>) =>
  Object.entries(user).every(
    ([key, value]) => !key.endsWith("-data") || (typeof value === "string" && isWholeBase64(value)),
  );

const kubeconfigFormat = z.object({
  kind: z.literal("Config"),
  clusters: z.array(z.object({ cluster: z.object({ server: z.string() }) })).min(1),
  users: z.array(z.object({ user: z.record(z.string(), z.unknown()).refine(hasWholeData) })).min(1),
});

/**
 * The administrator's kubeconfig, as it is on a master.
 * @throws UserError where that is no whole kubeconfig; without a word of it, as it is a secret
 */
export async function adminKubeconfig(session: SshSession): Promise<string> {
  const text = await session.run(`sudo -n cat ${ADMIN_CONF}`, { readOnly: true });
  const isRead = kubeconfigFormat.safeParse(yamlIn(text)).success;
  if (!isRead)
    throw new UserError(`${ADMIN_CONF} on the master is no kubeconfig`, {
      hint: "`kubeadm init phase kubeconfig admin` makes a new one",
    });
  return text;
}

/** Undefined where it is none. */
function yamlIn(text: string): unknown {
  try {
    return load(text);
  } catch {
    return undefined;
  }
}
