import { join } from "node:path";
import { type DebPackage, makePackage } from "./debPackage";
import { versions } from "./versions";

/** The revision that pkgs.k8s.io appends to a Kubernetes version. */
const revision = "1.1";

/**
 * Makes kubeadm, kubelet, kubectl and kubernetes-cni as packages, in the layout of pkgs.k8s.io's: the kubelet's service
 * belongs to kubelet, the drop-in by which kubeadm configures it to kubeadm. Upstream's cri-tools is left out: kubeadm
 * talks to the runtime by itself.
 *
 * @param programs folder with kubeadm, kubelet and kubectl
 * @param units folder with kubelet.service and kubelet.service.d
 * @param target where the .deb files go
 */
export async function makeKubernetesPackages(programs: string, units: string, target: string): Promise<void> {
  for (const one of packages(programs, units)) await makePackage(one, target);
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
      files: {
        "/usr/bin/kubelet": join(programs, "kubelet"),
        [`${systemd}/kubelet.service`]: join(units, "kubelet.service"),
      },
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
