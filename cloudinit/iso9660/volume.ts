import { rootRecord } from "./directory";
import { both16, both32, noTime, one32, padded, sectorSize, ucs2, volumeTime, type ByteOrder } from "./fields";

/** What a volume descriptor says. */
export interface Volume {
  volumeId: string;
  /** Of the whole image. */
  sectors: number;
  rootSector: number;
  rootSize: number;
  /** The little-endian path table; the big-endian one is behind it. */
  pathTableSector: number;
  /** Whose image it is: plain letters and digits, 128 at most in the primary descriptor; empty for nobody's. */
  publisher: string;
}

/** In the application identifier of every image of ours. */
export const applicationId = "VBOX_KUBEADM";

/**
 * One directory: a length, no extended attributes, its sector, its parent's number, and the identifier 0 with its
 * padding.
 */
const pathTableSize = 10;

/** 8.4. */
export const primaryDescriptor = (volume: Volume) =>
  descriptor(1, volume, (text) => Buffer.from(text, "latin1"), Buffer.alloc(0));

/** Where the publisher is in a primary descriptor, in bytes (8.4.20). */
export const publisherField = { from: 318, to: 446 };

/** 8.5, as Joliet uses it: `%/E` says UCS-2, level 3. The publisher is in the primary one alone. */
export const supplementaryDescriptor = (volume: Omit<Volume, "publisher">) =>
  descriptor(2, { ...volume, publisher: "" }, ucs2, Buffer.from("%/E", "latin1"));

/** 8.3. */
export const setTerminator = () => padded(header(255));

/** The path table of a volume that is one directory (9.4). */
export function pathTable(rootSector: number, order: ByteOrder): Buffer {
  const parent = order === "little" ? [1, 0] : [0, 1];
  return padded(Buffer.concat([Buffer.from([1, 0]), one32(rootSector, order), Buffer.from([...parent, 0, 0])]));
}

const header = (type: number) => Buffer.concat([Buffer.from([type]), Buffer.from("CD001", "latin1"), Buffer.from([1])]);

function descriptor(type: number, volume: Volume, encode: (text: string) => Buffer, escapes: Buffer): Buffer {
  const text = (value: string, bytes: number) =>
    Buffer.alloc(bytes, encode(" ")).fill(encode(value), 0, encode(value).length);
  const { pathTableSector } = volume;
  const fields = Buffer.concat([
    header(type),
    Buffer.alloc(1), // volume flags
    text("", 32), // system identifier
    text(volume.volumeId, 32),
    Buffer.alloc(8),
    both32(volume.sectors),
    Buffer.concat([escapes, Buffer.alloc(32 - escapes.length)]),
    both16(1), // volume set size
    both16(1), // volume sequence number
    both16(sectorSize), // logical block size
    both32(pathTableSize),
    one32(pathTableSector, "little"),
    one32(0, "little"), // no second copy
    one32(pathTableSector + 1, "big"),
    one32(0, "big"),
    rootRecord(volume.rootSector, volume.rootSize),
    text("", 128), // volume set
    text(volume.publisher, 128),
    text("", 128), // data preparer
    text(applicationId, 128),
    text("", 37), // copyright file
    text("", 37), // abstract file
    text("", 37), // bibliographic file
    volumeTime, // created
    volumeTime, // modified
    noTime, // expires
    noTime, // effective
    Buffer.from([1, 0]), // file structure version
  ]);
  return padded(fields);
}
