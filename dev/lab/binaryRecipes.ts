import { chmod, cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./exec";
import { hostArch } from "./arch";
import { checksumOf, githubDigest } from "./checksums";
import type { Downloader } from "./download";
import { goBuild } from "./goBuild";
import { projectDir } from "./paths";
import { versions } from "./versions";

/** Programs that belong together: one folder of the cache. */
export type BinarySet = keyof typeof versions;

/** How to come by a set's programs. Both ways fill the folder that they are given. */
export interface Recipe {
  /** From its publisher. Absent for what is ours alone. Rejects with Unavailable when it is not to be had. */
  download?: (from: Downloader, folder: string) => Promise<void>;
  /** From our Go module in `tools/`. */
  build: (folder: string) => Promise<void>;
}

/** The programs of the Kubernetes set. */
export const kubernetesPrograms = [
  "kubeadm",
  "kubelet",
  "kubectl",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kube-proxy",
] as const;

/** A set's recipe. */
export const recipes: Readonly<Record<BinarySet, Recipe>> = {
  kubernetes: {
    download: (from, folder) => downloadKubernetes(from, versions.kubernetes, kubernetesPrograms, folder),
    build: (folder) => buildKubernetes("kubernetes", versions.kubernetes, kubernetesPrograms, folder),
  },
  "tutorial-kubeadm": {
    download: (from, folder) => downloadKubernetes(from, versions["tutorial-kubeadm"], ["kubeadm"], folder),
    build: (folder) => buildKubernetes("tutorial-kubeadm", versions["tutorial-kubeadm"], ["kubeadm"], folder),
  },
  etcd: {
    download: async (from, folder) => {
      const release = `https://github.com/etcd-io/etcd/releases/download/${versions.etcd}`;
      const name = `etcd-${versions.etcd}-linux-${hostArch()}`;
      const sha256 = checksumOf(`${name}.tar.gz`, await from.text(`${release}/SHA256SUMS`));
      await downloadArchive(from, `${release}/${name}.tar.gz`, sha256, folder, [`${name}/etcd`]);
    },
    build: (folder) => goBuild({ module: "etcd", packages: ["go.etcd.io/etcd/server/v3"], program: "etcd" }, folder),
  },
  flannel: {
    download: async (from, folder) => {
      const name = `flanneld-${hostArch()}`;
      const { url, sha256 } = await githubAsset(from, "flannel-io/flannel", versions.flannel, name);
      await downloadProgram(from, url, sha256, join(folder, "flanneld"));
    },
    build: (folder) =>
      goBuild(
        {
          module: "flannel",
          packages: ["github.com/flannel-io/flannel"],
          program: "flanneld",
          define: { "github.com/flannel-io/flannel/pkg/version.Version": versions.flannel },
          // Its udp backend is written in C on amd64, and has no other form there.
          cgo: hostArch() === "amd64",
        },
        folder,
      ),
  },
  "cri-dockerd": {
    download: async (from, folder) => {
      const version = versions["cri-dockerd"];
      const { url, sha256 } = await githubAsset(
        from,
        "Mirantis/cri-dockerd",
        version,
        `cri-dockerd-${version.slice(1)}.${hostArch()}.tgz`,
      );
      await downloadArchive(from, url, sha256, folder, ["cri-dockerd/cri-dockerd"]);
    },
    build: (folder) =>
      goBuild(
        {
          module: "cri-dockerd",
          packages: ["github.com/Mirantis/cri-dockerd"],
          program: "cri-dockerd",
          define: { "github.com/Mirantis/cri-dockerd/cmd/version.Version": versions["cri-dockerd"].slice(1) },
        },
        folder,
      ),
  },
  pause: { build: (folder) => goBuild({ module: "pause", packages: ["."], program: "pause" }, folder) },
  pulumi: {
    download: async (from, folder) => {
      const site = "https://get.pulumi.com/releases/sdk";
      const name = `pulumi-${versions.pulumi}-linux-${hostArch() === "amd64" ? "x64" : "arm64"}.tar.gz`;
      const sums = await from.text(`${site}/pulumi-${versions.pulumi.slice(1)}-checksums.txt`);
      const programs = ["pulumi", "pulumi-language-nodejs", "pulumi-resource-pulumi-nodejs"];
      await downloadArchive(
        from,
        `${site}/${name}`,
        checksumOf(name, sums),
        folder,
        programs.map((program) => `pulumi/${program}`),
      );
    },
    build: buildPulumi,
  },
};

async function downloadKubernetes(
  from: Downloader,
  version: string,
  programs: readonly string[],
  folder: string,
): Promise<void> {
  for (const program of programs) {
    const url = `https://dl.k8s.io/release/${version}/bin/linux/${hostArch()}/${program}`;
    await downloadProgram(from, url, await from.text(`${url}.sha256`), join(folder, program));
  }
}

const buildKubernetes = (module: string, version: string, programs: readonly string[], folder: string) =>
  goBuild(
    {
      module,
      packages: programs.map((program) => `k8s.io/kubernetes/cmd/${program}`),
      define: kubernetesVersion(version),
    },
    folder,
  );

/**
 * The CLI's own module does not hold the language host, and the plugin for dynamic providers is but a script: our
 * launchers stand for both.
 */
async function buildPulumi(folder: string): Promise<void> {
  const define = { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": versions.pulumi };
  await goBuild({ module: "pulumi", packages: ["github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"], define }, folder);
  const host = "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs";
  await goBuild({ module: "pulumi-language-nodejs", packages: [host], program: "pulumi-language-nodejs-host" }, folder);
  await cp(join(projectDir, "dev/tools/pulumi/bin"), folder, { recursive: true });
}

/** What Kubernetes' own build writes into its programs; kubeadm refuses to work without it. */
function kubernetesVersion(version: string): Record<string, string> {
  const [major = "", minor = ""] = version.slice(1).split(".");
  return Object.fromEntries(
    ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((path) => [
      [`${path}.gitVersion`, version],
      [`${path}.gitMajor`, major],
      [`${path}.gitMinor`, minor],
      [`${path}.gitTreeState`, "clean"],
    ]),
  );
}

/**
 * Where one file of a release is. Its project publishes no list of checksums; GitHub computes one of every file since
 * June 2025.
 */
async function githubAsset(
  from: Downloader,
  repository: string,
  tag: string,
  name: string,
): Promise<{ url: string; sha256: string }> {
  const release = await from.text(`https://api.github.com/repos/${repository}/releases/tags/${tag}`);
  return {
    url: `https://github.com/${repository}/releases/download/${tag}/${name}`,
    sha256: githubDigest(name, release),
  };
}

async function downloadProgram(from: Downloader, url: string, sha256: string, path: string): Promise<void> {
  await from.file(url, path, sha256);
  await chmod(path, 0o755);
}

/** Unpacks the given members, without the folder that they lie in. */
async function downloadArchive(
  from: Downloader,
  url: string,
  sha256: string,
  folder: string,
  members: readonly string[],
): Promise<void> {
  const archive = join(folder, "archive.tar.gz");
  await from.file(url, archive, sha256);
  await run("tar", ["-xzf", archive, "-C", folder, "--strip-components=1", "--no-same-owner", ...members]);
  await rm(archive);
}
