import { createHash } from "node:crypto";
import type { ServerHostKeyAlgorithm } from "ssh2";
import { UserError } from "../common/errors";
import { quoteValue } from "../common/quoteValue";

/** A public host key. */
export interface HostKey {
  /** Its type's name (RFC 4253, section 6.6), such as `ssh-ed25519`. */
  type: string;
  /** The key as it goes over the wire. */
  blob: Buffer;
}

/** The signature algorithms that each type of key can answer with; RSA with SHA-2 only (RFC 8332). */
const ALGORITHMS: Record<string, ServerHostKeyAlgorithm[]> = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"],
};

/**
 * Reads a public key as OpenSSH writes it: type, base64, and perhaps a comment.
 * @throws UserError when it is not one
 */
export function parseHostKey(line: string): HostKey {
  const [type = "", base64 = ""] = line.trim().split(/\s+/);
  const blob = Buffer.from(base64, "base64");
  if (type === "" || typeOf(blob) !== type) {
    throw new UserError(`${quoteValue(line)} is not a public host key`, {
      hint: 'give it as ssh-keyscan prints it, without the host\'s name: "ssh-ed25519 AAAA…"',
    });
  }
  return { type, blob };
}

/**
 * Whether a line is a public key as OpenSSH writes it into a `.pub` file: type, base64, and perhaps a comment, without
 * options before it. The type is said again in the key.
 */
export function isPublicKey(line: string): boolean {
  const [, type, base64] = /^([a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})( [ -~]*)?$/.exec(line) ?? [];
  return line.length <= MOST_CHARACTERS && base64 !== undefined && typeOf(Buffer.from(base64, "base64")) === type;
}

/** An RSA key of 16384 bits, the longest that OpenSSH makes, has 2,800. */
const MOST_CHARACTERS = 8192;

/** The type that a key says it has: the string that its wire format begins with (RFC 4253, section 6.6). */
export function typeOf(blob: Buffer): string | undefined {
  if (blob.length < 4 || blob.length < 4 + blob.readUInt32BE(0)) return undefined;
  return blob.toString("latin1", 4, 4 + blob.readUInt32BE(0));
}

/** A key's fingerprint as `ssh-keygen -l` shows it: `SHA256:…`. */
export function fingerprint(key: string | Buffer): string {
  const blob = typeof key === "string" ? parseHostKey(key).blob : key;
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** Type and fingerprint, for an error. */
export const describeKey = (blob: Buffer): string => `${typeOf(blob) ?? "unknown type"} ${fingerprint(blob)}`;

/** All host key algorithms that we can check, best first, but before them those of keys that are known. */
export const algorithmsFrom = (known: readonly HostKey[]): ServerHostKeyAlgorithm[] => [
  ...new Set([...known.flatMap(({ type }) => ALGORITHMS[type] ?? []), ...Object.values(ALGORITHMS).flat()]),
];

/** A key as known_hosts and `hostKeys` have it: type and base64. */
export const keyText = ({ type, blob }: HostKey): string => `${type} ${blob.toString("base64")}`;

/**
 * The host key algorithms to offer: those of the keys that we know, as OpenSSH does, so that a server with keys of
 * several types shows one that can be checked.
 * @param machine whose they are, for the error
 * @throws UserError when no key is of a type that we can check
 */
export function hostKeyAlgorithms(keys: readonly HostKey[], machine?: string): ServerHostKeyAlgorithm[] {
  const algorithms = [...new Set(keys.flatMap(({ type }) => ALGORITHMS[type] ?? []))];
  if (algorithms.length === 0) {
    const given = keys.map(({ type }) => type).join(", ") || "none";
    throw new UserError(
      `no host key of a usable type is known${machine === undefined ? "" : ` of ${machine}`} (known: ${given})`,
      {
        hint: `give one of these types: ${Object.keys(ALGORITHMS).join(", ")}`,
      },
    );
  }
  return algorithms;
}
