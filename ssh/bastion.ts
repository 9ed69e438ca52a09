import { connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import pTimeout from "p-timeout";
import type { SshHost } from "./target";
import { connect, type SshConnection } from "./connection";
import type { SshCredentials } from "./credentials";
import { SshError } from "./error";

/** For a bastion's handshake. Its users have deadlines of their own. */
const HANDSHAKE_MS = 60_000;

/**
 * How long a bastion's connection is kept after its last use: polls follow one another closely, and a process must be
 * able to end.
 */
const LINGER_MS = 1_000;

interface SharedConnection {
  connection: SshConnection;
  name: string;
  users: number;
  idle?: NodeJS.Timeout;
}

/**
 * This process's connections to bastions, by all that could make a difference: one that was verified by other keys is
 * another.
 */
const shared = new Map<string, SharedConnection>();

/** A way to a target. */
export interface ForwardedStream {
  /** A direct-tcpip channel (RFC 4254, section 7.2). */
  stream: Duplex;
  /** To be called when the stream is no longer used. */
  release: () => void;
}

/**
 * Opens a stream to a target through its bastion, which resolves the target's name. All streams share one connection to
 * the bastion, which closes a second after the last of them, and is opened again when it has dropped.
 * @throws SshError
 */
export async function throughBastion(
  bastion: SshHost,
  credentials: SshCredentials,
  to: SshHost,
  timeoutMs: number,
): Promise<ForwardedStream> {
  const { connection, name, release } = acquire(bastion, credentials);
  try {
    const forwarding = connection.ready.then(() => forward(connection, name, to));
    const giveUp = () => {
      forwarding.then(
        (stream) => stream.destroy(),
        () => {},
      );
      throw new SshError(
        "unreachable",
        `${name} did not reach ${to.address}:${to.port ?? 22} in ${Math.ceil(timeoutMs / 1000)} s`,
      );
    };
    const stream = await pTimeout(forwarding, { milliseconds: Math.max(1, timeoutMs), fallback: giveUp });
    return { stream, release };
  } catch (error) {
    release();
    throw error;
  }
}

function acquire(bastion: SshHost, credentials: SshCredentials) {
  const port = bastion.port ?? 22;
  const key = JSON.stringify([bastion.address, port, bastion.user, bastion.hostKeys, credentials.id]);
  const entry = shared.get(key) ?? open(key, { ...bastion, port }, credentials);
  clearTimeout(entry.idle);
  entry.users++;
  let released = false;
  const release = () => {
    if (released) return;
    released = true;
    // One that is gone needs no closing, and must not keep the process from ending.
    if (--entry.users === 0 && shared.get(key) === entry)
      entry.idle = setTimeout(() => closeIdle(key, entry), LINGER_MS);
  };
  return { connection: entry.connection, name: entry.name, release };
}

function open(key: string, host: SshHost & { port: number }, credentials: SshCredentials): SharedConnection {
  const name = `the bastion ${host.user}@${host.address}:${host.port}`;
  const socket = connectTcp({ host: host.address, port: host.port, noDelay: true });
  const entry = { name, users: 0, connection: connect({ name, host, credentials, socket, timeoutMs: HANDSHAKE_MS }) };
  shared.set(key, entry);
  entry.connection.gone.addEventListener("abort", () => forget(key, entry));
  return entry;
}

function closeIdle(key: string, entry: SharedConnection): void {
  forget(key, entry);
  entry.connection.close();
}

/** The next user makes a new one. */
function forget(key: string, entry: SharedConnection): void {
  clearTimeout(entry.idle);
  if (shared.get(key) === entry) shared.delete(key);
}

function forward({ client }: SshConnection, name: string, to: SshHost): Promise<Duplex> {
  const port = to.port ?? 22;
  const where = `${to.address}:${port}`;
  return new Promise((resolve, reject) => {
    const failed = (error: Error) =>
      reject(new SshError("unreachable", `${name} could not reach ${where}: ${refusal(error)}`));
    try {
      client.forwardOut("127.0.0.1", 0, to.address, port, (error, channel) =>
        error ? failed(error) : resolve(channel),
      );
    } catch (error) {
      failed(error as Error); // It dropped just now.
    }
  });
}

/** The codes of a refusal that OpenSSH uses (RFC 4254, section 5.1). */
const REFUSALS: Record<string, string> = { 1: "administratively prohibited", 2: "connect failed" };

function refusal({ message, reason }: Error & { reason?: unknown }): string {
  const words = message.replace("(SSH) Channel open failure: ", "");
  return [REFUSALS[String(reason)], words].filter(Boolean).join(": ");
}
