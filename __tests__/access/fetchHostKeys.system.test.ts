import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { Finding } from "../../common/finding";
import { fetchHostKeys, type HostKeyPlan } from "../../access/fetchHostKeys";
import { fingerprint } from "../../ssh/hostKey";
import { hostKeysFor } from "../../ssh/knownHosts";
import { readKnownHosts } from "../../ssh/knownHostsFile";
import { atTerminal } from "../../common/terminal";
import { run } from "../../dev/lab/exec";
import { openSsh } from "../support/openssh";
import { freePort, newEcdsaKeyPair, newKeyPair, type SshServer, startSshServer, writeKey } from "../support/sshServer";
import { type Sshd, startSshd } from "../support/sshd";

/** A real bastion, and behind it a real master; the user's known_hosts is new for each test. */
let folder: string;
let file: string;
let bastion: Sshd;
let master: Sshd;
let privateKeyFile: string;
const servers: (Sshd | SshServer)[] = [];
const [bastionKey, otherBastionKey, masterKey, userKey] = [newKeyPair(), newEcdsaKeyPair(), newKeyPair(), newKeyPair()];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fetch-"));
  privateKeyFile = await writeKey(folder, "user_key", userKey);
  const sshd = async (name: string, ...keys: { private: string; public: string }[]) => {
    const own = join(folder, name);
    await mkdir(own);
    const hostKeyFiles = await Promise.all(keys.map((key, i) => writeKey(own, `key${i}`, key)));
    return startSshd({ folder: own, port: await freePort(), hostKeyFiles, authorizedKeys: userKey.public });
  };
  [bastion, master] = [await sshd("bastion", otherBastionKey, bastionKey), await sshd("master", masterKey)];
  servers.push(bastion, master);
}, 60_000);
afterAll(async () => {
  for (const server of servers) await server.stop();
  rmSync(folder, { recursive: true });
});
let count = 0;
beforeEach(() => (file = join(folder, `home${count++}`, ".ssh", "known_hosts")));

const user = userInfo().username;
const planOf = (more: Partial<HostKeyPlan> = {}): HostKeyPlan => ({
  bastion: { address: "localhost", port: bastion.port, user, hostKeys: [] },
  masters: [{ address: "127.0.0.1", port: master.port, user, hostKeys: [], privateKeyFile }],
  routes: [],
  vboxManage: "VBoxManage",
  files: () => [readKnownHosts(file)],
  pinned: () => undefined,
  ...more,
});

/** Fetches with these answers, and none after them; what was asked and found. */
async function fetched(
  answers: (string | (() => string))[],
  more: Partial<HostKeyPlan> = {},
  routes = { list: () => Promise.resolve([]), addByHand: () => "sudo ip route add …" },
) {
  const [questions, found]: [string[], Finding[]] = [[], []];
  const left = [...answers];
  const ask = (question: string) => {
    questions.push(question);
    const answer = left.shift() ?? "";
    return Promise.resolve(typeof answer === "string" ? answer : answer());
  };
  await fetchHostKeys(planOf(more), { show: (one) => void found.push(one), ask }, { routes });
  return { questions, found, told: found.map(({ is, what }) => `${is}: ${what}`) };
}

const text = () => readKnownHosts(file).text;
const write = async (content: string) => {
  await mkdir(join(file, ".."), { recursive: true });
  writeFileSync(file, content);
};
const bare = ({ public: key }: { public: string }) => key.split(" ", 2).join(" ");
const entry = (name: string, port: number, key: { public: string }) => `[${name}]:${port} ${bare(key)}\n`;
const both = () => entry("localhost", bastion.port, bastionKey) + entry("127.0.0.1", master.port, masterKey);

