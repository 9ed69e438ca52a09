import { createHash } from "node:crypto";
import { packagesIndex, releaseIndex } from "../../../dev/lab/aptIndex";

const sha256 = (content: string) => createHash("sha256").update(content).digest("hex");

test("a Packages file has a stanza a package, with where and what its file is", () => {
  const one = { control: "Package: one\nVersion: 1\n", path: "pool/one.deb", content: Buffer.from("first") };
  const two = { control: "Package: two\nVersion: 2", path: "pool/two.deb", content: Buffer.from("second") };
  expect(packagesIndex([one, two])).toBe(`Package: one
Version: 1
Filename: pool/one.deb
Size: 5
SHA256: ${sha256("first")}

Package: two
Version: 2
Filename: pool/two.deb
Size: 6
SHA256: ${sha256("second")}
`);
});

test("no packages make an empty file", () => expect(packagesIndex([])).toBe(""));

test("a Release file names every index with its hash and its size in bytes", () => {
  const release = releaseIndex(
    { Suite: "trixie" },
    [{ path: "main/Packages", content: "é\n" }],
    new Date(Date.UTC(2026, 0, 2, 3, 4, 5)),
  );
  expect(release).toBe(`Origin: vbox-kubeadm lab
Suite: trixie
Date: Fri, 02 Jan 2026 03:04:05 UTC
SHA256:
 ${sha256("é\n")} 3 main/Packages
`);
});
