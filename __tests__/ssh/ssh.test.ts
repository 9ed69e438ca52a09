import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AuthContext, Connection, ServerChannel } from "ssh2";
import { fingerprint } from "../../ssh/hostKey";
import type { SshError } from "../../ssh/error";
import { withSession } from "../../ssh/session";
import { end, onExec } from "../support/sshCommands";
import { failure, folder, hostKey, refusal, serve, serveNothing, serveWords, soon, target, userKey } from "../support/sshFixture";
import { freePort, newEcdsaKeyPair, newKeyPair, writeKey } from "../support/sshServer";

const ecdsaHostKey = newEcdsaKeyPair();

describe("a command", () => {
  test("gives its output and exit code, whatever that is", async () => {
    const { port } = await serve();
    const result = await withSession(target(port), soon, (session) => session.exec("exit 3"));
    expect(result).toEqual({ stdout: "said", stderr: "some words", exitCode: 3 });
  });

  test("gets its input, then the end of it; none is an empty one", async () => {
    const { port } = await serve();
    const input = "schlüssel\n".repeat(50_000);
    await withSession(target(port), soon, async (session) => {
      expect(await session.run("cat", { input })).toBe(input.slice(0, -1));
      expect(await session.run("cat")).toBe("");
    });
  });

  test("that must succeed fails with its last words, without its input", async () => {
    const { port } = await serve();
    const error = await failure(withSession(target(port), soon, (session) => session.run("exit 4", { input: "a secret" })));
    expect(error.message).toBe("kube-node01: exit 4 failed with exit code 4\n    some words");
  });

  test("that a signal ended has the exit code that a shell gives", async () => {
    const { port } = await serve();
    expect((await withSession(target(port), soon, (session) => session.exec("killed"))).exitCode).toBe(137);
  });

  test("may print much, but not without end", async () => {
    const { port } = await serve();
    await withSession(target(port), soon, async (session) => {
      expect(await session.run(`print ${1024 * 1024}`)).toHaveLength(1024 * 1024);
      expect((await failure(session.run(`print ${2 * 1024 * 1024}`))).message).toBe("kube-node01: a command printed more than 1024 kB");
      expect(await session.run(`print ${5 * 1024 * 1024}`, { mostOutput: 5 * 1024 * 1024 })).toHaveLength(5 * 1024 * 1024);
      expect((await session.exec(`warn ${5 * 1024 * 1024}`)).stderr).toMatch(/^x{65536,200000}\nthe end$/);
    });
  });

  test("has a deadline, after which the session goes on", async () => {
    const { port } = await serve();
    await withSession(target(port), soon, async (session) => {
      const error = await failure(session.exec("hang", { timeoutMs: 50 }));
      expect([error.kind, error.message]).toEqual(["timeout", "kube-node01: the command did not end within 0.05 s: hang"]);
      expect((await session.exec("exit 0")).exitCode).toBe(0);
    });
  });

  test("without a deadline of its own has the session's", async () => {
    const { port } = await serve();
    const hanging = withSession(target(port), { ...soon, commandTimeoutMs: 60 }, (session) => session.exec("hang"));
    expect((await failure(hanging)).message).toBe("kube-node01: the command did not end within 0.06 s: hang");
  });

  test("during which the connection drops is not run again; the next one gets a new connection", async () => {
    const server = await serve();
    await withSession(target(server.port), soon, async (session) => {
      const error = await failure(session.exec("vanish"));
      expect([error.kind, error.message]).toEqual(["dropped", "the connection to kube-node01 dropped during: vanish\n    the connection was closed"]);
      expect(server.count).toBe(1);
      expect((await session.exec("exit 0")).stdout).toBe("said");
    });
    expect(server.count).toBe(2);
  });

  test.each([
    [3, "said"],
    [4, "dropped"],
  ])("that only looks is repeated up to three times: %i drops", async (drops, outcome) => {
    let left = drops;
    const server = await serve({ onExec: (command, ...rest) => onExec(left-- > 0 ? "vanish" : command, ...rest) });
    const look = withSession(target(server.port), soon, (session) => session.run("exit 0", { looks: true }));
    expect(await look.catch(({ kind }: SshError) => kind)).toBe(outcome);
    expect(server.count).toBe(4);
  });

  test("shares a new connection with all that lost theirs", async () => {
    let begun = 0;
    const server = await serve({ onExec: (command, ...rest) => onExec(++begun < 5 ? "hang" : begun === 5 ? "vanish" : command, ...rest) });
    await withSession(target(server.port), soon, async (session) => {
      const looks = Array.from({ length: 5 }, () => session.run("exit 0", { looks: true }));
      expect(await Promise.all(looks)).toEqual(Array(5).fill("said"));
    });
    expect(server.count).toBe(2);
  });

  test("that looks at a machine which is gone fails as dropped", async () => {
    const server = await serve({ onExec: () => void server.stop() });
    const look = withSession(target(server.port), { ...soon, deadlineMs: 300 }, (session) => session.run("exit 0", { looks: true }));
    expect((await failure(look)).kind).toBe("dropped");
  });

  test("that ended before the connection dropped has ended", async () => {
    const { port } = await serve();
    expect((await withSession(target(port), soon, (session) => session.exec("reboot"))).exitCode).toBe(0);
  });

  test("without an exit code counts as dropped", async () => {
    const { port } = await serve();
    expect((await failure(withSession(target(port), soon, (session) => session.exec("silent")))).kind).toBe("dropped");
  });

  test("waits while eight others run, as sshd allows ten", async () => {
    let held: ServerChannel[] = [];
    const onExec = (_: string, channel: ServerChannel) => {
      held.push(channel);
      if (held.length < 8) return;
      for (const each of held) end(each, 0);
      held = [];
    };
    const server = await serve({ onExec });
    await withSession(target(server.port), soon, (session) => Promise.all(Array.from({ length: 24 }, () => session.run("x"))));
    expect(server.mostCommands).toBe(8);
  });
});

