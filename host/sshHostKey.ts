import { createHash } from "node:crypto";
import type { ServerHostKeyAlgorithm } from "ssh2";
import { UserError } from "./errors";

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
    throw new UserError(`"${line.slice(0, 60)}" is not a public host key`, {
      todo: 'give it as ssh-keyscan prints it, without the host\'s name: "ssh-ed25519 AAAA…"',
    });
  }
  return { type, blob };
}

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

/**
 * The host key algorithms to offer: those of the keys that we know, as OpenSSH does, so that a server with keys of several types shows one
 * that can be checked.
 * @throws UserError when no key is of a type that we can check
 */
export function hostKeyAlgorithms(keys: readonly HostKey[]): ServerHostKeyAlgorithm[] {
  const algorithms = [...new Set(keys.flatMap(({ type }) => ALGORITHMS[type] ?? []))];
  if (algorithms.length === 0) {
    const given = keys.map(({ type }) => type).join(", ") || "none";
    throw new UserError(`no host key of a usable type is known (known: ${given})`, {
      todo: `give one of these types: ${Object.keys(ALGORITHMS).join(", ")}`,
    });
  }
  return algorithms;
}
