import type { Duplex } from "node:stream";
import { Client } from "ssh2";
import type { SshHost } from "./target";
import { explain, note, type Handshake } from "./failure";
import { hostKeyAlgorithms, parseHostKey } from "./hostKey";
import type { SshCredentials } from "./credentials";

/**
 * A machine that is gone is noticed when so many probes in a row had no answer, so far apart. Emulated guests can be
 * silent for long.
 */
const KEEPALIVE = { keepaliveInterval: 15_000, keepaliveCountMax: 4 };

/** How long the other side has to end a connection that we have ended. */
const CLOSE_MS = 500;

/** How much is kept of what the other side says before it says that it speaks SSH, in bytes: a refusal is one line. */
const MOST_HELLO = 256;

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
  const story: Handshake = { name, host, credentials, offers: [], hello: "" };
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
    .on("handshake", () => (story.isVerified = true))
    .on("error", (error) =>
      error.level === "agent" ? (story.agentError = error.message) : isClosedByPeer(error) ? closed() : lost(error),
    )
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
        story.isKnown = keys.some(({ blob }) => blob.equals(offered));
        return story.isKnown;
      },
      debug: (line) => note(story, line),
    });
  socket.on("data", (data: Buffer) => {
    if (story.hello.length < MOST_HELLO) story.hello += data.toString("latin1", 0, MOST_HELLO);
  });

  const close = () => {
    client.end();
    setTimeout(closed, CLOSE_MS).unref();
  };
  return { client, ready, gone: gone.signal, close };
}

/**
 * What a write meets after the other side has closed; whether the close or the write is told first differs between
 * versions of Node.
 */
const isClosedByPeer = ({ code }: Error & { code?: unknown }) => code === "EPIPE" || code === "ECONNRESET";
