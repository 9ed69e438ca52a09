import fc from "fast-check";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isOurImage, isoImage, publisherOf, unpublished } from "../../../cloudinit/iso9660/image";
import { run } from "../../../dev/lab/exec";

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "iso-"))));
afterAll(() => rmSync(folder, { recursive: true }));

function saved(image: Buffer): string {
  const path = join(folder, "disc.iso");
  writeFileSync(path, image);
  return path;
}

const name = fc
  .stringMatching(/^[A-Za-z0-9._-]{1,64}$/)
  .filter((text) => !/^\.\.?$/.test(text) && text !== "__proto__");
const content = fc.uint8Array({ maxLength: 5000 }).map((bytes) => Buffer.from(bytes));
const someFiles = fc.dictionary(name, content, { maxKeys: 40, noNullPrototype: true });

const seed = { "user-data": "#cloud-config\n", "meta-data": "", "network-config": "é".repeat(3000) };

/** The names in a listing of isoinfo -f, without their leading slash. */
const listed = async (image: string, ...options: string[]) =>
  (await run("isoinfo", ["-f", ...options, "-i", image]))
    .split("\n")
    .filter(Boolean)
    .map((line) => line.slice(1))
    .sort();

test("isoinfo finds the volume, Joliet and Rock Ridge", async () => {
  const output = await run("isoinfo", ["-d", "-i", saved(isoImage("cidata", seed))]);
  expect(output).toContain("Volume id: cidata");
  expect(output).toContain("Joliet with UCS level 3 found");
  expect(output).toContain("Rock Ridge signatures version 1 found");
});

test.each([
  { options: ["-R"], names: ["meta-data", "network-config", "user-data"] },
  { options: ["-J"], names: ["meta-data", "network-config", "user-data"] },
  { options: [], names: ["META_DATA.;1", "NETWORK_CONFIG.;1", "USER_DATA.;1"] },
])("isoinfo lists and extracts by $options", async ({ options, names }) => {
  const image = saved(isoImage("cidata", seed));
  expect(await listed(image, ...options)).toEqual(names);
  expect(await run("isoinfo", [...options, "-i", image, "-x", `/${names[1]}`])).toBe(seed["network-config"]);
});

test("xorriso extracts it", async () => {
  const out = join(folder, "extracted");
  await run("xorriso", ["-osirrox", "on", "-indev", saved(isoImage("cidata", seed)), "-extract", "/", out]);
  for (const [file, text] of Object.entries(seed)) expect(readFileSync(join(out, file), "utf8")).toBe(text);
});

test("isoinfo reads whatever we write", async () => {
  await fc.assert(
    fc.asyncProperty(someFiles, async (files) => {
      const image = saved(isoImage("cidata", files));
      const names = Object.keys(files).sort();
      expect(await listed(image, "-R")).toEqual(names);
      expect(await listed(image, "-J")).toEqual(names);
      expect(new Set(await listed(image)).size).toBe(names.length);
    }),
    { numRuns: 30 },
  );
});

test("isoinfo reads a directory of several sectors", async () => {
  const names = Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(20 + (index % 45), "x")).sort();
  const image = saved(isoImage("cidata", Object.fromEntries(names.map((file) => [file, file]))));
  expect(await listed(image, "-R")).toEqual(names);
  expect(await listed(image, "-J")).toEqual(names);
});

test("the content stands in whole sectors where the records say", () => {
  fc.assert(
    fc.property(someFiles, (files) => {
      const image = isoImage("cidata", files);
      expect(image.length).toBe(image.readUInt32LE(16 * 2048 + 80) * 2048);
      for (const tree of [readTree(image, 16), readTree(image, 17)]) {
        expect(tree.map(({ data }) => data.toString("hex")).sort()).toEqual(
          Object.values(files)
            .map((data) => data.toString("hex"))
            .sort(),
        );
      }
    }),
  );
});

test("the same files are the same bytes, in whatever order", () => {
  fc.assert(
    fc.property(someFiles, (files) => {
      const reversed = Object.fromEntries(Object.entries(files).reverse());
      expect(isoImage("cidata", reversed).equals(isoImage("cidata", files))).toBe(true);
    }),
  );
});

test.each(["", ".", "..", "a/b", "ä", "a b", "n".repeat(65)])("refuses the name %j", (wrong) => {
  expect(() => isoImage("cidata", { [wrong]: "" })).toThrow("is no file name for a disc");
});

test.each(["", "ci data", "c".repeat(17)])("refuses the volume id %j", (wrong) => {
  expect(() => isoImage(wrong, {})).toThrow("is no volume id");
});

test("whose an image is stands in the primary descriptor, and nowhere else", async () => {
  const stackId = "0123456789abcdef".repeat(2);
  const image = isoImage("cidata", seed, stackId);
  expect(await run("isoinfo", ["-d", "-i", saved(image)])).toContain(`Publisher id: ${stackId}\n`);
  expect([publisherOf(image), publisherOf(isoImage("cidata", seed))]).toEqual([stackId, ""]);
  expect(unpublished(image).equals(isoImage("cidata", seed))).toBe(true);
});

test("tells its own images from others", async () => {
  expect(isOurImage(isoImage("cidata", seed))).toBe(true);
  const other = join(folder, "other.iso");
  await run("genisoimage", ["-quiet", "-V", "cidata", "-J", "-R", "-o", other, __filename]);
  expect(isOurImage(readFileSync(other))).toBe(false);
  expect(isOurImage(Buffer.from("no image at all"))).toBe(false);
});

/** The files of a volume, read from the descriptor in the sector: ECMA-119, 9.1. */
function readTree(image: Buffer, descriptor: number): { data: Buffer }[] {
  const root = descriptor * 2048 + 156;
  const files: { data: Buffer }[] = [];
  let at = image.readUInt32LE(root + 2) * 2048;
  const end = at + image.readUInt32LE(root + 10);
  while (at < end) {
    const length = image[at]!;
    if (length === 0) {
      at = (Math.floor(at / 2048) + 1) * 2048;
      continue;
    }
    const [sector, size, folderFlag] = [image.readUInt32LE(at + 2), image.readUInt32LE(at + 10), image[at + 25]! & 2];
    expect([image.readUInt32BE(at + 6), image.readUInt32BE(at + 14)]).toEqual([sector, size]);
    if (!folderFlag) files.push({ data: image.subarray(sector * 2048, sector * 2048 + size) });
    at += length;
  }
  return files;
}
