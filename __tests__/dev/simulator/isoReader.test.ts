import fc from "fast-check";
import { isoImage } from "../../../cloudinit/iso9660/image";
import { readIso } from "../../../dev/simulator/isoReader";

const name = fc
  .stringMatching(/^[A-Za-z0-9._-]{1,64}$/)
  .filter((text) => !/^\.\.?$/.test(text) && text !== "__proto__");

test("it reads whatever our writer writes, which isoinfo and xorriso read too", () => {
  const files = fc.dictionary(
    name,
    fc.uint8Array({ maxLength: 5000 }).map((bytes) => Buffer.from(bytes)),
    { maxKeys: 60, noNullPrototype: true },
  );
  fc.assert(
    fc.property(files, (files) => {
      const disc = readIso(isoImage("cidata", files));
      expect(disc.volumeId).toBe("cidata");
      expect(Object.fromEntries(disc.files)).toEqual(files);
    }),
  );
});

test("what is no image is refused", () => expect(() => readIso(Buffer.alloc(40_000))).toThrow("no ISO 9660 image"));
