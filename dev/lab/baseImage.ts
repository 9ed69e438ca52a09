import { readdirSync, readFileSync } from "node:fs";
import { appendFile, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { run } from "./exec";
import { type AptKey, ensureAptKey } from "./aptKey";
import { ensureBinaries } from "./binaries";
import { makeBootableDisk } from "./bootableDisk";
import { cached } from "./cache";
import { cacheKey } from "./cacheKey";
import { ensureContainerImages } from "./containerImages";
import { ensureGuestRoot } from "./guestRoot";
import { withProgress, type Log } from "./progress";
import { versions } from "./versions";

/**
 * `baked`: with container runtime, Kubernetes and the container images, so that a worker's first boot installs nothing;
 * systemd-networkd alone configures its network. `bare`: without runtime and Kubernetes; the container images wait for
 * the runtime to be installed. Its network is netplan's, as Ubuntu's is.
 */
export type ImageKind = "baked" | "bare";

/** What the images are made of, beside packages and programs. */
const guestDir = join(__dirname, "guest");

/** The size of the disk that the guest sees, in MB; the image file is sparse. */
const diskSizeMb = 8192;

/**
 * The workers' disk image in the cache, bootable and with cloud-init waiting for its ISO; made first when it is
 * missing.
 * @returns the VDI file. It is shared: machines get a copy
 */
export async function ensureBaseImage(kind: ImageKind, log: Log): Promise<string> {
  const guest = await ensureGuestRoot(log);
  const programs = await ensureBinaries(["kubernetes"], log);
  const images = await ensureContainerImages(guest.root, log);
  const aptKey = await ensureAptKey(log);
  const key = cacheKey(
    kind,
    guest.root,
    basename(programs.kubernetes),
    basename(images),
    aptKey.fingerprint,
    ...sources(),
  );
  const make = async (part: string) => {
    const root = join(part, "root");
    await run("cp", ["-a", "--reflink=auto", guest.root, root]);
    await addFiles(kind, root, programs.kubernetes);
    if (kind === "bare") await trust(aptKey, root);
    await mkdir(join(root, "lab"));
    await cp(images, join(root, "lab/images"), { recursive: true });
    await cp(kind === "baked" ? guest.packages.worker : guest.packages.netplan, join(root, "lab/packages"), {
      recursive: true,
    });
    await customise(kind, root);
    await rm(join(root, "lab"), { recursive: true });
    await makeBootableDisk(root, join(part, "base.vdi"), diskSizeMb);
    await rm(root, { recursive: true });
  };
  const folder = await cached(
    `image-${kind}-${key}`,
    (part) => withProgress(`making the ${kind} base image`, log, () => make(part)),
    log,
  );
  return join(folder, "base.vdi");
}

/** The contents of every file that decides over the image. */
function sources(): Buffer[] {
  const files = readdirSync(guestDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return [...paths, join(__dirname, "bootableDisk.ts"), __filename].map((path) => readFileSync(path));
}

async function addFiles(kind: ImageKind, root: string, kubernetes: string): Promise<void> {
  for (const part of ["image", kind])
    await run("cp", ["-a", "--no-preserve=ownership", `${join(guestDir, part)}/.`, root]);
  if (kind === "bare") return;
  for (const program of ["kubeadm", "kubelet", "kubectl"])
    await cp(join(kubernetes, program), join(root, "usr/bin", program));
  const configuration = join(root, "etc/containerd/config.toml");
  await writeFile(configuration, (await readFile(configuration, "utf8")).replace("@PAUSE@", versions.pause));
}

/** The lab's mirror stands in for the distribution's own, so its key must be one of the distribution's. */
async function trust(key: AptKey, root: string): Promise<void> {
  await appendFile(join(root, "usr/share/keyrings/debian-archive-keyring.gpg"), await readFile(key.binary));
}

/**
 * Runs the steps of `guest/` that need the guest's own programs, in namespaces that end with them: nothing stays
 * mounted or running.
 */
async function customise(kind: ImageKind, root: string): Promise<void> {
  await run(join(guestDir, "trim-modules.sh"), [root]);
  for (const file of ["customise.sh", "masked-units", "masked-generators"])
    await cp(join(guestDir, file), join(root, "lab", file));
  const mounts =
    "mount -t proc proc $0/proc; mount -t sysfs sys $0/sys; mount --rbind /dev $0/dev; mount -t tmpfs run $0/run";
  const script = `${mounts}; exec chroot "$0" /lab/customise.sh "$1"`;
  await run("unshare", ["--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", script, root, kind]);
}