describe("the host key", () => {
  test("must be the one that we know, and nothing is tried twice", async () => {
    const server = await serve({ hostKeys: [newKeyPair()] });
    const error = await refusal(target(server.port));
    expect([error.kind, server.count]).toEqual(["hostKey", 1]);
    expect(error.message).toContain(`expected: ssh-ed25519 ${fingerprint(hostKey.public)}`);
    expect(error.message).toMatch(/offered: ssh-ed25519 SHA256:[\w+/]{43}\n/);
  });

  test("is asked for by the types that we know", async () => {
    const { port } = await serve({ hostKeys: [hostKey, ecdsaHostKey] });
    for (const key of [hostKey, ecdsaHostKey]) {
      expect(await withSession(target(port, { hostKeys: [key.public] }), soon, (session) => session.run("exit 0"))).toBe("said");
    }
  });

  test("of another type than we know is refused", async () => {
    const { port } = await serve({ hostKeys: [ecdsaHostKey] });
    const error = await refusal(target(port));
    expect([error.kind, error.message]).toEqual(["hostKey", expect.stringContaining("has no host key of a type that we know one of")]);
  });

  test.each([
    ["none", [], "no host key of a usable type is known (known: none)"],
    ["one that is none", ["ssh-ed25519 AAAA"], '"ssh-ed25519 AAAA" is not a public host key'],
    ["one with its host's name", ["node ssh-ed25519"], '"node ssh-ed25519" is not a public host key'],
  ])("cannot be %s", async (_, hostKeys, message) => {
    expect((await refusal(target(1, { hostKeys }))).message).toContain(message);
  });
});

describe("our own key", () => {
  test("that is refused is not tried again", async () => {
    const server = await serve({ authorized: newKeyPair().public });
    const error = await refusal(target(server.port));
    expect([error.kind, server.count]).toEqual(["authentication", 1]);
    const key = `${join(folder, "user_key")} (ssh-ed25519 ${fingerprint(userKey.public)})`;
    expect(error.message).toContain(`kube-node01 (debian@127.0.0.1:${server.port}) did not let us in with ${key}`);
  });

  test("must be a file that can be read", async () => {
    const error = await refusal(target(1, { privateKeyFile: join(folder, "none") }));
    expect([error.kind, error.message]).toEqual(["authentication", expect.stringContaining("ENOENT")]);
  });

  test("must be private, and a key", async () => {
    await writeFile(join(folder, "user_key.pub"), userKey.public);
    await writeFile(join(folder, "text"), "text");
    expect((await refusal(target(1, { privateKeyFile: join(folder, "user_key.pub") }))).message).toContain("is a public key");
    expect((await refusal(target(1, { privateKeyFile: join(folder, "text") }))).message).toContain("is not a usable SSH private key");
  });

  test("that is encrypted belongs in an agent", async () => {
    const encrypted = newEcdsaKeyPair("a secret");
    const error = await refusal(target(1, { privateKeyFile: await writeKey(folder, "encrypted", encrypted) }));
    expect([error.kind, error.message]).toEqual(["authentication", expect.stringMatching(/is encrypted[^]*ssh-add/)]);
  });

  test("must be somewhere", async () => {
    const agent = process.env.SSH_AUTH_SOCK;
    delete process.env.SSH_AUTH_SOCK;
    try {
      expect((await refusal(target(1, { privateKeyFile: undefined }))).message).toContain("SSH_AUTH_SOCK names no agent");
    } finally {
      if (agent !== undefined) process.env.SSH_AUTH_SOCK = agent;
    }
  });
});

