import { homedir } from "node:os";
import { join } from "node:path";

/**
 * What the program keeps for its user and can do without: `$XDG_CACHE_HOME/vbox-kubeadm`, else `~/.cache/vbox-kubeadm`.
 */
export const cacheFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "vbox-kubeadm");
