import { createHmac } from "node:crypto";
import { typeOf } from "./sshHostKey";

export { fingerprint } from "./sshHostKey";

/** A line of known_hosts: `[@marker] patterns type base64 [comment]` (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). */
const LINE = /^\s*(?:(@\S+)\s+)?([^\s#@]\S*)\s+([a-z]\S*)\s+([A-Za-z0-9+/]+=*)(?:\s|$)/;

/**
 * The host keys that a known_hosts file holds for a machine, each as "type base64". Plain, hashed and wildcard entries count; lines of
 * certificate authorities and lines that cannot be read do not; a revoked key never does.
 * @param knownHosts the file's text
 * @param port as OpenSSH does it, entries of ports other than 22 are looked up as `[address]:port` only
 */
export function hostKeysFor(knownHosts: string, address: string, port = 22): string[] {
  const host = (port === 22 ? address : `[${address}]:${port}`).toLowerCase();
  const known = new Set<string>();
  const revoked = new Set<string>();
  for (const line of knownHosts.split("\n")) {
    const [, marker, patterns = "", type = "", base64 = ""] = LINE.exec(line) ?? [];
    if (typeOf(Buffer.from(base64, "base64")) !== type || !matches(patterns, host)) continue;
    if (marker === undefined) known.add(`${type} ${base64}`);
    if (marker === "@revoked") revoked.add(`${type} ${base64}`);
  }
  return [...known].filter((key) => !revoked.has(key));
}

/** Whether a host is in a comma-separated list of patterns: one must match, and none of those with an exclamation mark. */
function matches(patterns: string, host: string): boolean {
  const list = patterns.split(",");
  if (list.some((pattern) => pattern.startsWith("!") && matchesOne(pattern.slice(1), host))) return false;
  return list.some((pattern) => matchesOne(pattern, host));
}

function matchesOne(pattern: string, host: string): boolean {
  if (pattern.startsWith("|")) return matchesHash(pattern, host);
  const expression = pattern.toLowerCase().replace(/[^\w*?]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${expression}$`).test(host);
}

/** `|1|salt|hash`: an HMAC-SHA1 of the host's name, keyed with the salt, both in base64. */
function matchesHash(pattern: string, host: string): boolean {
  const [, magic, salt = "", hash] = pattern.split("|");
  return magic === "1" && createHmac("sha1", Buffer.from(salt, "base64")).update(host).digest("base64") === hash;
}
