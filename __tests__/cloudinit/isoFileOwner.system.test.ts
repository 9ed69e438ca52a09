import { chownSync, existsSync, lchownSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { observeIso, removeIso, writeIso } from "../../cloudinit/isoFile";
import { folder, folders, image, path, useIsoFolder } from "../support/isoFolder";

// Only root can give files away.
const SOMEBODY = 65534;
useIsoFolder();

test("an ISO of another user is none of ours, is not written over, and stays", async () => {
  await writeIso(path, image);
  chownSync(path, SOMEBODY, SOMEBODY);
  expect(await observeIso(path)).toBeUndefined();
  await expect(writeIso(path, image)).rejects.toThrow(
    /was not made by this program\n {4}it belongs to the user with the id 65534\n/,
  );
  expect(await removeIso(path)).toBe(false);
  expect(statSync(path).uid).toBe(SOMEBODY);
});

test("another user's link in a shared folder is not followed, though it leads to a folder of ours", async () => {
  folders([
    ["", 0o1777],
    ["ours/dev", 0o700],
  ]);
  symlinkSync(join(folder, "ours"), join(folder, "kube"));
  lchownSync(join(folder, "kube"), SOMEBODY, SOMEBODY);
  await expect(writeIso(path, image)).rejects.toThrow("is not safe for an ISO");
  lchownSync(join(folder, "kube"), 0, 0);
  await writeIso(path, image);
});

test.each<[string, [string, number, number?][]]>([
  [
    "the ISO's folder",
    [
      ["", 0o1777],
      ["kube/dev", 0o777, SOMEBODY],
    ],
  ],
  [
    "the ISO's folder, private",
    [
      ["", 0o1777],
      ["kube/dev", 0o700, SOMEBODY],
    ],
  ],
  [
    "the folder in the shared one",
    [
      ["", 0o1777],
      ["kube", 0o755, SOMEBODY],
    ],
  ],
  ["the shared folder itself", [["", 0o1777, SOMEBODY]]],
])("where %s is another user's, nothing is written", async (_what, modes) => {
  folders(modes);
  await expect(writeIso(path, image)).rejects.toThrow(
    /is not safe for an ISO.*\n {4}it belongs to the user with the id 65534\n→ give another `isoFolder`/,
  );
  expect(existsSync(path)).toBe(false);
});
