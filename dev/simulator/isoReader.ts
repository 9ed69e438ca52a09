const SECTOR = 2048;

/** Behind the system's 16 sectors (ECMA-119, 6.2.1). */
const DESCRIPTOR = 16 * SECTOR;

/** What a disc holds. */
export interface Disc {
  volumeId: string;
  /** The files of its root directory, by their Rock Ridge names: what Linux sees. */
  files: Map<string, Buffer>;
}

/** Whether this is an ISO 9660 image. */
export const isIso = (image: Buffer): boolean => image.toString("latin1", DESCRIPTOR + 1, DESCRIPTOR + 6) === "CD001";

/**
 * Reads an ISO 9660 image as a Linux guest does; see ECMA-119 for the section numbers below, and RRIP 1.09 for the
 * names.
 * @throws Error when it is none
 */
export function readIso(image: Buffer): Disc {
  if (!isIso(image)) throw new Error("this is no ISO 9660 image");
  const root = recordAt(image, DESCRIPTOR + 156); // 8.4.18
  const files = [...records(image, root)].filter(({ isFolder }) => !isFolder);
  return {
    volumeId: image.toString("latin1", DESCRIPTOR + 40, DESCRIPTOR + 72).trimEnd(), // 8.4.6
    files: new Map(files.map((file) => [file.name, image.subarray(file.from, file.from + file.size)])),
  };
}

interface DirectoryRecord {
  name: string;
  /** Where its content begins, and how long it is, in bytes. */
  from: number;
  size: number;
  isFolder: boolean;
}

/** The records of a directory; zeros where the next one would have crossed the end of a sector (6.8.1.1). */
function* records(image: Buffer, { from, size }: DirectoryRecord): Generator<DirectoryRecord> {
  for (let at = from; at < from + size; at += Math.max(1, image[at]!)) if (image[at] !== 0) yield recordAt(image, at);
}

/** 9.1. */
function recordAt(image: Buffer, at: number): DirectoryRecord {
  const identifierLength = image[at + 32]!;
  const systemUse = at + 33 + identifierLength + (identifierLength % 2 === 0 ? 1 : 0);
  return {
    name: rockRidgeName(image.subarray(systemUse, at + image[at]!)),
    from: image.readUInt32LE(at + 2) * SECTOR,
    size: image.readUInt32LE(at + 10),
    isFolder: (image[at + 25]! & 2) !== 0,
  };
}

/** The NM field (RRIP 4.1.4): signature, length, version, flags, text. A name of ours fits into one. */
function rockRidgeName(fields: Buffer): string {
  for (let at = 0; at + 4 <= fields.length && fields[at + 2]! >= 4; at += fields[at + 2]!) {
    if (fields.toString("latin1", at, at + 2) === "NM") return fields.toString("latin1", at + 5, at + fields[at + 2]!);
  }
  return "";
}
