import type { Duplex } from "node:stream";
import { Client } from "ssh2";
import type { SshHost } from "./ssh";
import { describeKey, hostKeyAlgorithms, parseHostKey } from "./sshHostKey";
import type { SshCredentials } from "./sshCredentials";
import { SshError } from "./sshError";

/** A machine that is gone is noticed when so many probes in a row had no answer, so far apart. Emulated guests can be silent for long. */
const KEEPALIVE = { keepaliveInterval: 15_000, keepaliveCountMax: 4 };

/** How long the other side has to end a connection that we have ended. */
const CLOSE_MS = 500;

/** A connection to one sshd. */
export interface SshConnection {
  client: Client;
  /** Resolves when we are signed in; rejects with an SshError. */
  ready: Promise<void>;
  /** Aborted as soon as the connection ends, whoever ended it; its reason is the Error that tells why. */
  gone: AbortSignal;
  /** Ends it, open or not; it holds the process no longer than half a second. */
  close(): void;
}

/** Whom and how to connect. */
export interface ConnectOptions {
  /** For messages: "kube-node01 (debian@192.168.2.130:22)". */
  name: string;
  host: SshHost;
  credentials: SshCredentials;
  /** The way to it: a TCP socket, or a channel of the bastion's connection. It is closed with the connection. */
  socket: Duplex;
  /** For the whole handshake, until signed in. */
  timeoutMs: number;
}

/** Begins a connection, and verifies the host's key: one attempt. There must be a usable host key to expect. */
export function connect({ name, host, credentials, socket, timeoutMs }: ConnectOptions): SshConnection {
  const keys = host.hostKeys.map(parseHostKey);
  const client = new Client();
  const gone = new AbortController();
  const story: Story = { name, host, credentials };
  const lost = (error: Error) => {
    gone.abort(error);
    socket.destroy();
  };
  const closed = () => lost(new Error("the connection was closed"));

  const ready = new Promise<void>((resolve, reject) => {
    client.on("ready", resolve);
    gone.signal.addEventListener("abort", () => reject(explain(gone.signal.reason as Error, story)), { once: true });
  });
  ready.catch(() => {}); // Nobody may be waiting any more.

  client
    .on("banner", (text) => (story.banner = text.trim()))
    .on("error", (error) => (error.level === "agent" ? (story.agentError = error.message) : isClosedByPeer(error) ? closed() : lost(error)))
    .on("end", closed)
    .on("close", closed)
    .connect({
      ...credentials.config,
      ...KEEPALIVE,
      sock: socket,
      username: host.user,
      readyTimeout: Math.max(1, timeoutMs),
      algorithms: { serverHostKey: hostKeyAlgorithms(keys) },
      hostVerifier: (offered: Buffer) => {
        story.offered = offered;
        return keys.some(({ blob }) => blob.equals(offered));
      },
    });

  const close = () => {
    client.end();
    setTimeout(closed, CLOSE_MS).unref();
  };
  return { client, ready, gone: gone.signal, close };
}

/** What a write meets after the other side has closed; whether the close or the write is told first differs between versions of Node. */
const isClosedByPeer = ({ code }: Error & { code?: unknown }) => code === "EPIPE" || code === "ECONNRESET";

/** What was seen of a handshake. */
interface Story {
  name: string;
  host: SshHost;
  credentials: SshCredentials;
  offered?: Buffer;
  banner?: string;
  agentError?: string;
}

/** What a failed handshake means. */
function explain(error: Error & { level?: string; code?: unknown }, story: Story): SshError {
  const message = error.message || String(error.code);
  if (/^Host denied|signature verification failed/.test(message)) return wrongKey(message, story);
  if (/no matching host key format/.test(message)) return noSuchKey(story);
  if (error.level === "client-authentication" || /Too many authentication failures/i.test(message)) return refused(message, story);
  const banner = story.banner && `; it said: ${story.banner}`;
  return new SshError("unreachable", `${story.name}: ${message}${banner ?? ""}`, { cause: error });
}

const expected = ({ host }: Story) => `expected: ${host.hostKeys.map((key) => describeKey(parseHostKey(key).blob)).join(", ")}`;

const compare =
  "if the machine was built anew, give its new key: read it on its console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), " +
  "not over the network. If it was not, something else answers at this address";

function wrongKey(message: string, story: Story): SshError {
  const offered = story.offered ? describeKey(story.offered) : "none";
  return new SshError("hostKey", `${story.name} did not prove that it is the machine we know: ${message}`, {
    said: `offered: ${offered}\n${expected(story)}`,
    todo: compare,
  });
}

function noSuchKey(story: Story): SshError {
  return new SshError("hostKey", `${story.name} has no host key of a type that we know one of`, { said: expected(story), todo: compare });
}

function refused(message: string, { name, host, credentials, agentError }: Story): SshError {
  return new SshError("authentication", `${name} did not let us in with ${credentials.shown}`, {
    said: [agentError, message].filter(Boolean).join("\n"),
    todo: `put the key's public half into ~${host.user}/.ssh/authorized_keys there, or give the key that it knows`,
  });
}
