import { connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import { Client } from "ssh2";
import type { SshHost } from "./target";
import { throughBastion } from "./bastion";
import type { SshCredentials } from "./credentials";
import { explain, note, type Handshake } from "./failure";
import { algorithmsFrom, type HostKey, parseHostKey, typeOf } from "./hostKey";

/** How to look at a machine's host key. */
export interface OfferOptions {
  /** For errors: "kube-mast01". */
  what: string;
  /**
   * Its keys that are known, each "ssh-ed25519 AAAA…": their types are asked for first, as OpenSSH does, then any
   * other.
   */
  known: readonly string[];
  /** For all of it, in milliseconds. */
  timeoutMs: number;
  /** What stands between, whose own host key is known, and how to sign in there. Default: nothing. */
  through?: { bastion: SshHost; credentials: SshCredentials };
}

/**
 * The host key that a machine offers, and has proved to hold. The connection ends with the key exchange: who we are is
 * not said, and no credential is sent.
 * @throws SshError where it shows none
 */
export async function offeredHostKey(
  host: Omit<SshHost, "hostKeys">,
  { what, known, timeoutMs, through }: OfferOptions,
): Promise<HostKey> {
  const end = performance.now() + timeoutMs;
  const { stream, release } = through
    ? await throughBastion(through.bastion, through.credentials, { ...host, hostKeys: [] }, timeoutMs)
    : { stream: connectTcp({ host: host.address, port: host.port ?? 22, noDelay: true }), release: () => {} };
  try {
    return await keyExchange(
      stream,
      `${what} (${host.address}:${host.port ?? 22})`,
      host,
      known,
      Math.max(1, end - performance.now()),
    );
  } finally {
    stream.destroy();
    release();
  }
}

/**
 * ssh2 checks the signature over the exchange after its verifier has agreed, and before it says that the handshake is
 * over.
 */
function keyExchange(
  stream: Duplex,
  name: string,
  host: Omit<SshHost, "hostKeys">,
  known: readonly string[],
  timeoutMs: number,
): Promise<HostKey> {
  const client = new Client();
  const nobody: SshCredentials = { id: "nobody", shown: "no key", config: {} };
  const story: Handshake = { name, host: { ...host, hostKeys: [] }, credentials: nobody, offers: [], hello: "" };
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(explain(error, story));
    client
      .on("handshake", () => {
        const blob = story.offered!;
        resolve({ type: typeOf(blob)!, blob });
        stream.destroy(); // Before the client asks to sign in.
      })
      .on("error", failed)
      .on("close", () => failed(new Error("the connection was closed")))
      .connect({
        sock: stream,
        username: host.user,
        authHandler: () => false,
        readyTimeout: timeoutMs,
        algorithms: { serverHostKey: algorithmsFrom(known.map(parseHostKey)) },
        hostVerifier: (offered: Buffer) => {
          story.offered = offered;
          return true;
        },
        debug: (line) => note(story, line),
      });
  });
}
