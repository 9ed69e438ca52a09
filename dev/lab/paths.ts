import { homedir } from "node:os";
import { resolve } from "node:path";

/** The project's own folder: the one with package.json. */
export const projectDir = resolve(__dirname, "../..");

/**
 * Where everything that takes long to make is kept, shared by all checkouts: programs, Debian roots, disk images. One
 * folder per thing and version. Deleting it, or any folder in it, is always safe.
 *
 * `$VBOX_KUBEADM_CACHE`, else `$XDG_CACHE_HOME/vbox-kubeadm`, else `~/.cache/vbox-kubeadm`.
 */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env.VBOX_KUBEADM_CACHE || resolve(env.XDG_CACHE_HOME || resolve(homedir(), ".cache"), "vbox-kubeadm"));
}

/**
 * The running lab of this checkout, `<project>/.lab`: process ids, logs, machines, generated keys, Pulumi's state. Git
 * ignores it.
 */
export function labDir(): string {
  return resolve(projectDir, ".lab");
}
