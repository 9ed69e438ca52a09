import * as pulumi from "@pulumi/pulumi";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateHostKey } from "../../../cloudinit/hostKey";
import { readEnvironment } from "../../../config/environment";
import { exec, run } from "../../../dev/lab/exec";
import { VBoxManage } from "../../../virtualbox/vboxManage";
import { configurationOf } from "../../support/configuration";
import { newEcdsaKeyPair } from "../../support/sshServer";

beforeAll(() =>
  pulumi.runtime.setMocks({ newResource: () => ({ id: "", state: {} }), call: () => ({}) }, "vbox-kubeadm", "dev"),
);

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "surroundings-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string, mode = 0o600) => {
  writeFileSync(join(folder, name), content, { mode });
  return join(folder, name);
};
const directory = (name: string) => {
  mkdirSync(join(folder, name));
  return join(folder, name);
};

const ours = generateHostKey();
const machines = ["busybox", "kube-mast01", "kube-mast02", "kube-mast03"];

/** What the program says of its surroundings: its error, or undefined where all is well. */
function output(values: Record<string, unknown>): string | undefined {
  const hostKeys = Object.fromEntries(machines.map((name) => [name, [ours.hostPublicKey]]));
  configurationOf({
    hostKeys,
    sshPrivateKeyFile: file("right", ours.hostPrivateKey),
    sshPublicKey: ours.hostPublicKey,
    ...values,
  });
  try {
    readEnvironment();
    return undefined;
  } catch (error) {
    expect(pulumi.RunError.isInstance(error)).toBe(true);
    return (error as Error).message;
  }
}

test("where all is well, nothing is said", () => expect(output({})).toBeUndefined());

describe("our own key", () => {
  test.each<[string, () => string, RegExp]>([
    [
      "is missing",
      () => join(folder, "none"),
      /the SSH private key .*none cannot be read\n.*ENOENT.*\n→ give sshPrivateKeyFile a file/,
    ],
    [
      "is a directory",
      () => directory("folder"),
      /folder cannot be read\n {4}it is a directory\n→ give sshPrivateKeyFile/,
    ],
    ["is a device", () => "/dev/zero", /zero cannot be read\n {4}it is no regular file\n→ give sshPrivateKeyFile/],
    ["is empty", () => file("empty", ""), /empty is not a usable SSH private key[^]*→ give sshPrivateKeyFile/],
    ["is no key", () => file("text", "text\n"), /text is not a usable SSH private key[^]*→ give sshPrivateKeyFile/],
    [
      "is a public key",
      () => file("id.pub", `${ours.hostPublicKey}\n`),
      /id\.pub is a public key\n→ give sshPrivateKeyFile/,
    ],
    [
      "is encrypted",
      () => file("locked", newEcdsaKeyPair("a").private),
      /locked is encrypted[^]*ssh-add .*locked.* sshPrivateKeyFile to nothing/,
    ],
  ])("%s", (_what, path, message) => expect(output({ sshPrivateKeyFile: path() })).toMatch(message));

  test.each<[string, string | undefined, RegExp]>([
    ["is missing", undefined, /^sshPublicKey: .*right\.pub cannot be read\n[^]*→ make a key pair/],
    ["is empty", "", /^sshPublicKey: .*right\.pub is not the one line of a public key/],
    ["are two", `${ours.hostPublicKey}\n${ours.hostPublicKey}\n`, /^sshPublicKey: .* is not the one line/],
  ])("has a public half that %s", (_what, content, message) => {
    if (content !== undefined) file("right.pub", content);
    expect(output({ sshPublicKey: "" })).toMatch(message);
  });

  test("is nowhere: neither a file nor an agent", () => {
    const agent = process.env.SSH_AUTH_SOCK;
    delete process.env.SSH_AUTH_SOCK;
    try {
      expect(output({ sshPrivateKeyFile: "" })).toMatch(
        /SSH_AUTH_SOCK names no agent\n→ give sshPrivateKeyFile, or start an agent/,
      );
    } finally {
      if (agent !== undefined) process.env.SSH_AUTH_SOCK = agent;
    }
  });

  test("is of no use where nothing joins, and not asked for", () =>
    expect(output({ autostart: false, sshPrivateKeyFile: join(folder, "none") })).toBeUndefined());
});

