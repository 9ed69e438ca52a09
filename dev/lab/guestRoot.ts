import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cached } from "./cache";
import { cacheKey } from "./cacheKey";
import { makeDebianRoot, mmdebstrapArguments, type DebianRoot } from "./debianRoot";
import { withProgress, type Log } from "./progress";

/** Packages that are not in the root, by what they are for. */
const furtherPackages = {
  /** What a worker installs on its first boot, apart from Kubernetes itself; the baked image has it already. */
  worker: ["containerd", "runc", "containernetworking-plugins", "conntrack", "ethtool", "socat", "bridge-utils"],
  /** What a worker on Docker Engine installs besides. */
  docker: ["docker.io"],
  /** What configures the bare image's network, as it does Ubuntu's. */
  netplan: ["netplan.io"],
} as const;

/** Downloads packages, and what they depend on beside the root, into a folder. */
const download = (folder: string, packages: readonly string[]) => [
  `APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --yes --quiet --download-only install ${packages.join(" ")}`,
  `mkdir "$PACKAGES"/${folder}`,
  `mv "$1"/var/cache/apt/archives/*.deb "$PACKAGES"/${folder}/`,
];

/**
 * Debian trixie: containerd 1.7, Linux 6.12. cloud-init configures systemd-networkd when neither ifupdown nor netplan
 * is there.
 */
const root: DebianRoot = {
  suite: "trixie",
  components: ["main"],
  packages: [
    ...["linux-image-amd64", "initramfs-tools", "zstd", "grub-pc-bin", "grub2-common"],
    ...["systemd-sysv", "dbus", "udev", "kmod", "login", "passwd", "procps", "locales", "tzdata", "sudo"],
    ...["cloud-init", "openssh-server", "ca-certificates", "curl", "gnupg"],
    ...["iproute2", "iputils-ping", "iptables", "nftables"],
  ],
  excludedPaths: ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*"],
  hooks: [
    'rm -f "$1"/var/cache/apt/archives/*.deb',
    ...Object.entries(furtherPackages).flatMap(([folder, packages]) => download(folder, packages)),
    'rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*',
  ],
};

/** A plain Debian, without container runtime and Kubernetes, and what a worker needs besides. */
export interface GuestRoot {
  /**
   * The root directory. It is shared: copy it, or use it as the lower directory of an overlay, but never write to it.
   */
  root: string;
  /** For each of {@link furtherPackages} a directory with their `.deb` files, and those of what they depend on. */
  packages: Record<keyof typeof furtherPackages, string>;
}

/**
 * The Debian root of the workers' images and of the lab's own machines, in the cache; made first when it is missing.
 */
export async function ensureGuestRoot(log: Log): Promise<GuestRoot> {
  const folder = await cached(
    `guest-${cacheKey(...mmdebstrapArguments(root, "", ""))}`,
    (part) => withProgress("installing Debian into a root for the guests", log, () => makeGuestRoot(part)),
    log,
  );
  const packages = (purpose: keyof typeof furtherPackages) => join(folder, "packages", purpose);
  return {
    root: join(folder, "root"),
    packages: { worker: packages("worker"), docker: packages("docker"), netplan: packages("netplan") },
  };
}

async function makeGuestRoot(folder: string): Promise<void> {
  const packages = join(folder, "packages");
  await mkdir(packages);
  await makeDebianRoot(root, join(folder, "root"), { PACKAGES: packages });
}
