import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AuthContext, Connection } from "ssh2";
import { fingerprint } from "../../ssh/hostKey";
import { withSession } from "../../ssh/session";
import { folder, hostKey, refusal, serve, serveWords, soon, target, userKey } from "../support/sshFixture";
import { newEcdsaKeyPair, newKeyPair, writeKey } from "../support/sshServer";

// A machine proves who it is, and then we do.
const ecdsaHostKey = newEcdsaKeyPair();

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
      expect(
        await withSession(target(port, { hostKeys: [key.public] }), soon, (session) => session.run("exit 0")),
      ).toBe("said");
    }
  });

  test("of another type than we know is refused", async () => {
    const { port } = await serve({ hostKeys: [ecdsaHostKey] });
    const error = await refusal(target(port));
    expect([error.kind, error.message]).toEqual([
      "hostKey",
      expect.stringContaining("has no host key of a type that we know one of"),
    ]);
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
    expect((await refusal(target(1, { privateKeyFile: join(folder, "user_key.pub") }))).message).toContain(
      "is a public key",
    );
    expect((await refusal(target(1, { privateKeyFile: join(folder, "text") }))).message).toContain(
      "is not a usable SSH private key",
    );
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
      expect((await refusal(target(1, { privateKeyFile: undefined }))).message).toContain(
        "SSH_AUTH_SOCK names no agent",
      );
    } finally {
      if (agent !== undefined) process.env.SSH_AUTH_SOCK = agent;
    }
  });
});

describe("a peer that has not proved who it is", () => {
  test.each([
    "Too many authentication failures",
    "x signature verification failed",
    "Host denied",
    "Handshake failed: no matching host key format",
    "All configured authentication methods failed",
  ])("decides nothing by its words: %s", async (text) => {
    for (const reason of [2, 14]) {
      const error = await refusal(target(await serveWords("SSH-2.0-x", { reason, text })), { deadlineMs: 300 });
      expect([error.kind, error.message]).toEqual([
        "unreachable",
        expect.stringContaining(`it ended the connection: ${text}`),
      ]);
    }
  });

  test("has its words shown without what a terminal obeys", async () => {
    const { message } = await refusal(
      target(await serveWords("SSH-2.0-x", { reason: 2, text: "\u001b]0;pwned\u0007\rkube-mast01: Ready" })),
      { deadlineMs: 300 },
    );
    expect(message).toContain("\\u{1b}]0;pwned\\u{7}\\u{d}kube-mast01: Ready");
  });

  test.each(["Not allowed at this time", "Exceeded MaxStartups"])(
    "and sends us away is waited for, and its limits are named: %s",
    async (line) => {
      const error = await refusal(target(await serveWords(line)), { deadlineMs: 300 });
      expect([error.kind, error.message]).toEqual([
        "unreachable",
        expect.stringMatching(new RegExp(`it said: ${line}\n→ its sshd refuses connections .*PerSourcePenalties`)),
      ]);
    },
  );
});

test("a machine that proved who it is and ends our authentication has refused it", async () => {
  const onAuthentication = (_: AuthContext, connection: Connection) => (
    (connection as unknown as { _protocol: { disconnect(reason: number): void } })._protocol.disconnect(2),
    false
  );
  const server = await serve({ onAuthentication });
  const error = await refusal(target(server.port));
  expect([error.kind, server.count]).toEqual(["authentication", 1]);
});
