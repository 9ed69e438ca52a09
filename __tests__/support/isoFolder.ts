import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isoImage } from "../../cloudinit/iso9660/image";

/** An ISO of ours. */
export const image = isoImage("cidata", { "user-data": "a" });

/** The `isoFolder`. */
export let folder: string;
/** An ISO in it, that is not there yet. */
export let path: string;
/** A folder of its own for each test. */
export function useIsoFolder(): void {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "iso-file-"));
    path = join(folder, "kube", "dev", "n1.iso");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
}

/** Makes the ISO's folders, each as a shared folder's users might have. */
export function folders(modes: readonly [name: string, mode: number, uid?: number][]): void {
  for (const [name, mode, uid] of modes) {
    mkdirSync(join(folder, name), { recursive: true });
    chmodSync(join(folder, name), mode);
    if (uid !== undefined) chownSync(join(folder, name), uid, uid);
  }
}
