import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

/** The simulated programs: what they are called, and the source that exports them, by their name in it. */
const programs = { VBoxManage: "vboxManage", ip: "ip" };

/**
 * Makes the simulated programs that are to be on the PATH, in `FOLDER/bin`: each is one file, which starts as quickly as Node.js does. They
 * work on the site in FOLDER.
 * @returns their folder
 */
export async function installPrograms(folder: string): Promise<string> {
  const bin = join(folder, "bin");
  for (const [name, source] of Object.entries(programs)) {
    const outfile = join(bin, name);
    const contents = `import { ${source} } from "./${source}"; import { runHere } from "./program"; void runHere(${source}, require("node:path").join(__dirname, ".."));`;
    const stdin = { contents, resolveDir: __dirname, loader: "ts" as const };
    const banner = { js: "#!/usr/bin/env node" };
    await build({ stdin, outfile, banner, bundle: true, platform: "node", target: "node20", logLevel: "error" });
    await chmod(outfile, 0o755);
  }
  return bin;
}
