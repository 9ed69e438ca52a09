import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { run } from "./exec";
import { packagesIndex, releaseIndex, type IndexFile, type PoolPackage } from "./aptIndex";
import { clearSign, ensureAptKey, type AptKey } from "./aptKey";
import { hostArch } from "./arch";
import { ensureBinaries } from "./binaries";
import { cached } from "./cache";
import { cacheKey } from "./cacheKey";
import { makeCriDockerdPackage } from "./criDockerdPackage";
import { buildPackage } from "./debPackage";
import { ensureGuestRoot } from "./guestRoot";
import { makeKubernetesPackages } from "./kubernetesPackages";
import { withProgress, type Log } from "./progress";

/** The kubelet's service, as the baked image has it. */
const kubeletUnits = join(__dirname, "guest/baked/usr/lib/systemd/system");

/** Where cri-dockerd's package is in the repository. */
const criDockerdFile = `cri-dockerd/cri-dockerd_${hostArch()}.deb`;

const criDockerdUnits = ["units/cri-docker.service", "units/cri-docker.socket"];

/** What cloud-init's template for Debian asks a mirror for. */
const suites = [
  "debian/dists/trixie",
  "debian/dists/trixie-updates",
  "debian/dists/trixie-backports",
  "debian-security/dists/trixie-security",
];

/**
 * A folder to be served, with a flat repository in `kubernetes/`, a mirror of Debian in `debian/`, and cri-dockerd's
 * package.
 */
export interface AptRepository {
  folder: string;
  /** That package: its path in the folder, and its SHA-256. */
  criDockerd: { path: string; sha256: string };
  /** The key's fingerprint, for the stack's configuration: 40 hexadecimal digits. */
  fingerprint: string;
}

/**
 * What a worker installs on its first boot, as a signed apt repository in the cache; made first when it is missing.
 * `debian/` has the few packages that the bare image lacks, under the suites of a real mirror.
 */
export async function ensureAptRepository(log: Log): Promise<AptRepository> {
  const key = await ensureAptKey(log);
  const { kubernetes, "cri-dockerd": criDockerd } = await ensureBinaries(["kubernetes", "cri-dockerd"], log);
  const { root, packages } = await ensureGuestRoot(log);
  const makers = [
    "aptRepository.ts",
    "aptIndex.ts",
    "aptKey.ts",
    "debPackage.ts",
    "kubernetesPackages.ts",
    "criDockerdPackage.ts",
    ...criDockerdUnits,
  ];
  const sources = makers.map((file) => readFileSync(join(__dirname, file)));
  const name = `apt-${cacheKey(key.fingerprint, basename(kubernetes), basename(criDockerd), root, ...sources)}`;
  const make = async (part: string) => {
    await makeFlatRepository(join(part, "kubernetes"), kubernetes, key);
    await makeMirror(part, [packages.worker, packages.docker], key);
    await makeCriDockerd(join(part, criDockerdFile), criDockerd);
  };
  const folder = await cached(name, (part) => withProgress("making the apt repository", log, () => make(part)), log);
  const sha256 = createHash("sha256")
    .update(await readFile(join(folder, criDockerdFile)))
    .digest("hex");
  return { folder, criDockerd: { path: criDockerdFile, sha256 }, fingerprint: key.fingerprint };
}

async function makeCriDockerd(file: string, programs: string): Promise<void> {
  await mkdir(dirname(file));
  await rename(await makeCriDockerdPackage(programs, join(__dirname, "units"), dirname(file)), file);
}

/** As pkgs.k8s.io's: the packages, their index and the key side by side. */
async function makeFlatRepository(folder: string, programs: string, key: AptKey): Promise<void> {
  await mkdir(folder, { recursive: true });
  await makeKubernetesPackages(programs, kubeletUnits, folder);
  await copyFile(key.armored, join(folder, "Release.key"));
  await writeIndexes(folder, {}, [packages("Packages", await packagesIn(folder, "."))], key);
}

/** As any mirror of Debian: one pool, and suites of which the first has it all. */
async function makeMirror(folder: string, debs: readonly string[], key: AptKey): Promise<void> {
  for (const some of debs) await recompress(some, join(folder, "debian/pool"));
  const all = await packagesIn(join(folder, "debian"), "pool");
  for (const [index, path] of suites.entries()) {
    const [suite, architecture] = [basename(path), hostArch()];
    const files = [packages(`main/binary-${architecture}/Packages`, index === 0 ? all : []), sourcesIndex];
    const fields = { Suite: suite, Codename: suite, Architectures: architecture, Components: "main" };
    await writeIndexes(join(folder, path), fields, files, key);
  }
}

/** The same packages, quick to unpack: for Debian's xz an emulated guest takes half a minute. */
async function recompress(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) {
    const tree = join(to, `${name}.tree`);
    await run("dpkg-deb", ["--raw-extract", join(from, name), tree]);
    await buildPackage(tree, join(to, name));
  }
}

const packages = (path: string, all: readonly PoolPackage[]): IndexFile => ({ path, content: packagesIndex(all) });

/** cloud-init's template asks for source packages as well: there are none. */
const sourcesIndex: IndexFile = { path: "main/source/Sources", content: "" };

/** The packages of the repository `folder` that lie in its `pool`. */
async function packagesIn(folder: string, pool: string): Promise<PoolPackage[]> {
  const names = (await readdir(join(folder, pool))).filter((name) => name.endsWith(".deb")).sort();
  return Promise.all(
    names.map(async (name) => {
      const file = join(folder, pool, name);
      return {
        control: await run("dpkg-deb", ["--field", file]),
        path: join(pool, name),
        content: await readFile(file),
      };
    }),
  );
}

/** Writes index files, plain and compressed, with the signed Release over them. */
async function writeIndexes(
  folder: string,
  fields: Record<string, string>,
  files: readonly IndexFile[],
  key: AptKey,
): Promise<void> {
  const all = files.flatMap((file) => [file, { path: `${file.path}.gz`, content: gzipSync(file.content) }]);
  for (const { path, content } of all) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  const release = releaseIndex(fields, all, new Date());
  await writeFile(join(folder, "Release"), release);
  await clearSign(key, release, join(folder, "InRelease"));
}