describe("known_hosts", () => {
  const line = (name: string) => `${name} ${ours.hostPublicKey}\n`;

  test.each<[string, () => string, RegExp]>([
    [
      "is missing",
      () => join(folder, "none"),
      /^no host key of busybox, kube-mast01, kube-mast02, kube-mast03 is known\n {4}busybox: sshKnownHostsFile, .*none, is not there\n[^]*→ .*hostKeys\.busybox/,
    ],
    [
      "is a directory",
      () => directory("folder"),
      /^sshKnownHostsFile: .*folder cannot be read\n {4}it is a directory\n→ give/,
    ],
    ["is endless", () => "/dev/zero", /^sshKnownHostsFile: \/dev\/zero cannot be read\n {4}it is no regular file/],
    [
      "is rubbish",
      () => file("hosts", "busybox ssh-ed25519\n\0\xff busybox\nbusybox ssh-rsa AAAA\n"),
      /sshKnownHostsFile, .*hosts, has no line that can be read for that name/,
    ],
    [
      "is UTF-16, as PowerShell writes it",
      () => file("hosts", Buffer.from(`\ufeff${machines.map(line).join("")}`, "utf16le").toString("latin1")),
      /has no line that can be read/,
    ],
    [
      "lacks a master",
      () => file("hosts", ["busybox", "kube-mast01", "kube-mast03"].map(line).join("")),
      /^no host key of kube-mast02 is known/,
    ],
    [
      "lacks several",
      () => file("hosts", ["busybox", "kube-mast01"].map(line).join("")),
      /^no host key of kube-mast02, kube-mast03 is known\n {4}kube-mast02: sshKnownHostsFile[^]*\n {4}kube-mast03: [^]*\n→ run `npm run doctor -- --fetch-host-keys`, which shows the key of each/,
    ],
  ])("that %s", (_what, path, message) => expect(output({ hostKeys: {}, sshKnownHostsFile: path() })).toMatch(message));

  test("that has a key of a type that nobody can check any more is told by its machine", () => {
    const blob = Buffer.concat([Buffer.from([0, 0, 0, 7]), Buffer.from("ssh-dss"), Buffer.alloc(20)]).toString(
      "base64",
    );
    expect(
      output({
        hostKeys: {},
        sshKnownHostsFile: file("hosts", `busybox ssh-dss ${blob}\n${machines.slice(1).map(line).join("")}`),
      }),
    ).toMatch(/^no host key of a usable type is known of busybox \(known: ssh-dss\)/);
  });

  test("that is in order is enough", () =>
    expect(output({ hostKeys: {}, sshKnownHostsFile: file("hosts", machines.map(line).join("")) })).toBeUndefined());
});

describe.each(["userData", "metaData", "networkConfig"])("a template of one's own, %s,", (key) => {
  const bomb = [
    "a0: &a0 [x,x,x,x,x,x,x,x,x]",
    ..."12345678".split("").map(
      (n) =>
        `a${n}: &a${n} [${Array(9)
          .fill(`*a${Number(n) - 1}`)
          .join(",")}]`,
    ),
  ].join("\n");

  test.each<[string, () => string, RegExp]>([
    ["is missing", () => join(folder, "none.yaml"), /cannot be read\n {4}ENOENT.*\n→ give the path of a YAML file/],
    ["is a directory", () => directory("folder"), /cannot be read\n {4}it is a directory/],
    ["is endless", () => "/dev/zero", /cannot be read\n {4}it is no regular file/],
    ["is not YAML", () => file("t.yaml", "a: ["), /is not YAML/],
    ["is binary", () => file("t.yaml", "\0\x01\x02"), /is not YAML/],
    ["is nested without end", () => file("t.yaml", "[".repeat(100_000)), /is not YAML\n.*maxDepth/],
    [
      "is a bomb of aliases",
      () => file("t.yaml", bomb),
      /has more than 100000 values when its aliases are written out/,
    ],
    ["holds itself", () => file("t.yaml", "a: &a [*a]"), /has more than 100000 values|is not YAML/],
    ["is no map", () => file("t.yaml", "- a"), /is not a YAML map\n→/],
    ["is empty", () => file("t.yaml", ""), /is not a YAML map|is not YAML/],
  ])("%s", (_what, path, message) => {
    const error = output({ [key]: path() })!;
    expect(error).toMatch(new RegExp(`^${key}: the template /`));
    expect(error).toMatch(message);
    expect(error).toMatch(/^(?:\P{Cc}|\n){1,1500}$/u);
  });
});

