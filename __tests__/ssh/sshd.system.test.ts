import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { exec, run } from "../../dev/lab/exec";
import type { SshError } from "../../ssh/error";
import type { SshTarget } from "../../ssh/target";
import { withSession } from "../../ssh/session";
import { openSsh } from "../support/openssh";
import { freePort, newEcdsaKeyPair, newKeyPair, writeKey } from "../support/sshServer";
import { type Sshd, startSshd } from "../support/sshd";

const soon = { deadlineMs: 10_000, what: "a real sshd" };
let folder: string;
let sshd: Sshd;
let target: SshTarget;
let through: SshTarget;
let publicKey: string;
let another: (more: string[], use: (target: SshTarget) => Promise<void>) => Promise<void>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sshd-"));
  const [hostKey, otherHostKey, userKey] = [newKeyPair(), newEcdsaKeyPair(), newKeyPair()];
  const hostKeyFiles = [
    await writeKey(folder, "ed25519_key", hostKey),
    await writeKey(folder, "ecdsa_key", otherHostKey),
  ];
  const privateKeyFile = await writeKey(folder, "user_key", userKey);
  const port = await freePort();
  sshd = await startSshd({ folder, port, hostKeyFiles, authorizedKeys: userKey.public });
  target = { address: "localhost", port, user: userInfo().username, hostKeys: [otherHostKey.public], privateKeyFile };
  publicKey = userKey.public;
  another = async (more, use) => {
    const port = await freePort();
    const server = await startSshd({
      folder: await mkdtemp(join(folder, "sshd-")),
      port,
      hostKeyFiles,
      authorizedKeys: userKey.public,
      more,
    });
    await use({ ...target, port }).finally(() => server.stop());
  };
  through = { ...target, hostKeys: [hostKey.public], bastion: target };
}, 60_000);

afterAll(async () => {
  await sshd?.stop();
  await rm(folder, { recursive: true });
});

test("commands run, straight and through a bastion", async () => {
  for (const machine of [target, through]) {
    const result = await withSession(machine, soon, (session) =>
      session.exec("cat; echo err >&2; exit 3", { input: "in" }),
    );
    expect(result).toEqual({ stdout: "in", stderr: "err", exitCode: 3 });
  }
});

test("more commands and sessions at once than sshd allows by itself", async () => {
  const sessions = Array.from({ length: 12 }, () => withSession(through, soon, (session) => session.run("echo x")));
  expect(await Promise.all(sessions)).toEqual(Array.from({ length: 12 }, () => "x"));
  const commands = await withSession(target, soon, (session) =>
    Promise.all(Array.from({ length: 15 }, () => session.run("echo x"))),
  );
  expect(commands).toHaveLength(15);
});

test("much goes in and out", async () => {
  const input = "0123456789abcdef".repeat(256 * 1024);
  expect(await withSession(through, soon, (session) => session.run("cat", { input, mostOutput: input.length }))).toBe(
    input,
  );
});

test("a signal, and a session that is killed in the middle", async () => {
  await withSession(through, soon, async (session) => {
    expect((await session.exec("kill -TERM $$")).exitCode).toBe(143);
    await expect(session.exec("kill -KILL $PPID; sleep 20")).rejects.toMatchObject({ kind: "dropped" });
  });
});

test("an agent's key signs in, also after six others where it is named", async () => {
  const { program, env } = await openSsh();
  const started = await run(program("usr/bin/ssh-agent"), ["-s", "-a", join(folder, "agent")], { env });
  const [, pid = ""] = /SSH_AGENT_PID=(\d+)/.exec(started) ?? [];
  const before = process.env.SSH_AUTH_SOCK;
  process.env.SSH_AUTH_SOCK = join(folder, "agent");
  try {
    const { privateKeyFile = "", ...byAgent } = through;
    await expect(withSession(byAgent, soon, () => Promise.resolve())).rejects.toMatchObject({ kind: "authentication" });
    const others = [];
    for (let i = 0; i < 6; i++) others.push(await writeKey(folder, `other_${i}`, newKeyPair()));
    await exec(program("usr/bin/ssh-add"), others, { env });
    const named = { ...byAgent, publicKey };
    await expect(withSession(named, soon, () => Promise.resolve())).rejects.toThrow(
      /the key SHA256:\S+ of the agent at \S+\n {4}the agent has 6 keys, and not this one: add it with ssh-add/,
    );
    await exec(program("usr/bin/ssh-add"), [privateKeyFile], { env });
    expect(await withSession(named, soon, (session) => session.run("echo in"))).toBe("in");
    await expect(withSession(byAgent, soon, () => Promise.resolve())).rejects.toMatchObject({ kind: "authentication" });
    await exec(program("usr/bin/ssh-add"), ["-d", ...others], { env });
    expect(await withSession(byAgent, soon, (session) => session.run("echo in"))).toBe("in");
  } finally {
    if (before === undefined) delete process.env.SSH_AUTH_SOCK;
    else process.env.SSH_AUTH_SOCK = before;
    process.kill(Number(pid));
  }
});

