import { createHmac } from "node:crypto";
import { typeOf } from "./sshHostKey";

export { fingerprint } from "./sshHostKey";

/** A line of known_hosts: `[@marker] patterns type base64 [comment]` (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). */
const LINE = /^\s*(?:(@\S+)\s+)?([^\s#@]\S*)\s+([a-z]\S*)\s+([A-Za-z0-9+/]+=*)(?:\s|$)/;

/** What known_hosts files say of a machine. */
export interface KnownHost {
  /** Its keys, each as "type base64"; a revoked one is never among them. */
  keys: string[];
  /** Keys that must not be believed, from wherever they come. */
  revoked: ReadonlySet<string>;
  /** A certification authority vouches for it: a certificate of its key would do, and is nothing that we can check. */
  hasAuthority: boolean;
}

/**
 * What the text of known_hosts files says of a machine. Plain, hashed and wildcard entries count; lines that cannot be read do not.
 * @param port as in OpenSSH (sshconnect.c, `check_host_key`), a port other than 22 is looked up as `[address]:port`, and where that is not known
 * at all as the address alone; a key that is revoked under either name is revoked
 */
export function knownHost(knownHosts: string, address: string, port = 22): KnownHost {
  const plain = entriesFor(knownHosts, address);
  if (port === 22) return factsOf(plain, plain);
  const ported = entriesFor(knownHosts, `[${address}]:${port}`);
  const isNew = !ported.some(({ marker }) => marker !== "@revoked");
  return factsOf(isNew ? plain : ported, [...plain, ...ported]);
}

/** The {@link KnownHost.keys} of a machine. */
export const hostKeysFor = (knownHosts: string, address: string, port?: number): string[] => knownHost(knownHosts, address, port).keys;

interface Entry {
  marker?: string;
  key: string;
}

function factsOf(entries: readonly Entry[], all: readonly Entry[]): KnownHost {
  const revoked = new Set(all.filter(({ marker }) => marker === "@revoked").map(({ key }) => key));
  const keys = new Set(entries.filter(({ marker, key }) => marker === undefined && !revoked.has(key)).map(({ key }) => key));
  return { keys: [...keys], revoked, hasAuthority: entries.some(({ marker }) => marker === "@cert-authority") };
}

function entriesFor(knownHosts: string, name: string): Entry[] {
  const host = name.toLowerCase();
  return knownHosts.split("\n").flatMap((line) => {
    const [, marker, patterns = "", type = "", base64 = ""] = LINE.exec(line) ?? [];
    return typeOf(Buffer.from(base64, "base64")) === type && matches(patterns, host) ? [{ marker, key: `${type} ${base64}` }] : [];
  });
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
