import { NotUnderstood, withoutWarning } from "./answer";

/** A disk or ISO that VirtualBox has registered. */
export interface Medium {
  uuid: string;
  /** The medium that it holds the differences from; undefined for a medium of its own. */
  parentUuid?: string;
  /** Path of its file. */
  location: string;
  /** File format, such as `VDI`. */
  format: string;
  /** Size as the machine sees it, in MB. */
  sizeMb: number;
  /** Whether VirtualBox can read its file. */
  isAccessible: boolean;
  /** Whether all of its space is taken at once; `list` does not tell, `showmediuminfo` does. */
  isFixed: boolean;
  /** Whether a machine or a snapshot has it; `list` does not tell, `showmediuminfo` does. */
  isInUse: boolean;
  /** Names of the machines that have it, now or in a snapshot; `list` does not tell, `showmediuminfo` does. */
  users: string[];
}

/**
 * Reads what `list hdds` and `list dvds` print: blocks of `Key: value` lines, each of which starts with `UUID:`.
 * Without a medium there is no output.
 * @throws NotUnderstood for a block that lacks one of its lines, and for anything that is no block
 */
export const readMedia = (output: string) => mediaIn("VBoxManage list", output);

/**
 * Reads what `showmediuminfo` prints: one such block, with more lines.
 * @throws NotUnderstood where it is not there, or not whole
 */
export function readMedium(output: string): Medium {
  const call = "VBoxManage showmediuminfo";
  const media = mediaIn(call, output);
  if (media.length !== 1 || (media[0]!.isAccessible && !/^Format variant: +\S/m.test(output)))
    throw new NotUnderstood(call, output);
  return media[0]!;
}

function mediaIn(call: string, output: string): Medium[] {
  const blocks = withoutWarning(output).split(/^(?=UUID: )/m);
  if (blocks[0]!.trim() === "") blocks.shift();
  const media = blocks.map((block) => mediumIn(call, block));
  return [...new Map(media.map((medium) => [medium.uuid, medium])).values()];
}

function mediumIn(call: string, block: string): Medium {
  const value = (key: string) => new RegExp(`^${key}:[ \\t]*(.*?)[ \\t]*\\r?$`, "m").exec(block)?.[1] ?? "";
  const known = (key: string, form: RegExp) => {
    if (!form.test(value(key))) throw new NotUnderstood(call, block);
    return value(key);
  };
  known("Encryption", /./); // The last line that every medium has.
  // An ISO has no parent; a disk of its own has `base`.
  const parentUuid = /^Parent UUID:/m.test(block) ? known("Parent UUID", /^(base|[0-9a-f-]{36})$/i) : "base";
  return {
    uuid: known("UUID", /^[0-9a-f-]{36}$/i),
    ...(parentUuid !== "base" && { parentUuid }),
    location: known("Location", /./),
    format: known("Storage format", /^\S+$/).toUpperCase(),
    sizeMb: Number.parseInt(known("Capacity", /^\d+ MBytes$/), 10),
    isAccessible:
      known("State", /^(not created|created|locked read|locked write|inaccessible|creating|deleting)$/) !==
      "inaccessible",
    isFixed: /^fixed/.test(value("Format variant")),
    isInUse: value("In use by VMs") !== "",
    users: [...block.matchAll(/^(?:In use by VMs: | {8}) +(\S.*?) \(UUID: [0-9a-f-]{36}\)/gm)].map(
      (match) => match[1]!,
    ),
  };
}
