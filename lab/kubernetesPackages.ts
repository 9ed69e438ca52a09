import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "./exec";
import { hostArch } from "./arch";
import { versions } from "./versions";

/** The revision that pkgs.k8s.io appends to a Kubernetes version. */
const revision = "1.1";

/** A package made of ready files. */
interface DebPackage {
  name: string;
  version: string;
  /** Names of other packages. */
  depends: readonly string[];
  description: string;
  /** Absolute path in the package → file on this machine. */
  files: Readonly<Record<string, string>>;
  /** Empty folders. */
  folders?: readonly string[];
}

/**
 * Makes kubeadm, kubelet, kubectl and kubernetes-cni as packages, in the layout of pkgs.k8s.io's: the kubelet's service belongs to kubelet,
 * the drop-in by which kubeadm configures it to kubeadm. Upstream's cri-tools is left out: kubeadm talks to the runtime by itself.
 *
 * @param programs folder with kubeadm, kubelet and kubectl
 * @param units folder with kubelet.service and kubelet.service.d
 * @param target where the .deb files go
 */
export async function makeKubernetesPackages(programs: string, units: string, target: string): Promise<void> {
  for (const one of packages(programs, units)) await build(one, target);
}

function packages(programs: string, units: string): DebPackage[] {
  const version = `${versions.kubernetes.replace("v", "")}-${revision}`;
  const systemd = "/usr/lib/systemd/system";
  return [
    {
      name: "kubeadm",
      version,
      depends: ["kubelet", "kubectl"],
      description: "Command-line utility for administering a Kubernetes cluster",
      files: {
        "/usr/bin/kubeadm": join(programs, "kubeadm"),
        [`${systemd}/kubelet.service.d/10-kubeadm.conf`]: join(units, "kubelet.service.d", "10-kubeadm.conf"),
      },
    },
    {
      name: "kubelet",
      version,
      depends: ["conntrack", "ethtool", "iproute2", "iptables", "kubernetes-cni", "mount", "socat", "util-linux"],
      description: "Node agent for Kubernetes clusters",
      files: { "/usr/bin/kubelet": join(programs, "kubelet"), [`${systemd}/kubelet.service`]: join(units, "kubelet.service") },
      folders: ["/etc/kubernetes/manifests"],
    },
    {
      name: "kubectl",
      version,
      depends: [],
      description: "Command-line utility for interacting with a Kubernetes cluster",
      files: { "/usr/bin/kubectl": join(programs, "kubectl") },
    },
    {
      // Upstream's holds the plugins; here they are the distribution's own.
      name: "kubernetes-cni",
      version: "1.8.0-1.1",
      depends: ["containernetworking-plugins"],
      description: "Binaries required to provision kubernetes container networking",
      files: {},
      folders: ["/opt/cni/bin"],
    },
  ];
}

async function build(one: DebPackage, target: string): Promise<void> {
  const tree = join(target, `${one.name}.tree`);
  for (const folder of ["/DEBIAN", ...(one.folders ?? [])]) await mkdir(join(tree, folder), { recursive: true });
  await writeFile(join(tree, "DEBIAN/control"), control(one));
  for (const [path, source] of Object.entries(one.files)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await cp(source, join(tree, path));
  }
  // zstd is quick to unpack, which an emulated guest feels.
  const file = join(target, `${one.name}_${one.version}_${hostArch()}.deb`);
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
