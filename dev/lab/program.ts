import { existsSync } from "node:fs";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dump, load } from "js-yaml";
import { projectDir } from "./paths";

/** What the Pulumi program consists of, at the top of the project. */
const parts = [
  "Pulumi.yaml",
  "index.ts",
  "access",
  "checks",
  "cloudinit",
  "common",
  "components",
  "config",
  "kubernetes",
  "providers",
  "routes",
  "ssh",
  "virtualbox",
  "node_modules",
  "package.json",
  "tsconfig.json",
];

/**
 * Makes a folder in which the same program runs with a stack configuration of its own: links to the program's files,
 * and a copy of
 * `Pulumi.STACK.yaml` with `more` added. The CLI writes into that file, which therefore must not be the project's. A
 * copy that is there stays.
 *
 * @param more configuration keys, without the project's name, and their values
 */
export async function linkProgram(
  folder: string,
  stack: string,
  more: Readonly<Record<string, unknown>>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const part of parts)
    if (!existsSync(join(folder, part))) await symlink(join(projectDir, part), join(folder, part));
  const file = `Pulumi.${stack}.yaml`;
  if (existsSync(join(folder, file))) return;
  const { config } = load(await readFile(join(projectDir, file), "utf8")) as { config: object };
  const added = Object.fromEntries(Object.entries(more).map(([key, value]) => [`vbox-kubeadm:${key}`, value]));
  await writeFile(join(folder, file), dump({ config: { ...config, ...added } }));
}