describe("a machine that boots", () => {
  test("is waited for", async () => {
    const port = await freePort();
    const lines: string[] = [];
    const log = (line: string) => void (lines.push(line) === 1 && void serve({ port }));
    expect(await withSession(target(port), { ...soon, log }, (session) => session.run("exit 0"))).toBe("said");
    const line = /^waiting for SSH on kube-node01, 0 s so far: kube-node01 \(debian@127.*\): connect ECONNREFUSED/;
    expect(lines).toEqual([expect.stringMatching(line)]);
  });

  test("and lets nobody in yet is waited for: pam_nologin says so, and hangs up", async () => {
    let refusals = 2;
    const lines: string[] = [];
    const server = await serve({
      banner: "System is booting up.\r\n",
      onAuthentication: (_, connection) => refusals-- <= 0 || (connection.end(), false),
    });
    const log = (line: string) => void lines.push(line);
    expect(await withSession(target(server.port), { ...soon, log }, (session) => session.run("exit 0"))).toBe("said");
    expect([server.count, lines]).toEqual([3, [expect.stringMatching(/the connection was closed; it said: System is booting up\.$/)]]);
  });

  test.each([
    ["each time", Infinity],
    ["once, and is silent then until the deadline", 1],
  ])("and hangs up %s: the deadline says what was last seen", async (_what, hangUps) => {
    const error = await refusal(target(await serveNothing({ hangUps })), { deadlineMs: 600 });
    expect(error.kind).toBe("unreachable");
    expect(error.message).toMatch(/^kube-node01 gave no SSH session within 0.6 s, at 127.0.0.1:\d+ \(\d attempts\)\n/);
    expect(error.message).toMatch(/\n {4}last seen: .*before handshake\n→ look/);
  });

  test("and answers nothing is given up at the deadline", async () => {
    const mute = await serveNothing();
    const errors = await Promise.all(Array.from({ length: 6 }, () => refusal(target(mute), { deadlineMs: 300 })));
    expect(new Set(errors.map(({ kind }) => kind))).toEqual(new Set(["unreachable"]));
    expect(errors[0]?.message).toContain("last seen: kube-node01 (debian@127.0.0.1:" + mute + "): Timed out while waiting for handshake");
  });

  test("has no more than four handshakes to do at a time", async () => {
    let letGo: (() => void)[] = [];
    const onAuthentication = async ({ method, ...context }: AuthContext) => {
      if (method !== "publickey" || "signature" in context) return true;
      // Nobody gets in before four are at the door.
      const turn = new Promise<void>((resolve) => letGo.push(resolve));
      if (letGo.length === 4) letGo = (letGo.forEach((go) => go()), []);
      await turn;
      return true;
    };
    const server = await serve({ onAuthentication });
    await Promise.all(Array.from({ length: 12 }, () => withSession(target(server.port), soon, (session) => session.run("exit 0"))));
    expect([server.count, server.mostHandshakes]).toEqual([12, 4]);
  });
});

describe("a peer that has not proved who it is", () => {
  test.each(["Too many authentication failures", "x signature verification failed", "Host denied", "Handshake failed: no matching host key format", "All configured authentication methods failed"])(
    "decides nothing by its words: %s",
    async (text) => {
      for (const reason of [2, 14]) {
        const error = await refusal(target(await serveWords("SSH-2.0-x", { reason, text })), { deadlineMs: 300 });
        expect([error.kind, error.message]).toEqual(["unreachable", expect.stringContaining(`it ended the connection: ${text}`)]);
      }
    },
  );

  test("has its words shown without what a terminal obeys", async () => {
    const { message } = await refusal(target(await serveWords("SSH-2.0-x", { reason: 2, text: "\u001b]0;pwned\u0007\rkube-mast01: Ready" })), { deadlineMs: 300 });
    expect(message).toContain("\\u{1b}]0;pwned\\u{7}\\u{d}kube-mast01: Ready");
  });

  test.each(["Not allowed at this time", "Exceeded MaxStartups"])("and sends us away is waited for, and its limits are named: %s", async (line) => {
    const error = await refusal(target(await serveWords(line)), { deadlineMs: 300 });
    expect([error.kind, error.message]).toEqual(["unreachable", expect.stringMatching(new RegExp(`it said: ${line}\n→ its sshd refuses connections .*PerSourcePenalties`))]);
  });
});

test("a machine that proved who it is and ends our authentication has refused it", async () => {
  const onAuthentication = (_: AuthContext, connection: Connection) => ((connection as unknown as { _protocol: { disconnect(reason: number): void } })._protocol.disconnect(2), false);
  const server = await serve({ onAuthentication });
  const error = await refusal(target(server.port));
  expect([error.kind, server.count]).toEqual(["authentication", 1]);
});
