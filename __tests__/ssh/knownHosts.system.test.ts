import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { exec, run } from "../../dev/lab/exec";
import { fingerprint } from "../../ssh/hostKey";
import { hostKeysFor, knownHost } from "../../ssh/knownHosts";
import { openSsh } from "../support/openssh";
import { newEcdsaKeyPair, newKeyPair } from "../support/sshServer";

const keys = [newKeyPair().public, newKeyPair().public, newEcdsaKeyPair().public].map((key) =>
  key.split(" ").slice(0, 2).join(" "),
);
const [one = "", two = "", other = ""] = keys;

test.each([
  ["a plain name", `kube-node01 ${one}`, "kube-node01", 22, [one]],
  ["another name", `kube-node01 ${one}`, "kube-node011", 22, []],
  ["a list, and a comment", `kube-node01,192.168.2.131 ${one} root@kube-node01`, "192.168.2.131", 22, [one]],
  ["several keys", `a ${one}\na ${other}\r\na ${one}\n`, "a", 22, [one, other]],
  ["another case", `Kube-Node01 ${one}`, "KUBE-node01", 22, [one]],
  ["wildcards", `*.kube.demo,192.168.2.13? ${one}`, "192.168.2.131", 22, [one]],
  ["a dot that is a dot", `192.168.2.1 ${one}`, "192x168.2.1", 22, []],
  ["a negated pattern", `*.kube.demo,!kube-mast*.kube.demo ${one}`, "kube-mast01.kube.demo", 22, []],
  ["a negated pattern alone", `!a ${one}`, "b", 22, []],
  ["another port", `[a]:2222 ${one}`, "a", 2222, [one]],
  ["another port's key for port 22", `[a]:2222 ${one}`, "a", 22, []],
  ["the name alone for a port that is not known", `a ${one}`, "a", 2222, [one]],
  ["the name alone beside a port that is known", `a ${one}\n[a]:2222 ${two}`, "a", 2222, [two]],
  ["a key that is revoked by the name alone", `[a]:2222 ${one}\n@revoked a ${one}`, "a", 2222, []],
  ["a revoked key", `a ${one}\na ${two}\n@revoked * ${one}`, "a", 22, [two]],
  ["a certificate authority", `@cert-authority * ${one}`, "a", 22, []],
  ["comments and empty lines", `# a ${one}\n\n  a ${two}`, "a", 22, [two]],
  ["broken lines", `a\na ssh-ed25519\na ssh-ed25519 AAAA\na ssh-rsa ${one.split(" ")[1]}\na ${two}`, "a", 22, [two]],
])("%s", (_, knownHosts, address, port, expected) => expect(hostKeysFor(knownHosts, address, port)).toEqual(expected));

test("ssh-keygen finds the same keys, and hashes names as we read them", async () => {
  const { program, env } = await openSsh();
  const keygen = program("usr/bin/ssh-keygen");
  const folder = await mkdtemp(join(tmpdir(), "known-hosts-"));
  const file = join(folder, "known_hosts");
  try {
    await writeFile(file, `a,b ${one}\n[a]:2222 ${two}\n`);
    await run(keygen, ["-H", "-f", file], { env });
    const hashed = await run("cat", [file]);
    expect(hashed).toMatch(/^\|1\|/);
    expect([hostKeysFor(hashed, "b"), hostKeysFor(hashed, "a", 2222), hostKeysFor(hashed, "c")]).toEqual([
      [one],
      [two],
      [],
    ]);

    const name = fc.constantFrom("a", "b", "ab", "a.b", "b.a");
    const pattern = fc.oneof(name, fc.constantFrom("*", "?", "a*", "*b", "!a", "!?", "a.?", "!*.b"));
    const list = fc.array(pattern, { minLength: 1, maxLength: 3 });
    const line = fc.tuple(list, fc.constantFrom(...keys)).map(([patterns, key]) => `${patterns.join(",")} ${key}`);
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 4 }), name, async (lines, host) => {
        await writeFile(file, lines.join("\n") + "\n");
        const { stdout } = await exec(keygen, ["-F", host, "-f", file], { env });
        const found = stdout
          .split("\n")
          .filter((text) => text && !text.startsWith("#"))
          .map((text) => text.split(" ").slice(1).join(" "));
        expect(new Set(hostKeysFor(lines.join("\n"), host))).toEqual(new Set(found));
      }),
      { numRuns: 40 },
    );
    await writeFile(file, one);
    expect(await run(keygen, ["-l", "-f", file], { env })).toContain(` ${fingerprint(one)} `);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("revoked keys and certification authorities are told", () => {
  expect(knownHost(`@revoked a ${one}\n@cert-authority *.kube.demo ${two}`, "a")).toEqual({
    keys: [],
    revoked: new Set([one]),
    hasAuthority: false,
  });
  expect(knownHost(`@cert-authority *.kube.demo ${two}`, "a.kube.demo")).toEqual({
    keys: [],
    revoked: new Set(),
    hasAuthority: true,
  });
});
