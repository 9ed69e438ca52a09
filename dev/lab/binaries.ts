import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { recipes, type BinarySet } from "./binaryRecipes";
import { cached } from "./cache";
import { createDownloader, Unavailable, type Downloader } from "./download";
import { exec } from "./exec";
import { withProgress, type Log } from "./progress";
import { leastPulumiMinor, versions } from "./versions";

export type { BinarySet } from "./binaryRecipes";

/**
 * One for the whole run: it remembers that there is no internet. Made when it is first needed, since the environment
 * may be wrong.
 */
let downloader: Downloader | undefined;

/**
 * The folders of the cache with the programs of each set, made first where they are missing: downloaded and checked
 * where there is an internet, else built from the Go modules under `tools/`. From a warm cache it only looks.
 *
 * The environment's `VBOX_KUBEADM_DOWNLOAD` may be `auto` (the default) or `never` (always build).
 * @throws UserError when a set can neither be downloaded nor built
 */
export async function ensureBinaries<T extends BinarySet>(names: readonly T[], log: Log): Promise<Record<T, string>> {
  const folders: Partial<Record<T, string>> = {};
  // One after the other: each of them keeps all processors busy, or the line.
  for (const name of names)
    folders[name] = await cached(`${name}-${versions[name]}`, (part) => obtain(name, part, log), log);
  return folders as Record<T, string>;
}

/**
 * The folder to put first on PATH for the Pulumi CLI, its Node.js language host and its plugin for dynamic providers:
 * the folder of the installed CLI if there is one on PATH that is new enough, else the cache's.
 * @throws UserError as {@link ensureBinaries}
 */
export async function pulumiFolder(log: Log, path = process.env.PATH ?? ""): Promise<string> {
  const installed = await findProgram("pulumi", path);
  const version = installed && (await exec(installed, ["version"])).stdout.trim();
  if (installed && isNewEnough(version!)) return dirname(installed);
  if (installed) log(`${installed} is ${version}, and the program needs v3.${leastPulumiMinor}.0 or later`);
  return (await ensureBinaries(["pulumi"], log)).pulumi;
}

function isNewEnough(version: string): boolean {
  const [major, minor] = /^v?(\d+)\.(\d+)\./.exec(version)?.slice(1).map(Number) ?? [0, 0];
  return major! > 3 || (major === 3 && minor! >= leastPulumiMinor);
}

async function obtain(name: BinarySet, folder: string, log: Log): Promise<void> {
  const { download, build } = recipes[name];
  const title = `${name} ${versions[name]}`;
  const from = (downloader ??= createDownloader(process.env.VBOX_KUBEADM_DOWNLOAD));
  try {
    if (download && !from.offline) return await withProgress(`downloading ${title}`, log, () => download(from, folder));
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    log(`${title} cannot be downloaded: ${error.message}`);
  }
  await withProgress(`building ${title}`, log, () => build(folder));
}

async function findProgram(name: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const candidate = join(folder, name);
    if (
      await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return candidate;
  }
  return undefined;
}