test("the bastion's key, and through it the master's, are shown as on the console, and added after a yes, once", async () => {
  const { questions, told } = await fetched(["yes", fingerprint(bare(masterKey))]);
  expect(questions).toEqual([
    expect.stringMatching(
      new RegExp(
        `^\\? localhost \\(localhost:${bastion.port}\\) {2}ED25519 {2}SHA256:\\S+\n.*\`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key\\.pub\`.* own console\\.\n.*to be added to ${file}\\?`,
      ),
    ),
    expect.stringMatching(
      new RegExp(`^\\? 127\\.0\\.0\\.1 \\(127\\.0\\.0\\.1:${master.port}\\) {2}ED25519 {2}SHA256:`),
    ),
  ]);
  expect(told).toEqual([
    `right: the host key of localhost is in ${file} now`,
    `right: the host key of 127.0.0.1 is in ${file} now`,
  ]);
  expect(text()).toBe(both());
  expect([statSync(file).mode & 0o777, statSync(join(file, "..")).mode & 0o777]).toEqual([0o600, 0o700]);
  const { program, env } = await openSsh();
  const [, shown] = (await run(program("usr/bin/ssh-keygen"), ["-lf", join(file)], { env })).split("\n");
  expect(questions[1]).toContain(shown!.split(" ")[1]);

  const again = await fetched([]);
  expect(again.told).toEqual([
    expect.stringMatching(/^right: localhost has the host key that is known: ED25519 /),
    expect.stringMatching(/^right: 127\.0\.0\.1 has/),
  ]);
  expect(text()).toBe(both());
});

test("without a yes nothing is written, and nothing is asked of the masters", async () => {
  for (const answers of [["no"], [], ["y", "maybe", fingerprint(bare(masterKey)), "no"]]) {
    const { questions, told } = await fetched(answers);
    expect(questions).toHaveLength(Math.max(1, answers.length));
    expect(told).toEqual([
      "wrong: the host key of localhost was not added",
      "later: the masters 127.0.0.1: they are reached through the bastion",
    ]);
  }
  expect(() => statSync(file)).toThrow("ENOENT");
});

test("nobody is told who we are before his key is known", async () => {
  const asked: string[] = [];
  const serve = async (name: string, names = {}) => {
    const server = await startSshServer({
      hostKeys: [bastionKey],
      authorized: userKey.public,
      names,
      onAuthentication: () => (asked.push(name), true),
    });
    servers.push(server);
    return server;
  };
  const hidden = await serve("master");
  const open = await serve("bastion", { "kube-mast01:22": hidden.port });
  const hosts = {
    bastion: { ...planOf().bastion, port: open.port },
    masters: [{ ...planOf().masters[0]!, address: "kube-mast01", port: undefined }],
  };
  await fetched(["no"], hosts);
  expect(asked).toEqual([]);
  const { told } = await fetched(["yes", "no"], hosts);
  expect(told[1]).toBe("wrong: the host key of kube-mast01 was not added");
  expect([...new Set(asked)]).toEqual(["bastion"]);
  expect(hidden.count).toBe(1);
});

test("a machine that does not answer is told, and the others are gone on with", async () => {
  const [first] = planOf().masters;
  const { found } = await fetched(["yes", "yes"], {
    masters: [{ ...first!, port: await freePort() }, { ...first!, address: "no-such-name.invalid" }, first!],
  });
  expect(found.map(({ is }) => is)).toEqual(["right", "wrong", "wrong", "right"]);
  expect(found[1]).toMatchObject({
    what: expect.stringMatching(/^the bastion \S+ could not reach 127\.0\.0\.1:\d+: connect failed/),
    hint: expect.stringContaining("console"),
  });
  expect(text()).toBe(both());
});

test("a bastion that does not answer is told with the routes that are not there yet", async () => {
  const routes = [{ destination: "192.168.4.0/27", gateway: "192.168.4.30", interface: "vboxnet0" }];
  const { found, questions } = await fetched([], { routes, bastion: { ...planOf().bastion, port: await freePort() } });
  expect(questions).toEqual([]);
  expect(found.map(({ is }) => is)).toEqual(["wrong", "warning", "later"]);
  expect(found[0]!.what).toMatch(/^localhost \(localhost:\d+\): .*ECONNREFUSED/);
  expect(found[1]).toMatchObject({
    what: "there is no route to 192.168.4.0/27 on this host yet",
    hint: expect.stringContaining("sudo ip route add"),
  });
});

test("a key that has changed is never overwritten, nor added to: the error names its line", async () => {
  await write(`# mine\n${entry("localhost", bastion.port, newKeyPair())}`);
  const before = text();
  const { found, questions } = await fetched(["yes", "yes"]);
  expect(questions).toEqual([]);
  expect(found[0]).toMatchObject({
    is: "wrong",
    what: expect.stringMatching(/^localhost has another host key than the one that is known: ED25519 {2}SHA256:/),
    output: `known: ${file}:2`,
    hint: expect.stringContaining(`ssh-keygen -R '[localhost]:${bastion.port}' -f ${file}`),
  });
  expect(found[1]!.is).toBe("later");
  expect(text()).toBe(before);
  const pinned = await fetched(["yes"], { pinned: () => [newKeyPair().public] });
  expect(pinned.found[0]).toMatchObject({
    is: "wrong",
    output: "known: hostKeys.localhost",
    hint: expect.stringContaining("correct hostKeys.localhost"),
  });
});

