import { access } from "node:fs/promises";
import { exec, run } from "./exec";
import { UserError } from "../../common/errors";
import type { Log } from "./progress";
import { withProgress } from "./progress";

/** The Debian packages that the lab needs on the machine that it runs on. */
export const hostPackages = [
  // Debian roots: VirtualBox's and the guests'
  "mmdebstrap",
  "debian-archive-keyring",
  // disk images
  "e2fsprogs",
  "fdisk",
  "xz-utils",
  "qemu-utils",
  // networks
  "iproute2",
  "nftables",
  "dnsmasq-base",
  "procps",
  "openssh-client",
  // the apt repository's signature
  "gnupg",
  // what the tests read ISO files with
  "genisoimage",
  "xorriso",
  // what macOS tells of processes with
  "lsof",
] as const;

/**
 * Installs those of the lab's packages that are missing. Without a missing one it changes nothing and asks no mirror.
 * @throws UserError where we are not root, or the machine has no apt
 */
export async function ensurePackages(log: Log): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new UserError("the lab needs root: it makes network namespaces and mounts", {
      hint: "run it as root: sudo npm run lab",
    });
  }
  await access("/usr/bin/apt-get").catch(() => {
    throw new UserError("the lab needs a Debian-like Linux: this machine has no apt-get", {
      hint: "use a Debian or Ubuntu machine",
    });
  });
  const missing = missingPackages(hostPackages, await installedPackages());
  if (missing.length === 0) return;
  await withProgress(`installing ${missing.join(" ")}`, log, async () => {
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    await run("apt-get", ["update", "-q"], { env });
    await run("apt-get", ["install", "-y", "-q", "--no-install-recommends", ...missing], { env });
  });
}

async function installedPackages(): Promise<string> {
  // dpkg-query ends with 1 when it does not know one of the names; what it knows it prints all the same.
  const { stdout } = await exec("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Status}\\n", ...hostPackages]);
  return stdout;
}

/** Those of `wanted` that dpkg-query's listing (`name status` a line) does not call installed. */
export function missingPackages(wanted: readonly string[], listing: string): string[] {
  const installed = new Set(listing.split("\n"));
  return wanted.filter((name) => !installed.has(`${name} installed`));
}
