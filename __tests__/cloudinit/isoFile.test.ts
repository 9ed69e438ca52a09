import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isoImage } from "../../cloudinit/iso9660/image";
import { observeIso, removeIso, writeIso } from "../../cloudinit/isoFile";
import { folder, folders, image, path, useIsoFolder } from "../support/isoFolder";

useIsoFolder();

test("a link that awaits the part under any name that can be guessed is not followed", async () => {
  folders([["kube/dev", 0o700]]);
  writeFileSync(join(folder, "theirs"), "");
  for (const name of [`n1.iso.part-${process.pid}`, "n1.iso.part-"])
    symlinkSync(join(folder, "theirs"), join(folder, "kube/dev", name));
  await writeIso(path, image);
  expect(readFileSync(join(folder, "theirs"), "utf8")).toBe("");
  expect(readFileSync(path)).toEqual(image);
  expect(readdirSync(join(folder, "kube/dev"))).toEqual(["n1.iso"]);
});

test.each([
  ["a folder that the user gave stays", "mine/isos", ["isos"]],
  ["the default one goes", "mine/.vbox-kubeadm", []],
])("with its last ISO, the folders of cluster and stack go, and %s", async (_, isoFolder, left) => {
  folders([
    ["mine", 0o700],
    [isoFolder, 0o700],
  ]);
  const last = join(folder, isoFolder, "kube/dev/n1.iso");
  await writeIso(last, image);
  expect(await removeIso(last)).toBe(true);
  expect(readdirSync(join(folder, "mine"))).toEqual(left);
  if (left.length > 0) expect(readdirSync(join(folder, isoFolder))).toEqual([]);
});

describe("a symbolic link in the ISO's place", () => {
  beforeEach(async () => {
    await writeIso(join(folder, "elsewhere.iso"), image);
    folders([["kube/dev", 0o700]]);
    symlinkSync(join(folder, "elsewhere.iso"), path);
  });

  test("is no ISO of ours", async () => expect(await observeIso(path)).toBeUndefined());

  test("is neither followed nor replaced nor removed", async () => {
    await expect(writeIso(path, isoImage("cidata", { "user-data": "b" }))).rejects.toThrow(
      /was not made by this program\n {4}it is a symbolic link\n→ move it away/,
    );
    expect(await removeIso(path)).toBe(false);
    expect(readFileSync(join(folder, "elsewhere.iso"))).toEqual(image);
    expect(existsSync(path)).toBe(true);
  });
});

test("a pipe in the ISO's place is not waited for", async () => {
  mkdirSync(path, { recursive: true });
  await expect(writeIso(path, image)).rejects.toThrow(/it is no regular file/);
});

test.each<[string, [string, number][]]>([
  ["our folder in one that is shared, as /tmp is", [["", 0o1777]]],
  [
    "folders of ours that others may look into",
    [
      ["", 0o755],
      ["kube", 0o755],
      ["kube/dev", 0o755],
    ],
  ],
])("%s will do", async (_what, modes) => {
  folders(modes);
  await writeIso(path, image);
  expect(await observeIso(path)).toBeDefined();
  expect(statSync(join(folder, "kube/dev")).mode & 0o077 & ~0o055).toBe(0);
});

test.each<[string, [string, number][]]>([
  ["the ISO's folder is open to all", [["kube/dev", 0o777]]],
  ["the ISO's folder is open to all and sticky", [["kube/dev", 0o1777]]],
  ["a folder above it is open to all", [["kube", 0o777]]],
  ["the isoFolder is open to all", [["", 0o777]]],
])("where %s, nothing is written, and what is there is not believed", async (_what, modes) => {
  folders(modes);
  await expect(writeIso(path, image)).rejects.toThrow(
    /^the folder .* is not safe for an ISO, which holds a private key\n {4}others may write in it\n→ chmod go-w /,
  );
  expect(existsSync(path)).toBe(false);
  folders([
    ["kube/dev", 0o700],
    ["", 0o700],
    ["kube", 0o700],
  ]);
  await writeIso(path, image);
  folders(modes);
  expect(await observeIso(path)).toBeUndefined();
});

test("our own link leads into a folder that is looked at too", async () => {
  folders([
    ["open", 0o777],
    ["open/kube/dev", 0o700],
  ]);
  symlinkSync(join(folder, "open/kube"), join(folder, "kube"));
  await expect(writeIso(path, image)).rejects.toThrow(`the folder ${join(folder, "open")} is not safe`);
});
