import { existsSync, readdirSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../dev/lab/exec";
import { cached } from "../../dev/lab/cache";

/** OpenSSH's programs, those of this machine where it has them. */
export interface OpenSsh {
  /** The path of a program such as `usr/sbin/sshd`. */
  program: (path: string) => string;
  /** The environment that its programs need. */
  env: Record<string, string>;
}

/**
 * OpenSSH of this machine's own Debian suite. Where it is not installed, its packages are unpacked into the cache,
 * once: installing them would start a server.
 */
export async function openSsh(): Promise<OpenSsh> {
  if (["usr/sbin/sshd", "usr/bin/ssh-keygen", "usr/bin/ssh-agent"].every((path) => existsSync(join("/", path)))) {
    return { program: (path) => join("/", path), env: {} };
  }
  const suite = /^VERSION_CODENAME=(.*)$/m.exec(await readFile("/etc/os-release", "utf8"))?.[1] ?? "unknown";
  const root = await cached(`openssh-${suite}-${process.arch}`, unpack, () => {});
  const libraries = readdirSync(join(root, "usr/lib")).map((folder) => join(root, "usr/lib", folder));
  return {
    program: (path) => [join(root, path), join("/", path)].find(existsSync) ?? path,
    env: { LD_LIBRARY_PATH: libraries.join(":") },
  };
}

async function unpack(part: string): Promise<void> {
  const archives = join(part, "archives");
  await mkdir(join(archives, "partial"), { recursive: true });
  const options = [`Dir::Cache::archives=${archives}`, "Debug::NoLocking=1", "APT::Sandbox::User="].flatMap(
    (option) => ["-o", option],
  );
  const flags = ["--yes", "--download-only", "--no-install-recommends"];
  await run("apt-get", ["install", ...flags, ...options, "openssh-server", "openssh-client"]);
  const packages = readdirSync(archives).filter((name) => name.endsWith(".deb"));
  for (const name of packages) await run("dpkg", ["-x", join(archives, name), part]);
}
