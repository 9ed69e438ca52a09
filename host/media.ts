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
}

/** Reads what `list hdds`, `list dvds` and `showmediuminfo` print: blocks of `Key: value` lines, each of which starts with `UUID:`. */
export function readMedia(output: string): Medium[] {
  return output
    .split(/^(?=UUID: )/m)
    .filter((block) => block.startsWith("UUID: "))
    .map(readMedium);
}

function readMedium(block: string): Medium {
  const value = (key: string) => new RegExp(`^${key}:\\s*(.*?)\\s*$`, "m").exec(block)?.[1] ?? "";
  const parentUuid = value("Parent UUID");
  return {
    uuid: value("UUID"),
    ...(/^[0-9a-f-]{36}$/i.test(parentUuid) && { parentUuid }),
    location: value("Location"),
    format: value("Storage format").toUpperCase(),
    sizeMb: Number(/^\d+/.exec(value("Capacity"))?.[0] ?? 0),
    isAccessible: value("State") !== "inaccessible",
    isFixed: /^fixed/.test(value("Format variant")),
    isInUse: value("In use by VMs") !== "",
  };
}
