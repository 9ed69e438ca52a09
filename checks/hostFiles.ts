import { existsSync, readFileSync, statfsSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { dirname, join } from "node:path";

/** What this host says of itself in files of its system. */
export interface HostFiles {
  platform: NodeJS.Platform;
  /** Whether there is a file; undefined where that cannot be found out here. */
  exists(path: string): boolean | undefined;
  /** A file's text; undefined where it is not there. */
  read(path: string): string | undefined;
}

/**
 * The host's own files, or those in a folder that stand for them.
 * @param root where `/` is to be; one that does not exist tells nothing
 */
export const hostFiles = (root = "/", platform: NodeJS.Platform = process.platform): HostFiles => ({
  platform,
  exists: (path) => (existsSync(root) ? existsSync(join(root, path)) : undefined),
  read: (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : undefined),
});

/** Memory of the host, in MB: all of it, and what programs that start now can have. */
export function memoryOf(files: HostFiles): { totalMb: number; freeMb: number } {
  const mb = (key: string) =>
    Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, "m").exec(files.read("/proc/meminfo") ?? "")?.[1] ?? NaN) / 1024;
  const [totalMb, freeMb] = [mb("MemTotal"), mb("MemAvailable")];
  return Number.isNaN(totalMb + freeMb)
    ? { totalMb: totalmem() / 2 ** 20, freeMb: freemem() / 2 ** 20 }
    : { totalMb, freeMb };
}

/** What is free on the disk of a folder, which need not be there yet, in MB. */
export function freeDiskMb(folder: string): number {
  if (!existsSync(folder) && dirname(folder) !== folder) return freeDiskMb(dirname(folder));
  const { bavail, bsize } = statfsSync(folder);
  return (bavail * bsize) / 2 ** 20;
}
