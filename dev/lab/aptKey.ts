import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./exec";
import { cached } from "./cache";
import type { Log } from "./progress";

/** The key that signs the lab's apt repository: made at run time, kept in the cache, and of no use anywhere else. */
export interface AptKey {
  /** GnuPG's home, with the private key. */
  home: string;
  /** 40 hexadecimal digits. */
  fingerprint: string;
  /** The public key in binary form, as files under /usr/share/keyrings have it. */
  binary: string;
  /** The public key in text form, as repositories serve it. */
  armored: string;
}

/** The signing key; made first when it is missing. */
export async function ensureAptKey(log: Log): Promise<AptKey> {
  const home = await cached("apt-key", makeKey, log);
  const listing = await gpg(home, ["--with-colons", "--list-keys"]);
  return {
    home,
    fingerprint: primaryFingerprint(listing),
    binary: join(home, "lab.gpg"),
    armored: join(home, "lab.asc"),
  };
}

async function makeKey(part: string): Promise<void> {
  await chmod(part, 0o700); // or gpg warns
  await gpg(part, ["--passphrase", "", "--quick-generate-key", "vbox-kubeadm lab", "ed25519", "sign", "never"]);
  await gpg(part, ["--output", join(part, "lab.gpg"), "--export"]);
  await gpg(part, ["--output", join(part, "lab.asc"), "--armor", "--export"]);
  await endAgents(part);
}

/**
 * The fingerprint of the one primary key in a listing of `gpg --with-colons --list-keys` (format: GnuPG's doc/DETAILS).
 */
export function primaryFingerprint(listing: string): string {
  const lines = listing.split("\n").map((line) => line.split(":"));
  const primary = lines.findIndex(([type]) => type === "pub");
  const fingerprint = lines.slice(primary).find(([type]) => type === "fpr")?.[9];
  if (primary < 0 || !fingerprint) throw new Error("gpg lists no key");
  return fingerprint;
}

/** Writes the signed form of a Release file: InRelease. */
export async function clearSign(key: AptKey, release: string, file: string): Promise<void> {
  await writeFile(file, `${await gpg(key.home, ["--clear-sign"], release)}\n`);
  await endAgents(key.home);
}

/** gpg starts an agent by itself, which would stay. */
const endAgents = (home: string) => run("gpgconf", ["--homedir", home, "--kill", "all"]);

const gpg = (home: string, args: readonly string[], input?: string) =>
  run("gpg", ["--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", ...args], { input });