test("all that is missing is told at once, the host keys as one", () => {
  const error = output({
    hostKeys: {},
    sshKnownHostsFile: join(folder, "hosts"),
    sshPrivateKeyFile: join(folder, "key"),
    sshPublicKey: "",
    userData: join(folder, "u"),
    networkConfig: join(folder, "n"),
  })!;
  expect(error).toMatch(/^5 things on this machine are missing or wrong\n/);
  for (const what of [
    /userData: the template .* cannot be read/,
    /networkConfig: the template .* cannot be read/,
    /the SSH private key .*key cannot be read/,
    /sshPublicKey: .*key\.pub cannot be read/,
    /no host key of busybox, kube-mast01, kube-mast02, kube-mast03 is known/,
  ])
    expect(error).toMatch(what);
  expect(error).toContain("or give hostKeys.busybox, hostKeys.kube-mast01, hostKeys.kube-mast02, hostKeys.kube-mast03");
  expect(error.match(/→/g)).toHaveLength(6);
});

describe("VBoxManage", () => {
  const program = (script: string, mode = 0o755) => file("VBoxManage", `#!/bin/sh\n${script}\n`, mode);
  const checked = (path: string) => {
    const log: string[] = [];
    return new VBoxManage(path, exec).checkVersion((line) => void log.push(line)).then(() => log);
  };

  test.each<[string, () => string, RegExp]>([
    [
      "is missing",
      () => join(folder, "none"),
      /none is not installed, or not on PATH\n→ install VirtualBox, or give `vboxManage` the path/,
    ],
    [
      "may not be run",
      () => program("", 0o644),
      /could not be run: [^]*EACCES[^]*→ install VirtualBox, or give `vboxManage`/,
    ],
    ["is a directory", () => directory("folder"), /could not be run: [^]*EACCES[^]*`vboxManage`/],
    [
      "is too old",
      () => program("echo 6.0.24r139119"),
      /^VirtualBox 6\.0\.24r139119 is too old\n→ install VirtualBox 6\.1 or later, or give `vboxManage`/,
    ],
    [
      "is something else",
      () => program("echo hello"),
      /gave no version\n {4}hello\n→ check that `vboxManage` is VirtualBox's/,
    ],
    [
      "is something that talks a lot",
      () => program("head -c 1000000 /dev/zero | tr '\\0' x"),
      /^VBoxManage --version gave no version\n {4}…\n→/,
    ],
  ])("that %s is told by its key", async (_what, path, message) => {
    await expect(checked(path())).rejects.toThrow(message);
  });

  test("that is newer than any that is known is warned about, and used", async () => {
    expect(
      await checked(program('[ "$1" = --version ] && echo 9.0.0r1 || echo "Default machine folder: /vms"')),
    ).toEqual([expect.stringMatching(/^VirtualBox 9\.0\.0r1 is newer than any that this program was tried with/)]);
  });
});

describe("the ISO's folder", () => {
  /**
   * Writes an ISO of a megabyte with a file system of its own mounted on the folder; what it said, and what is left
   * there.
   */
  async function written(mount: string, path: string): Promise<{ error: string; left: string }> {
    const code = `require("./cloudinit/isoFile").writeIso(process.argv[1], require("./cloudinit/iso9660/image").isoImage("cidata", { "user-data": "x".repeat(1e6) })).catch((error) => console.log(error.name, error.message))`;
    const script =
      'mount -t tmpfs -o "$1" tmpfs "$2" && shift && node --require tsx/cjs --eval "$3" "$2"; echo "left:"; find "$1" -mindepth 1';
    const output = await run("unshare", ["--mount", "sh", "-c", script, "sh", mount, folder, path, code]);
    const [error = "", left = ""] = output.split("left:");
    return { error, left: left.trim() };
  }

  test.each([
    ["full", "size=64k", "kube/dev/n1-cidata.iso", "ENOSPC"],
    ["read-only", "ro,mode=0700", "n1-cidata.iso", "EROFS"],
  ])("that is on a %s disk is told, and nothing of the file is left", async (_what, mount, name, code) => {
    const path = join(folder, name);
    const { error, left } = await written(mount, path);
    expect(error).toMatch(
      new RegExp(
        `^UserError the ISO ${path} could not be written\n {4}${code}.*\n→ make room there, or give another \`isoFolder\``,
      ),
    );
    expect(left).toBe("");
    expect(existsSync(path)).toBe(false);
  });

  test("that has room has the file, and no other", async () => {
    const path = join(folder, "kube/dev/n1-cidata.iso");
    expect(await written("size=4m", path)).toEqual({
      error: "",
      left: [join(folder, "kube"), join(folder, "kube/dev"), path].join("\n"),
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});
