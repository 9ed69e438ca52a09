import { createHmac, randomBytes } from "node:crypto";
import { typeOf } from "./hostKey";

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
 * What the text of known_hosts files says of a machine. Plain, hashed and wildcard entries count; lines that cannot be
 * read do not.
 * @param port as in OpenSSH (sshconnect.c, `check_host_key`), a port other than 22 is looked up as `[address]:port`,
 * and where that is not known at all as the address alone; a key that is revoked under either name is revoked
 */
export function knownHost(knownHosts: string, address: string, port = 22): KnownHost {
  const plain = entriesFor(knownHosts, address);
  if (port === 22) return factsOf(plain, plain);
  const ported = entriesFor(knownHosts, knownHostsName(address, port));
  const isNew = !ported.some(({ marker }) => marker !== "@revoked");
  return factsOf(isNew ? plain : ported, [...plain, ...ported]);
}

/** The name of a machine in known_hosts, and in `hostKeys`: with a port other than 22 it is `[address]:port`. */
export const knownHostsName = (address: string, port = 22): string => (port === 22 ? address : `[${address}]:${port}`);

/** The {@link KnownHost.keys} of a machine. */
export const hostKeysFor = (knownHosts: string, address: string, port?: number): string[] =>
  knownHost(knownHosts, address, port).keys;

/** What a line of known_hosts says of a machine. */
export interface Entry {
  /** Counted from 1. */
  line: number;
  /** `@revoked`, `@cert-authority`, or another. */
  marker?: string;
  /** "type base64". */
  key: string;
}

function factsOf(entries: readonly Entry[], all: readonly Entry[]): KnownHost {
  const revoked = new Set(all.filter(({ marker }) => marker === "@revoked").map(({ key }) => key));
  const keys = new Set(
    entries.filter(({ marker, key }) => marker === undefined && !revoked.has(key)).map(({ key }) => key),
  );
  return { keys: [...keys], revoked, hasAuthority: entries.some(({ marker }) => marker === "@cert-authority") };
}

/** What the lines of known_hosts say of a machine by exactly this name. */
export function entriesFor(knownHosts: string, name: string): Entry[] {
  const host = name.toLowerCase();
  return knownHosts.split("\n").flatMap((text, index) => {
    const [, marker, patterns = "", type = "", base64 = ""] = LINE.exec(text) ?? [];
    return typeOf(Buffer.from(base64, "base64")) === type && matches(patterns, host)
      ? [{ line: index + 1, marker, key: `${type} ${base64}` }]
      : [];
  });
}

/**
 * A line for a key of a machine. Where a file hashes all of its names, as with `HashKnownHosts` in ssh_config(5), this
 * one is hashed too.
 */
export function newLine(knownHosts: string, name: string, key: string): string {
  const names = knownHosts.split("\n").flatMap((text) => LINE.exec(text)?.[2] ?? []);
  const isHashed = names.length > 0 && names.every((patterns) => patterns.startsWith("|"));
  return `${isHashed ? hashed(name.toLowerCase()) : name} ${key}`;
}

function hashed(name: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString("base64")}|${hashOf(name, salt)}`;
}

/**
 * Whether a host is in a comma-separated list of patterns: one must match, and none of those with an exclamation mark.
 */
function matches(patterns: string, host: string): boolean {
  const list = patterns.split(",");
  if (list.some((pattern) => pattern.startsWith("!") && matchesOne(pattern.slice(1), host))) return false;
  return list.some((pattern) => matchesOne(pattern, host));
}

function matchesOne(pattern: string, host: string): boolean {
  if (pattern.startsWith("|")) return matchesHash(pattern, host);
  const expression = pattern
    .toLowerCase()
    .replace(/[^\w*?]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${expression}$`).test(host);
}

/** `|1|salt|hash`: an HMAC-SHA1 of the host's name, keyed with the salt, both in base64. */
function matchesHash(pattern: string, host: string): boolean {
  const [, magic, salt = "", hash] = pattern.split("|");
  return magic === "1" && hashOf(host, Buffer.from(salt, "base64")) === hash;
}

const hashOf = (host: string, salt: Buffer) => createHmac("sha1", salt).update(host).digest("base64");
