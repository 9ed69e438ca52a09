import { VBoxError } from "../vboxError";
import type { VBoxManage } from "../vboxmanage";

/**
 * What somebody on a worker used its join token for, beside its own join. It is kept with the machine: it lasts until that is replaced, whatever
 * becomes of Pulumi's state and of the Node, and no guest can take it away.
 */
export interface Misuse {
  /** What is known of it; undefined where there was none. */
  known(): Promise<string | undefined>;
  /** Keeps it for good. */
  note(what: string): Promise<void>;
}

const KEY = "vbox-kubeadm/token-misused";

/** More says no more, and ends up in an argument of VBoxManage. */
const MOST_CHARACTERS = 500;

/** The {@link Misuse} on a machine, in VirtualBox's extra data. A clone inherits those of its base image, so that they have the machine's UUID in front. */
export function misuseOn(vbox: VBoxManage, uuid: string): Misuse {
  const prefix = `${uuid} `;
  return {
    async known() {
      const kept = await vbox.getExtraData(uuid, KEY).catch(whereNone);
      return kept?.startsWith(prefix) ? kept.slice(prefix.length) : undefined;
    },
    note: async (what) => void (await vbox.setExtraData(uuid, KEY, `${prefix}${what}`.slice(0, MOST_CHARACTERS))),
  };
}

/** A machine that this VirtualBox does not have is judged by whoever needs it. */
function whereNone(error: unknown): undefined {
  if (!(error instanceof VBoxError && error.isNotFound)) throw error;
}
