import { createHash } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import { buffer } from "node:stream/consumers";
import { pack, type Pack } from "tar-stream";
import { hostArch, type Arch } from "./arch";

/** A file of an image: a copy of one of this machine's. */
export interface ImageFile {
  /** Absolute, in the image. Its folders come by themselves, with mode 0755. */
  path: string;
  /** The file on this machine. Symbolic links are followed. */
  source: string;
  /** Default: 0755, as most files of such images are programs. */
  mode?: number;
}

/** A symbolic link of an image. */
export interface ImageLink {
  /** Absolute, in the image. */
  path: string;
  /** What it points to, absolute or from its own folder. */
  target: string;
}

/** An image of one layer, for Linux; everything in it belongs to root. */
export interface OciImage {
  /** The whole name with registry and tag, as pods write it: "registry.lab/pause:3.10.2". */
  name: string;
  entries: readonly (ImageFile | ImageLink)[];
  entrypoint?: readonly string[];
  /** "UID:GID", or a name that the image's own passwd knows. Default: root. */
  user?: string;
  /** Default: this machine's. */
  architecture?: Arch;
}

/** Where programs are looked for in a container that says nothing else. */
const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Writes an image as a tar file for `ctr images import`: an OCI image layout, and beside it the manifest.json by which
 * `docker load` reads the same blobs. The same entries give the same bytes.
 *
 * Formats: https://github.com/opencontainers/image-spec (image-layout.md, config.md, layer.md).
 */
export async function writeOciImage(file: string, image: OciImage): Promise<void> {
  const layer = blob("application/vnd.oci.image.layer.v1.tar", await layerOf(image.entries));
  const config = jsonBlob("application/vnd.oci.image.config.v1+json", {
    architecture: image.architecture ?? hostArch(),
    os: "linux",
    config: { Entrypoint: image.entrypoint, User: image.user, Env: [path] },
    rootfs: { type: "layers", diff_ids: [layer.descriptor.digest] },
  });
  const manifest = jsonBlob("application/vnd.oci.image.manifest.v1+json", {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: config.descriptor,
    layers: [layer.descriptor],
  });
  const annotations = {
    "io.containerd.image.name": image.name,
    "org.opencontainers.image.ref.name": image.name.replace(/^.*:/, ""),
  };
  const index = { schemaVersion: 2, manifests: [{ ...manifest.descriptor, annotations }] };
  const dockerManifest = [{ Config: config.path, RepoTags: [image.name], Layers: [layer.path] }];

  const tar = pack();
  const written = once(tar.pipe(createWriteStream(file)), "close");
  addFile(tar, "oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  addFile(tar, "index.json", JSON.stringify(index));
  addFile(tar, "manifest.json", JSON.stringify(dockerManifest));
  for (const { path, data } of [manifest, config, layer]) addFile(tar, path, data);
  tar.finalize();
  await written;
}

/** Data that is stored by its hash, and how others refer to it. */
function blob(mediaType: string, data: Buffer) {
  const sha256 = createHash("sha256").update(data).digest("hex");
  return {
    path: `blobs/sha256/${sha256}`,
    data,
    descriptor: { mediaType, digest: `sha256:${sha256}`, size: data.length },
  };
}

const jsonBlob = (mediaType: string, value: unknown) => blob(mediaType, Buffer.from(JSON.stringify(value)));

async function layerOf(entries: OciImage["entries"]): Promise<Buffer> {
  const tar = pack();
  const whole = buffer(tar);
  for (const folder of foldersOf(entries))
    tar.entry({ name: `${folder}/`, type: "directory", mode: 0o755, mtime: epoch });
  for (const entry of entries) {
    const name = relative(entry.path);
    if ("target" in entry) tar.entry({ name, type: "symlink", linkname: entry.target, mode: 0o777, mtime: epoch });
    else addFile(tar, name, await readFile(entry.source), entry.mode ?? 0o755);
  }
  tar.finalize();
  return whole;
}

/** Every folder above an entry, each once, parents first. */
function foldersOf(entries: OciImage["entries"]): string[] {
  const folders = new Set<string>();
  for (const entry of entries) {
    for (let folder = posix.dirname(relative(entry.path)); folder !== "."; folder = posix.dirname(folder))
      folders.add(folder);
  }
  return [...folders].sort();
}

/** The time of every entry, so that the bytes do not depend on when they were written. */
const epoch = new Date(0);

const addFile = (tar: Pack, name: string, data: string | Buffer, mode = 0o644) =>
  tar.entry({ name, mode, mtime: epoch }, data);

const relative = (absolute: string) => posix.normalize(absolute).replace(/^\/+/, "");