test("a name that the bastion does not know, and a port where nothing is, are waited for", async () => {
  const options = { ...soon, deadlineMs: 1_500 };
  const message = expect.stringMatching(/\(([2-9]|\d\d) attempts\)[^]*: connect failed: /) as string;
  for (const nowhere of [{ address: "no-such-name.invalid" }, { port: await freePort() }]) {
    const waiting = withSession({ ...through, ...nowhere }, options, () => Promise.resolve());
    await expect(waiting).rejects.toMatchObject({ kind: "unreachable", message });
  }
});

const refusal = (target: SshTarget) =>
  withSession(target, soon, () => Promise.resolve()).then(
    () => undefined,
    (error: SshError) => error,
  );

test.each([
  [
    "KexAlgorithms sntrup761x25519-sha512",
    /no matching key exchange algorithm\n {4}this program: KEX method: curve25519\S*, .*\n {4}the machine: {2}KEX method: sntrup761x25519-sha512\b.*\n→ allow one/,
  ],
  [
    "Ciphers aes128-cbc",
    /no matching C->S cipher\n {4}this program: C->S cipher: .*aes128-gcm.*\n {4}the machine: {2}C->S cipher: aes128-cbc\n/,
  ],
])("a machine with nothing in common is refused at once, with both sides' algorithms: %s", async (line, message) => {
  await another([line], async (target) => {
    expect(await refusal(target)).toMatchObject({ kind: "incompatible", message: expect.stringMatching(message) });
    expect(await refusal({ ...target, bastion: target })).toMatchObject({
      kind: "incompatible",
      message: expect.stringMatching(/^the bastion /),
    });
  });
});

test("a second factor, and a user whom the machine does not want, are told apart from a key that it does not know", async () => {
  await another(
    ["KbdInteractiveAuthentication yes", "AuthenticationMethods publickey,keyboard-interactive"],
    async (target) => {
      expect(await refusal(target)).toMatchObject({
        kind: "authentication",
        message: expect.stringMatching(
          /user_key \(ssh-ed25519 \S+\) alone\n[^]*keyboard-interactive\n→ have its sshd take a key and nothing more/,
        ),
      });
    },
  );
  await another(["AllowUsers nobody-else"], async (target) => {
    expect(await refusal(target)).toMatchObject({
      kind: "authentication",
      message: expect.stringMatching(/AllowUsers or AllowGroups without/),
    });
  });
});

test("what the login shell prints is no answer, on neither output; nor what it prints at its end", async () => {
  const startUp = join(folder, "startUp");
  await writeFile(startUp, "echo Welcome; echo -n Welcome >&2; trap 'echo Goodbye' EXIT\n");
  await another([`SetEnv BASH_ENV=${startUp}`], async (target) => {
    const greeted = await exec("bash", ["-c", "echo x"], { env: { BASH_ENV: startUp } });
    expect(greeted.stdout).toBe("Welcome\nx\nGoodbye");
    const result = await withSession(target, soon, (session) =>
      session.exec("cat; echo '{}' >&2; exit 3", { input: "it's\nin" }),
    );
    expect(result).toEqual({ stdout: "it's\nin", stderr: "{}", exitCode: 3 });
  });
});

test("a login shell that runs nothing is named", async () => {
  await another(["ForceCommand echo This account is not available; exit 1"], async (target) => {
    await expect(withSession(target, soon, (session) => session.exec("true"))).rejects.toThrow(
      /^the login shell on a real sshd ran no command, and ended with exit code 1\n {4}This account is not available\n→ give the user an ordinary shell/,
    );
  });
});
