import { checksumOf, githubDigest } from "../../../dev/lab/checksums";
import { Unavailable } from "../../../dev/lab/download";

const [one, two] = ["1".repeat(64), "2".repeat(64)];

describe("a list in sha256sum's format", () => {
  const list = `${one}  etcd-v3.tar.gz\n${two} *etcd-v3.tar.gz.asc\r\n`;

  test("gives a file's checksum, of a text and of a binary file", () => {
    expect(checksumOf("etcd-v3.tar.gz", list)).toBe(one);
    expect(checksumOf("etcd-v3.tar.gz.asc", list)).toBe(two);
  });

  test.each(["etcd-v3", "", "<html>"])("does not have %j", (name) => {
    expect(() => checksumOf(name, list)).toThrow(Unavailable);
  });
});

describe("GitHub's description of a release", () => {
  const release = JSON.stringify({
    assets: [
      { name: "flanneld-amd64", digest: `sha256:${one}` },
      { name: "old", digest: null },
    ],
  });

  test("gives an asset's checksum", () => {
    expect(githubDigest("flanneld-amd64", release)).toBe(one);
  });

  test.each([
    ["flanneld-arm64", release],
    ["old", release],
    ["flanneld-amd64", "<html>log in first</html>"],
    ["flanneld-amd64", `{"message": "rate limit exceeded"}`],
  ])("%s is unavailable when it is not in %s", (name, text) => {
    expect(() => githubDigest(name, text)).toThrow(Unavailable);
  });
});
