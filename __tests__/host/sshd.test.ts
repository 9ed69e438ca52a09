import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { exec, run } from "../../lab/exec";
import { type SshTarget, withSession } from "../../host/ssh";
import { openSsh } from "../support/openssh";
import { freePort, newEcdsaKeyPair, newKeyPair, writeKey } from "../support/sshServer";
import { type Sshd, startSshd } from "../support/sshd";

const soon = { deadlineMs: 10_000, what: "a real sshd" };
let folder: string;
let sshd: Sshd;
let target: SshTarget;
let through: SshTarget;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sshd-"));
  const [hostKey, otherHostKey, userKey] = [newKeyPair(), newEcdsaKeyPair(), newKeyPair()];
  const hostKeyFiles = [await writeKey(folder, "ed25519_key", hostKey), await writeKey(folder, "ecdsa_key", otherHostKey)];
  const privateKeyFile = await writeKey(folder, "user_key", userKey);
  const port = await freePort();
  sshd = await startSshd({ folder, port, hostKeyFiles, authorizedKeys: userKey.public });
  target = { address: "localhost", port, user: userInfo().username, hostKeys: [otherHostKey.public], privateKeyFile };
  through = { ...target, hostKeys: [hostKey.public], bastion: target };
}, 60_000);

afterAll(async () => {
  await sshd?.stop();
  await rm(folder, { recursive: true });
});

test("commands run, straight and through a bastion", async () => {
  for (const machine of [target, through]) {
    const result = await withSession(machine, soon, (session) => session.exec("cat; echo err >&2; exit 3", { input: "in" }));
    expect(result).toEqual({ stdout: "in", stderr: "err", exitCode: 3 });
  }
});

test("more commands and sessions at once than sshd allows by itself", async () => {
  const sessions = Array.from({ length: 12 }, () => withSession(through, soon, (session) => session.run("echo x")));
  expect(await Promise.all(sessions)).toEqual(Array.from({ length: 12 }, () => "x"));
  const commands = await withSession(target, soon, (session) => Promise.all(Array.from({ length: 15 }, () => session.run("echo x"))));
  expect(commands).toHaveLength(15);
});

test("much goes in and out", async () => {
  const input = "0123456789abcdef".repeat(256 * 1024);
  expect(await withSession(through, soon, (session) => session.run("cat", { input }))).toBe(input);
});

test("a signal, and a session that is killed in the middle", async () => {
  await withSession(through, soon, async (session) => {
    expect((await session.exec("kill -TERM $$")).exitCode).toBe(143);
    await expect(session.exec("kill -KILL $PPID; sleep 20")).rejects.toMatchObject({ kind: "dropped" });
  });
});

test("an agent's key signs in", async () => {
  const { program, env } = await openSsh();
  const started = await run(program("usr/bin/ssh-agent"), ["-s", "-a", join(folder, "agent")], { env });
  const [, pid = ""] = /SSH_AGENT_PID=(\d+)/.exec(started) ?? [];
  const before = process.env.SSH_AUTH_SOCK;
  process.env.SSH_AUTH_SOCK = join(folder, "agent");
  try {
    const { privateKeyFile = "", ...byAgent } = through;
    await expect(withSession(byAgent, soon, () => Promise.resolve())).rejects.toMatchObject({ kind: "authentication" });
    await exec(program("usr/bin/ssh-add"), [privateKeyFile], { env });
    expect(await withSession(byAgent, soon, (session) => session.run("echo in"))).toBe("in");
  } finally {
    if (before === undefined) delete process.env.SSH_AUTH_SOCK;
    else process.env.SSH_AUTH_SOCK = before;
    process.kill(Number(pid));
  }
});

test("a name that the bastion does not know, and a port where nothing is, are waited for", async () => {
  const options = { ...soon, deadlineMs: 400 };
  const message = expect.stringMatching(/\([2-9] attempts\)[^]*: connect failed: /) as string;
  for (const nowhere of [{ address: "no-such-name.invalid" }, { port: await freePort() }]) {
    const waiting = withSession({ ...through, ...nowhere }, options, () => Promise.resolve());
    await expect(waiting).rejects.toMatchObject({ kind: "unreachable", message });
  }
});
