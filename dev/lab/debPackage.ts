import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "./exec";
import { hostArch } from "./arch";

/** A package made of ready files. */
export interface DebPackage {
  name: string;
  version: string;
  /** Names of other packages. */
  depends: readonly string[];
  description: string;
  /** Absolute path in the package → file on this machine. */
  files: Readonly<Record<string, string>>;
  /** Empty folders. */
  folders?: readonly string[];
  /** A shell script that runs when the package has been unpacked. */
  postinst?: string;
}

/** Makes `NAME_VERSION_ARCHITECTURE.deb` in the folder `target`, and returns its path. */
export async function makePackage(one: DebPackage, target: string): Promise<string> {
  const tree = join(target, `${one.name}.tree`);
  for (const folder of ["/DEBIAN", ...(one.folders ?? [])]) await mkdir(join(tree, folder), { recursive: true });
  await writeFile(join(tree, "DEBIAN/control"), control(one));
  if (one.postinst !== undefined) await writeFile(join(tree, "DEBIAN/postinst"), one.postinst, { mode: 0o755 });
  for (const [path, source] of Object.entries(one.files)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await cp(source, join(tree, path));
  }
  const file = join(target, `${one.name}_${one.version}_${hostArch()}.deb`);
  await buildPackage(tree, file);
  return file;
}

/** Makes a .deb of a tree, which is deleted. By zstd: it is quick to unpack, which an emulated guest feels. */
export async function buildPackage(tree: string, file: string): Promise<void> {
  await run("dpkg-deb", ["--root-owner-group", "-Zzstd", "-z3", "--build", tree, file]);
  await rm(tree, { recursive: true });
}

/** The package's control file. Format: deb-control(5). */
function control({ name, version, depends, description }: DebPackage): string {
  const fields = {
    Package: name,
    Version: version,
    Architecture: hostArch(),
    Maintainer: "vbox-kubeadm lab <lab@kube.demo>",
    Section: "admin",
    Priority: "optional",
    ...(depends.length > 0 && { Depends: depends.join(", ") }),
    Description: description,
  };
  return Object.entries(fields)
    .map(([field, value]) => `${field}: ${value}\n`)
    .join("");
}
