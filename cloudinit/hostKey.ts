import { generateKeyPairSync, randomBytes } from "node:crypto";
import { utils } from "ssh2";

/** An SSH server's key. */
export interface HostKey {
  /** In OpenSSH's own format. */
  hostPrivateKey: string;
  /** `ssh-ed25519 AAAA…`, without a comment. */
  hostPublicKey: string;
}

/**
 * Makes a new Ed25519 key. (ssh2 has a generator too, but one in 256 of its keys cannot be loaded by OpenSSH.)
 *
 * Sources: OpenSSH's PROTOCOL.key for the private key's format; RFC 8709, section 4, for the public key's.
 */
export function generateHostKey(): HostKey {
  const jwk = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  const [seed, point] = [jwk.d!, jwk.x!].map((number) => Buffer.from(number, "base64url")) as [Buffer, Buffer];
  const publicKey = Buffer.concat([string(type), string(point)]);
  const check = randomBytes(4); // twice: whoever decrypts the key compares them
  const secrets = Buffer.concat([check, check, publicKey, string(Buffer.concat([seed, point])), string("")]);
  const padding = Buffer.from(Array.from({ length: -secrets.length & 7 }, (_, index) => index + 1));
  const none = [string("none"), string("none"), string("")]; // cipher, key derivation and its options
  const one = Buffer.from([0, 0, 0, 1]);
  const key = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    ...none,
    one,
    string(publicKey),
    string(Buffer.concat([secrets, padding])),
  ]);
  return { hostPrivateKey: armoured(key), hostPublicKey: `${type} ${publicKey.toString("base64")}` };
}

/** The host key in a machine's cloud-init content: the private key whose public one is there too. */
export function hostKeyIn(text: string): HostKey | undefined {
  const keys = [...text.matchAll(PRIVATE_KEY)].map(([key]) => `${key.replace(/^[ \t]+/gm, "")}\n`);
  return keys.map(pairOf).find((pair) => pair && text.includes(pair.hostPublicKey));
}

function pairOf(hostPrivateKey: string): HostKey | undefined {
  const key = utils.parseKey(hostPrivateKey);
  if (key instanceof Error || key.type !== type) return undefined;
  return { hostPrivateKey, hostPublicKey: `${type} ${key.getPublicSSH().toString("base64")}` };
}

const type = "ssh-ed25519";

/** A string of the SSH protocol: its length, and its bytes (RFC 4251, section 5). */
function string(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

const armoured = (key: Buffer) =>
  `${border("BEGIN")}\n${key.toString("base64").replace(/.{1,70}/g, "$&\n")}${border("END")}\n`;

const border = (edge: "BEGIN" | "END") => `-----${edge} OPENSSH PRIVATE KEY-----`;

const PRIVATE_KEY = new RegExp(`${border("BEGIN")}\\n[A-Za-z0-9+/=\\s]{1,2000}${border("END")}`, "g");
