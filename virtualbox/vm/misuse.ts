import { VBoxError } from "../error";
import type { VBoxManage } from "../vboxManage";

const KEY = "vbox-kubeadm/token-misused";

/** More says no more, and ends up in an argument of VBoxManage. */
const MOST_CHARACTERS = 500;

/**
 * What is noted on a machine of the misuse of its join token, in VirtualBox's extra data. A clone inherits those of its
 * base image, so that they have the machine's UUID in front.
 */
export function misuseOn(vbox: VBoxManage, uuid: string) {
  const prefix = `${uuid} `;
  return {
    /** Undefined where there was none. */
    async known(): Promise<string | undefined> {
      const kept = await vbox.getExtraData(uuid, KEY).catch(whereNone);
      return kept?.startsWith(prefix) ? kept.slice(prefix.length) : undefined;
    },
    /** Kept for as long as the machine. */
    note: async (what: string): Promise<void> =>
      void (await vbox.setExtraData(uuid, KEY, `${prefix}${what}`.slice(0, MOST_CHARACTERS))),
  };
}

/** A machine that this VirtualBox does not have is judged by whoever needs it. */
function whereNone(error: unknown): undefined {
  if (!(error instanceof VBoxError && error.isNotFound)) throw error;
}
