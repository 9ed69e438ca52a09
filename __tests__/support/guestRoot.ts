import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ExecResult } from "../../common/exec";
import { exec } from "../../dev/lab/exec";
import { ensureGuestRoot } from "../../dev/lab/guestRoot";

/**
 * Mounts a throw-away layer over the root, in namespaces of its own without a network, and runs a shell script in it.
 */
const enter = `
set -eu
root=$1 work=$2 script=$3
mount -t tmpfs tmpfs "$work/layer"
mkdir "$work/layer/upper" "$work/layer/work" "$work/layer/root"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$work/layer/upper,workdir=$work/layer/work" "$work/layer/root"
mount -t proc proc "$work/layer/root/proc"
mount --rbind /dev "$work/layer/root/dev"
mount -t tmpfs tmpfs "$work/layer/root/run"
cp -a "$work/files/." "$work/layer/root/"
exec chroot "$work/layer/root" /bin/sh -euc "$script"
`;

/** How a script's machine differs from the lab's plain Debian without a network. */
export interface Guest {
  /** An unpacked root that is laid over it: further programs. */
  layer?: string;
  /** A network namespace, by the name that `ip netns` knows. */
  namespace?: string;
}

/**
 * Runs a shell script in the lab's plain Debian, which stays as it is.
 * @param files what to put into it before: absolute path → content; those in a `bin` or `sbin` are programs
 */
export async function inGuest(
  script: string,
  files: Readonly<Record<string, string>> = {},
  guest: Guest = {},
): Promise<ExecResult> {
  const { root } = await ensureGuestRoot(() => undefined);
  const work = await mkdtemp(join(tmpdir(), "guest-"));
  try {
    await mkdir(join(work, "layer"));
    await mkdir(join(work, "files"));
    for (const [path, content] of Object.entries(files)) {
      const file = join(work, "files", path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content, { mode: /\/s?bin\//.test(path) ? 0o755 : 0o644 });
    }
    const env = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
    const [net, into] = guest.namespace ? [[], ["nsenter", `--net=/run/netns/${guest.namespace}`]] : [["--net"], []];
    const [file, ...args] = [
      ...into,
      "unshare",
      "--mount",
      ...net,
      "--",
      "sh",
      "-c",
      enter,
      "sh",
      [guest.layer, root].filter(Boolean).join(":"),
      work,
      script,
    ];
    return await exec(file, args, { env });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
