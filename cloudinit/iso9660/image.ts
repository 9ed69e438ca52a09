import { directory, type Entry } from "./directory";
import { padded, sectors, sectorSize } from "./fields";
import { assertName, compareIdentifiers, isoIdentifiers } from "./names";
import {
  applicationId,
  pathTable,
  primaryDescriptor,
  publisherField,
  setTerminator,
  supplementaryDescriptor,
} from "./volume";

/** Sectors 0–15 are the system's (6.2.1). */
const descriptors = 16;
/** Behind the primary, Joliet's and the last descriptor. */
const pathTables = descriptors + 3;
/** Behind two path tables, little- and big-endian, of each of the two trees. */
const rootSector = pathTables + 4;

/**
 * An ISO 9660 image of one directory, for a cidata disc: ISO 9660 for all, Rock Ridge for Linux, Joliet for Windows.
 * Nothing in it depends on time or order: the same volume and files are the same bytes.
 *
 * Sources: ECMA-119, 2nd edition (= ISO 9660); the System Use Sharing Protocol (SUSP) 1.10 and the Rock Ridge
 * Interchange Protocol (RRIP)
 * 1.09; Microsoft's Joliet specification, 1995. Section numbers in the comments are ECMA-119's unless they say
 * otherwise.
 *
 * Layout: descriptors, path tables, the directory, Joliet's directory, the files; each from a sector of its own.
 *
 * @param volumeId up to 16 letters, digits, `_` and `-`; lower case goes in as it is, as cloud-init's NoCloud wants
 * `cidata`
 * @param files name → content; a name is up to 64 of POSIX's portable characters (letters, digits, `.`, `_`, `-`)
 * @param publisher whose image it is: up to 128 letters and digits
 * @throws Error on any other volume id or name: a mistake of the caller
 */
export function isoImage(volumeId: string, files: Readonly<Record<string, string | Buffer>>, publisher = ""): Buffer {
  if (!/^[A-Za-z0-9_-]{1,16}$/.test(volumeId)) throw new Error(`${JSON.stringify(volumeId)} is no volume id`);
  if (!/^[A-Za-z0-9]{0,128}$/.test(publisher)) throw new Error(`${JSON.stringify(publisher)} is no publisher`);
  const names = Object.keys(files).sort(compareIdentifiers);
  names.forEach(assertName);
  const contents = names.map((name) => Buffer.from(files[name] as string));

  const identifiers = isoIdentifiers(names);
  const plainNames = (file: Entry) => ({ ...file, identifier: identifiers.get(file.name)! });
  const unplaced = names.map((name, index) => ({ name, identifier: name, size: contents[index]!.length, sector: 0 }));
  const jolietSector = rootSector + sectors(directory(unplaced.map(plainNames), 0, "plain").length);
  const firstFile = jolietSector + sectors(directory(unplaced, 0, "joliet").length);
  const { placed, end } = place(unplaced, firstFile);

  const root = directory(placed.map(plainNames), rootSector, "plain");
  const joliet = directory(placed, jolietSector, "joliet");
  const volume = { volumeId, sectors: end };
  return Buffer.concat([
    Buffer.alloc(descriptors * sectorSize),
    primaryDescriptor({ ...volume, publisher, rootSector, rootSize: root.length, pathTableSector: pathTables }),
    supplementaryDescriptor({
      ...volume,
      rootSector: jolietSector,
      rootSize: joliet.length,
      pathTableSector: pathTables + 2,
    }),
    setTerminator(),
    ...[rootSector, jolietSector].flatMap((sector) => [pathTable(sector, "little"), pathTable(sector, "big")]),
    root,
    joliet,
    ...contents.map(padded),
  ]);
}

/** Whether an image was made by {@link isoImage}: the primary descriptor's application identifier tells. */
export function isOurImage(image: Buffer): boolean {
  const at = descriptors * sectorSize;
  return (
    image.toString("latin1", at + 1, at + 6) === "CD001" &&
    image.toString("latin1", at + 574, at + 702).trimEnd() === applicationId
  );
}

/** Whose image it is: what {@link isoImage} was given. */
export const publisherOf = (image: Buffer) => image.toString("latin1", publisherAt.from, publisherAt.to).trimEnd();

/** The image as it would be if it were nobody's. */
export const unpublished = (image: Buffer) => Buffer.from(image).fill(" ", publisherAt.from, publisherAt.to);

const publisherAt = {
  from: descriptors * sectorSize + publisherField.from,
  to: descriptors * sectorSize + publisherField.to,
};

/** An empty file has a sector too, so that no extent lies behind the volume's end. */
function place(files: readonly Entry[], first: number): { placed: Entry[]; end: number } {
  let end = first;
  const placed = files.map((file) => {
    const sector = end;
    end += sectors(file.size);
    return { ...file, sector };
  });
  return { placed, end };
}
