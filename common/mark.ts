import { createHash, randomUUID } from "node:crypto";

/** Whose a thing is. */
export interface Owner {
  /** `cluster/stack`: names, which another stack may have too. */
  stack: string;
  /** The machine's name. */
  name: string;
  /** The stack's random id, 32 hexadecimal digits. Empty or missing: what version 0.1.0 made, which had none. */
  stackId?: string;
}

/** The mark on what a stack made: `ID cluster/stack/name`. */
export const markOf = ({ stackId, ...names }: Owner) => (stackId ? `${stackId} ${nameMark(names)}` : nameMark(names));

/** The mark as version 0.1.0 wrote it, without an id. */
const nameMark = ({ stack, name }: Owner) => `${stack}/${name}`;

/**
 * - `ours`: the very mark of this owner;
 * - `unnumbered`: version 0.1.0's mark with the owner's names, so perhaps ours, perhaps that of another stack of these
 *   names;
 * - `foreign`: anything else;
 * - `none`: there is no mark.
 */
export type Claim = "ours" | "unnumbered" | "foreign" | "none";

/** What a mark that was found means to an owner. */
export function claimOf(mark: string | undefined, owner: Owner): Claim {
  if (!mark) return "none";
  if (mark === markOf(owner)) return "ours";
  return mark === nameMark(owner) ? "unnumbered" : "foreign";
}

/** Whether a mark has the owner's names: another stack's id, or none, may stand before them. */
export const hasNamesOf = (mark: string | undefined, owner: Owner) =>
  mark?.replace(/^[0-9a-f]{32} /, "") === nameMark(owner);

/** Whether a mark is of a machine of this name, whichever stack's. */
export const isMarkOf = (mark: string, name: string) => mark.endsWith(`/${name}`);

/**
 * A new UUID whose first 48 bits say who gave it: VirtualBox registers a clone under its UUID in one go, which makes it
 * the one mark that even an interrupted clone has.
 */
export function birthUuid(owner: Owner): string {
  return owner.stackId ? birthPrefix(owner) + randomUUID().slice(birthPrefix(owner).length) : randomUUID();
}

/** Whether a UUID is one of {@link birthUuid}'s. Those that version 0.1.0 gave say nothing. */
export const isBirthUuid = (uuid: string, owner: Owner) => !owner.stackId || uuid.startsWith(birthPrefix(owner));

const birthPrefix = (owner: Owner) =>
  createHash("sha256")
    .update(markOf(owner))
    .digest("hex")
    .replace(/^(.{8})(.{4}).*$/, "$1-$2");
