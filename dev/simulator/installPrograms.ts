import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { programs } from "./programs";

/**
 * Makes the simulated programs that are to be on the PATH, in `FOLDER/bin`: each is one file, which starts as quickly
 * as Node.js does. They work on the site in FOLDER.
 * @returns their folder
 */
export async function installPrograms(folder: string): Promise<string> {
  const bin = join(folder, "bin");
  for (const name of Object.keys(programs)) {
    const outfile = join(bin, name);
    const contents = `import { runHere } from "./program"; import { programs } from "./programs"; void runHere(programs.${name}, require("node:path").join(__dirname, ".."));`;
    const stdin = { contents, resolveDir: __dirname, loader: "ts" as const };
    const banner = { js: "#!/usr/bin/env node" };
    await build({ stdin, outfile, banner, bundle: true, platform: "node", target: "node20", logLevel: "error" });
    await chmod(outfile, 0o755);
  }
  return bin;
}
