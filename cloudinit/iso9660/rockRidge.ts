import { both32 } from "./fields";

/*
 * Rock Ridge: POSIX names, modes and owners in the system use fields of directory records. SUSP 1.10 and RRIP 1.09; a
 * field is a signature, its length, its version (1) and its data. The files are root's alone to read: a cidata disc
 * holds a private key.
 */

const regularFile = 0o100400;
const folder = 0o040500;

/** Fields of a file. */
export const fileFields = (name: string) => Buffer.concat([posix(regularFile, 1), posixName(name)]);

/** Fields of the root directory's parent, which is itself. */
export const folderFields = () => posix(folder, 2);

/** Fields of the root directory itself: the first record says that there are such fields at all, and whose they are. */
export const rootFields = () => Buffer.concat([sharingProtocol, extension, posix(folder, 2)]);

const field = (signature: string, ...data: readonly Buffer[]) => {
  const body = Buffer.concat([...data]);
  return Buffer.concat([Buffer.from(signature, "latin1"), Buffer.from([4 + body.length, 1]), body]);
};

/** SP (SUSP 5.3): fields begin right behind the identifier. */
const sharingProtocol = field("SP", Buffer.from([0xbe, 0xef, 0]));

/**
 * ER (SUSP 5.5): lengths of identifier, description and source, the extension's version, and the identifier; the texts
 * may be empty.
 */
const identifier = Buffer.from("RRIP_1991A", "latin1");
const extension = field("ER", Buffer.from([identifier.length, 0, 0, 1]), identifier);

/** PX (RRIP 4.1.1): mode, links, user, group. */
const posix = (mode: number, links: number) => field("PX", both32(mode), both32(links), both32(0), both32(0));

/** NM (RRIP 4.1.4): the name, whole, in this field. */
const posixName = (name: string) => field("NM", Buffer.from([0]), Buffer.from(name, "latin1"));
