import { resolve } from "node:path";
import { cacheFolder } from "../../common/cacheFolder";

/** The project's own folder: the one with package.json. */
export const projectDir = resolve(__dirname, "../..");

/**
 * Where everything that takes long to make is kept, shared by all checkouts: programs, Debian roots, disk images. One
 * folder per thing and version. Deleting it, or any folder in it, is always safe.
 *
 * `$VBOX_KUBEADM_CACHE`, else the user's {@link cacheFolder}.
 */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env.VBOX_KUBEADM_CACHE || cacheFolder(env));
}

/**
 * The running lab of this checkout, `<project>/.lab`: process ids, logs, machines, generated keys, Pulumi's state. Git
 * ignores it.
 */
export function labDir(): string {
  return resolve(projectDir, ".lab");
}
