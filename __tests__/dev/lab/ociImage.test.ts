import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeOciImage, type OciImage } from "../../../dev/lab/ociImage";

const folder = mkdtempSync(join(tmpdir(), "oci-"));
const program = join(folder, "program");
const image: OciImage = {
  name: "registry.lab:5000/flannel:v0.28.4",
  entries: [
    { path: "/opt/bin/flanneld", source: program },
    { path: "/etc/flannel.conf", source: program, mode: 0o600 },
    { path: "/opt/bin/sh", target: "flanneld" },
  ],
  entrypoint: ["/opt/bin/flanneld"],
  user: "65535:65535",
  architecture: "arm64",
};

writeFileSync(program, "a program");
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes the image, and unpacks it with the system's tar. */
async function unpacked(name: string): Promise<string> {
  const out = join(folder, name);
  mkdirSync(out);
  await writeOciImage(`${out}.tar`, image);
  execFileSync("tar", ["-xf", `${out}.tar`, "-C", out]);
  return out;
}

interface Descriptor {
  digest: string;
  size: number;
}

/** A blob by its descriptor, whose hash and size must be true. */
function blob(root: string, { digest, size }: Descriptor): Buffer {
  const data = readFileSync(join(root, "blobs/sha256", digest.replace("sha256:", "")));
  expect(`sha256:${createHash("sha256").update(data).digest("hex")}`).toBe(digest);
  expect(data).toHaveLength(size);
  return data;
}

const json = <T>(data: Buffer | string) => JSON.parse(data.toString()) as T;

test("tar reads back what was put in, with its modes", async () => {
  const root = await unpacked("a");
  const index = json<{ manifests: [Descriptor & { annotations: object }] }>(readFileSync(join(root, "index.json")));
  expect(index.manifests[0].annotations).toEqual({
    "io.containerd.image.name": image.name,
    "org.opencontainers.image.ref.name": "v0.28.4",
  });

  const manifest = json<{ config: Descriptor; layers: [Descriptor] }>(blob(root, index.manifests[0]));
  expect(json(blob(root, manifest.config))).toMatchObject({
    architecture: "arm64",
    os: "linux",
    config: { Entrypoint: ["/opt/bin/flanneld"], User: "65535:65535" },
    rootfs: { type: "layers", diff_ids: [manifest.layers[0].digest] },
  });

  const layer = join(root, "layer");
  mkdirSync(layer);
  execFileSync("tar", ["-xpf", "-", "-C", layer], { input: blob(root, manifest.layers[0]) });
  expect(readFileSync(join(layer, "opt/bin/flanneld"), "utf8")).toBe("a program");
  expect(statSync(join(layer, "opt/bin/flanneld")).mode & 0o777).toBe(0o755);
  expect(statSync(join(layer, "etc/flannel.conf")).mode & 0o777).toBe(0o600);
  expect(statSync(join(layer, "opt")).mode & 0o777).toBe(0o755);
  expect(readlinkSync(join(layer, "opt/bin/sh"))).toBe("flanneld");
  expect(lstatSync(join(layer, "opt/bin/flanneld")).mtimeMs).toBe(0);
});

test("Docker's manifest names the same blobs", async () => {
  const root = await unpacked("docker");
  const [docker] = json<[{ Config: string; RepoTags: string[]; Layers: string[] }]>(
    readFileSync(join(root, "manifest.json")),
  );
  expect(docker.RepoTags).toEqual([image.name]);
  for (const path of [docker.Config, ...docker.Layers]) expect(statSync(join(root, path)).isFile()).toBe(true);
});

test("the same entries give the same bytes", async () => {
  const [one, two] = [await unpacked("one"), await unpacked("two")];
  expect(readFileSync(`${one}.tar`).equals(readFileSync(`${two}.tar`))).toBe(true);
});

test("a file that is not there is an error", async () => {
  const absent = { ...image, entries: [{ path: "/x", source: join(folder, "absent") }] };
  await expect(writeOciImage(join(folder, "absent.tar"), absent)).rejects.toThrow("ENOENT");
});
