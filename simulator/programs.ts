import { existsSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

/** The simulated programs: name and source. */
const programs = { VBoxManage: "vboxManage.ts", ip: "ip.ts" };

/**
 * Makes the simulated programs that are to be on the PATH, in `FOLDER/bin`: each is one file, which starts as quickly as Node.js does. They
 * work on the site in FOLDER.
 * @returns their folder
 */
export async function installPrograms(folder: string): Promise<string> {
  const bin = join(folder, "bin");
  for (const [name, source] of Object.entries(programs)) {
    const entry = join(__dirname, source);
    if (!existsSync(entry)) continue;
    const outfile = join(bin, name);
    const banner = { js: "#!/usr/bin/env node" };
    await build({ entryPoints: [entry], outfile, banner, bundle: true, platform: "node", target: "node20", logLevel: "error" });
    await chmod(outfile, 0o755);
  }
  return bin;
}
