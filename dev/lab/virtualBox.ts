import { readdirSync, readFileSync } from "node:fs";
import { rename, rm, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { cached } from "./cache";
import { cacheKey } from "./cacheKey";
import { makeDebianRoot, mmdebstrapArguments, type DebianRoot } from "./debianRoot";
import { labId } from "./names";
import { cacheDir, labDir } from "./paths";
import { endProcess } from "./processes";
import { withProgress, type Log } from "./progress";

/**
 * What VBoxManage and VirtualBox's server say in other languages: 2 MB of the package with VirtualBox's window, which
 * itself, with 49 packages that it depends on, would take 150 MB.
 */
const translations = [
  'cd "$1"/tmp',
  'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --quiet download virtualbox-qt',
  'dpkg-deb --fsys-tarfile virtualbox-qt_*.deb | tar -x -C "$1" --wildcards "*/nls/VBoxManageNls_*" "*/nls/VirtualBoxAPI_*"',
  "rm virtualbox-qt_*.deb",
].join(" && ");

/**
 * Debian has VirtualBox in its unstable suite only. virtualbox-source stands in for the kernel modules, which would be
 * compiled. QEMU is from there too: version 11 emulates a guest's boot in a quarter less time than a stable release's
 * version 7.
 */
const root: DebianRoot = {
  suite: "sid",
  components: ["main", "contrib"],
  packages: ["virtualbox", "virtualbox-source", "procps", "iproute2", "ca-certificates", "qemu-system-x86", "seabios"],
  excludedPaths: [],
  hooks: [translations],
};

/**
 * The Debian root with the real VBoxManage 7.2 and QEMU, in the cache; made first when it is missing. The front-end
 * `dev/lab/VBoxManage` finds it through the cache's link `virtualbox`.
 * @returns the root directory
 */
export async function ensureVirtualBox(log: Log): Promise<string> {
  const make = (part: string) => makeDebianRoot(root, join(part, "root"));
  const folder = await cached(
    `virtualbox-${cacheKey(...mmdebstrapArguments(root, "", ""))}`,
    (part) =>
      withProgress("installing VirtualBox and QEMU from Debian into a root of their own", log, () => make(part)),
    log,
  );
  const link = join(cacheDir(), "virtualbox");
  const fresh = `${link}.part-${process.pid}`;
  await rm(fresh, { force: true });
  await symlink(basename(folder), fresh);
  await rename(fresh, link);
  return join(folder, "root");
}

/**
 * Ends VirtualBox's background processes (VBoxSVC, VBoxXPCOMIPCD) of one lab. They end by themselves some seconds after
 * the last call; this is for who cannot wait. They are told from another lab's by the IPC socket's name in their
 * environment.
 */
export async function endVirtualBox(dir: string = labDir()): Promise<void> {
  for (const pid of virtualBoxProcesses(dir)) await endProcess(pid, "VirtualBox's background process");
}

/** The process ids of one lab's VirtualBox. */
export function virtualBoxProcesses(dir: string, proc = "/proc"): number[] {
  const socketId = `vbk-${labId(dir)}`;
  return readdirSync(proc)
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const isVirtualBox = /^VBox/.test(readFileSync(join(proc, pid, "comm"), "utf8"));
        return (
          isVirtualBox &&
          readFileSync(join(proc, pid, "environ"), "utf8")
            .split("\0")
            .includes(`VBOX_IPC_SOCKETID=${socketId}`)
        );
      } catch {
        return false; // it has ended meanwhile
      }
    })
    .map(Number);
}
