import { both16, both32, padded, recordTime, sectors, sectorSize, ucs2 } from "./fields";
import { compareIdentifiers } from "./names";
import { fileFields, folderFields, rootFields } from "./rockRidge";

/** A file on the disc. */
export interface Entry {
  name: string;
  /** Its name in this directory, without a version. */
  identifier: string;
  size: number;
  /** Where its content begins. */
  sector: number;
}

const folderFlag = 2;

/**
 * The extent of the root directory, in whole sectors (6.8): itself, its parent (itself again), and the files in order.
 * @param sector where the directory itself lies
 * @param kind `plain` has Rock Ridge in it; `joliet` has names in UCS-2 and no Rock Ridge
 */
export function directory(entries: readonly Entry[], sector: number, kind: "plain" | "joliet"): Buffer {
  const plain = kind === "plain";
  const none = Buffer.alloc(0);
  const files = [...entries]
    .sort((a, b) => compareIdentifiers(a.identifier, b.identifier))
    .map((file) => {
      // Joliet without versions, as other writers have it and readers expect it.
      const identifier = plain ? Buffer.from(`${file.identifier};1`, "latin1") : ucs2(file.identifier);
      return record(identifier, file, 0, plain ? fileFields(file.name) : none);
    });
  const withSize = (size: number) => [
    record(Buffer.from([0]), { sector, size }, folderFlag, plain ? rootFields() : none),
    record(Buffer.from([1]), { sector, size }, folderFlag, plain ? folderFields() : none),
    ...files,
  ];
  const size = packed(withSize(0)).length;
  return packed(withSize(size));
}

/** The root directory's record in a volume descriptor: without system use fields (8.4.18). */
export const rootRecord = (sector: number, size: number) =>
  record(Buffer.from([0]), { sector, size }, folderFlag, Buffer.alloc(0));

/** A directory record (9.1). */
function record(
  identifier: Buffer,
  extent: { sector: number; size: number },
  flags: number,
  systemUse: Buffer,
): Buffer {
  const body = Buffer.concat([
    Buffer.from([0]), // extended attribute record length
    both32(extent.sector),
    both32(extent.size),
    recordTime,
    Buffer.from([flags, 0, 0]), // not interleaved
    both16(1), // volume sequence number
    Buffer.from([identifier.length]),
    identifier,
    Buffer.alloc(identifier.length % 2 === 0 ? 1 : 0), // what follows is at an even offset
    systemUse,
  ]);
  const odd = Buffer.alloc((body.length + 1) % 2);
  return Buffer.concat([Buffer.from([1 + body.length + odd.length]), body, odd]);
}

/** A record never crosses the end of a sector (6.8.1.1). */
function packed(records: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const part of records) {
    const left = sectors(at + 1) * sectorSize - at;
    const gap = part.length > left ? left : 0;
    parts.push(Buffer.alloc(gap), part);
    at += gap + part.length;
  }
  return padded(Buffer.concat(parts));
}
