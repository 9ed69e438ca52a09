/** A logical sector, and here a logical block too (6.1.2, 6.2.2). */
export const sectorSize = 2048;

/** How many sectors hold so many bytes; at least one. */
export const sectors = (bytes: number) => Math.max(1, Math.ceil(bytes / sectorSize));

/** Filled up with zeros to whole sectors. */
export const padded = (data: Buffer) =>
  Buffer.concat([data, Buffer.alloc(sectors(data.length) * sectorSize - data.length)]);

/** A 16-bit number in both byte orders (7.2.3). */
export function both16(value: number): Buffer {
  const field = Buffer.alloc(4);
  field.writeUInt16LE(value, 0);
  field.writeUInt16BE(value, 2);
  return field;
}

/** A 32-bit number in both byte orders (7.3.3). */
export function both32(value: number): Buffer {
  const field = Buffer.alloc(8);
  field.writeUInt32LE(value, 0);
  field.writeUInt32BE(value, 4);
  return field;
}

/** A 32-bit number in one byte order (7.3.1, 7.3.2). */
export function one32(value: number, order: ByteOrder): Buffer {
  const field = Buffer.alloc(4);
  if (order === "little") field.writeUInt32LE(value);
  else field.writeUInt32BE(value);
  return field;
}

/** Which byte is first. */
export type ByteOrder = "little" | "big";

/** Joliet's characters: UCS-2, the high byte first. */
export const ucs2 = (text: string) => Buffer.from(text, "utf16le").swap16();

/** A time on disc that never changes: 1 January 2000, UTC (9.1.5). */
export const recordTime = Buffer.from([100, 1, 1, 0, 0, 0, 0]);

/** The same in a volume descriptor (8.4.26.1). */
export const volumeTime = Buffer.from("2000010100000000\0", "latin1");

/** A volume descriptor's "not specified". */
export const noTime = Buffer.from("0000000000000000\0", "latin1");