test("a revoked key is never added", async () => {
  await write(`@revoked * ${bare(bastionKey)}\n`);
  const { found, questions } = await fetched(["yes"]);
  expect(questions).toEqual([]);
  expect(found[0]).toMatchObject({
    is: "wrong",
    what: expect.stringMatching(/^the host key that localhost offers is revoked: ED25519/),
    output: `by ${file}:1`,
  });
  expect(text()).toBe(`@revoked * ${bare(bastionKey)}\n`);
});

test("the type of a key that is known is asked for, as OpenSSH does", async () => {
  await write(entry("localhost", bastion.port, otherBastionKey));
  const { told } = await fetched(["yes"]);
  expect(told).toEqual([
    expect.stringMatching(/^right: localhost has the host key that is known: ECDSA {2}SHA256:/),
    expect.stringMatching(/^right: the host key of 127/),
  ]);
});

test("a file that hashes its names has them hashed, keeps its mode and its link, and gets its last line ended", async () => {
  const { program, env } = await openSsh();
  await write(entry("localhost", bastion.port, bastionKey));
  await run(program("usr/bin/ssh-keygen"), ["-H", "-f", file], { env });
  const real = `${file}-real`;
  writeFileSync(real, readFileSync(file, "utf8").trimEnd(), { mode: 0o644 });
  rmSync(file);
  symlinkSync(real, file);
  const { told } = await fetched(["yes"]);
  expect(told).toEqual([
    expect.stringMatching(/^right: localhost has/),
    `right: the host key of 127.0.0.1 is in ${file} now`,
  ]);
  expect(readFileSync(real, "utf8")).toMatch(/^\|1\|\S+ ssh-ed25519 \S+\n\|1\|\S+ ssh-ed25519 \S+\n$/);
  expect(hostKeysFor(text(), "127.0.0.1", master.port)).toEqual([bare(masterKey)]);
  expect(await run(program("usr/bin/ssh-keygen"), ["-F", `[127.0.0.1]:${master.port}`, "-f", real], { env })).toContain(
    bare(masterKey),
  );
  expect(statSync(real).mode & 0o777).toBe(0o644);
});

test("what somebody wrote into the file while the question stood counts", async () => {
  await write("");
  const other = entry("localhost", bastion.port, newKeyPair());
  const { told } = await fetched([() => (writeFileSync(file, other), "yes")]);
  expect(told[0]).toMatch(/^wrong: localhost has another host key than the one that is known/);
  expect(text()).toBe(other);
  writeFileSync(file, "");
  const same = await fetched([() => (writeFileSync(file, entry("localhost", bastion.port, bastionKey)), "yes"), "no"]);
  expect(same.told[0]).toMatch(/^right: localhost has the host key that is known/);
  expect(text()).toBe(entry("localhost", bastion.port, bastionKey));
});

test("a key that is known for the name without the port is enough, and one that differs there does not stand in the way", async () => {
  await write(`localhost ${bare(bastionKey)}\n127.0.0.1 ${bare(newKeyPair())}\n`);
  const before = text();
  const { told } = await fetched(["yes"]);
  expect(told).toEqual([
    expect.stringMatching(/^right: localhost has the host key that is known/),
    `right: the host key of 127.0.0.1 is in ${file} now`,
  ]);
  expect(text()).toBe(before + entry("127.0.0.1", master.port, masterKey));
});

test("a file that cannot be written is told, and the masters are not asked", async () => {
  const { found } = await fetched(["yes"], { files: () => [{ path: "/dev/null", text: "" }] });
  expect(found[0]).toMatchObject({
    is: "wrong",
    what: "the host key of localhost could not be added to /dev/null, which is as it was",
    output: "it is no regular file",
  });
  expect(found[1]!.is).toBe("later");
});

test("a pipe's answer is none", async () => {
  const use = jest.fn();
  await expect(atTerminal("run it in a terminal", use)).rejects.toThrow(
    "there is a question to answer, and this is no terminal\n→ run it in a terminal",
  );
  expect(use).not.toHaveBeenCalled();
});
