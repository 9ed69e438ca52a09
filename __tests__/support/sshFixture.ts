import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../common/errors";
import type { OpenOptions } from "../../ssh/open";
import type { SshError } from "../../ssh/error";
import type { SshTarget } from "../../ssh/target";
import { withSession } from "../../ssh/session";
import { onExec } from "./sshCommands";
import { newKeyPair, type SshServer, type SshServerOptions, startSshServer, writeKey } from "./sshServer";

/** The host key that {@link target} expects, and that {@link serve} has unless told otherwise. */
export const hostKey = newKeyPair();

/** The key that we sign in with. */
export const userKey = newKeyPair();

/** A folder for one test file. */
export let folder: string;
let privateKeyFile: string;
const servers: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ssh-"));
  privateKeyFile = await writeKey(folder, "user_key", userKey);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

/** A server that is stopped after the test. */
export async function serve(options: Partial<SshServerOptions> = {}): Promise<SshServer> {
  const server = await startSshServer({ hostKeys: [hostKey], authorized: userKey.public, onExec, ...options });
  servers.push(server);
  return server;
}

/** The port of a machine that takes connections and says nothing. The first few it ends at once, as many as wanted. */
export async function serveNothing({ hangUps = 0 } = {}): Promise<number> {
  let left = hangUps;
  const server = createServer((socket) => {
    socket.resume().on("error", () => {});
    if (left-- > 0) socket.end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = async () => {
    server.close();
    await once(server, "close");
  };
  servers.push({ stop });
  return (server.address() as AddressInfo).port;
}

/**
 * The port of a peer that says a line, and then, where a reason is given, disconnects with it and some words, before it
 * has proved who it is.
 */
export async function serveWords(line: string, words?: { reason: number; text: string }): Promise<number> {
  const server = createServer((socket) => {
    socket.resume().on("error", () => {});
    socket.end(
      Buffer.concat([Buffer.from(`${line}\r\n`), words ? disconnect(words.reason, words.text) : Buffer.alloc(0)]),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push({ stop: () => new Promise((resolve) => server.close(() => resolve())) });
  return (server.address() as AddressInfo).port;
}

/** SSH_MSG_DISCONNECT in a packet without encryption (RFC 4253, sections 6 and 11.1). */
function disconnect(reason: number, text: string): Buffer {
  const words = Buffer.from(text);
  const payload = Buffer.alloc(13 + words.length);
  payload[0] = 1;
  payload.writeUInt32BE(reason, 1);
  payload.writeUInt32BE(words.copy(payload, 9), 5);
  const padding = 12 - ((payload.length + 9) % 8);
  const packet = Buffer.alloc(5 + payload.length + padding);
  packet.writeUInt32BE(packet.length - 4);
  packet[4] = padding;
  payload.copy(packet, 5);
  return packet;
}

/** A machine of ours. */
export const target = (port: number, more: Partial<SshTarget> = {}): SshTarget => ({
  address: "127.0.0.1",
  port,
  user: "debian",
  hostKeys: [hostKey.public],
  privateKeyFile,
  ...more,
});

/** Long enough for whatever is to succeed. */
export const soon: OpenOptions = { deadlineMs: 10_000, what: "kube-node01" };

/** The error that some work fails with. */
export async function failure(work: Promise<unknown>): Promise<SshError> {
  const error: unknown = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(UserError);
  return error as SshError;
}

/** The error of a session that is not to be had. */
export const refusal = (wanted: SshTarget, options: Partial<OpenOptions> = {}) =>
  failure(withSession(wanted, { ...soon, ...options }, () => Promise.resolve()));
