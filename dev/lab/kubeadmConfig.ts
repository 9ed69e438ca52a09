import { dump } from "js-yaml";
import { floatingAddress, masterAddress, zone } from "./topology";
import { versions } from "./versions";

/**
 * The name that control-plane components, pods and kubeadm find images under. All are in the guests' image; there is no
 * such registry.
 */
export const imageRepository = "registry.lab";

/** What every pod's address comes from. */
export const podSubnet = "10.244.0.0/16";

/** An argument of a component, as kubeadm's v1beta4 has it. */
const argument = (name: string, value: string) => ({ name, value });

/** kubeadm's configuration for the master, as one file of four documents. */
export function kubeadmConfig(): string {
  return documents.map((document) => dump(document)).join("---\n");
}

const documents = [
  {
    apiVersion: "kubeadm.k8s.io/v1beta4",
    kind: "InitConfiguration",
    localAPIEndpoint: { advertiseAddress: masterAddress, bindPort: 6443 },
    nodeRegistration: { name: "kube-mast01", criSocket: "unix:///run/containerd/containerd.sock" },
    // kubeadm makes a token whether we want one or not: let it be gone at once.
    bootstrapTokens: [{ ttl: "1s" }],
  },
  {
    apiVersion: "kubeadm.k8s.io/v1beta4",
    kind: "ClusterConfiguration",
    // With it kubeadm asks no network for the newest version.
    kubernetesVersion: versions.kubernetes,
    controlPlaneEndpoint: `${floatingAddress}:6443`,
    imageRepository,
    networking: { podSubnet, serviceSubnet: "10.96.0.0/16", dnsDomain: "cluster.local" },
    apiServer: { certSANs: [floatingAddress, `kube-mast01.${zone}`] },
    // One of each: an election would only cost time after a restart.
    controllerManager: { extraArgs: [argument("leader-elect", "false")] },
    scheduler: { extraArgs: [argument("leader-elect", "false")] },
    // The lab's cluster need not survive a power failure.
    etcd: { local: { dataDir: "/var/lib/etcd", extraArgs: [argument("unsafe-no-fsync", "true")] } },
  },
  {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    cgroupDriver: "systemd",
    // An emulated guest takes minutes where a real one takes seconds.
    runtimeRequestTimeout: "10m",
    nodeStatusUpdateFrequency: "10s",
  },
  {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    // One program in the image, and fewer rules to load in an emulated guest than with iptables.
    mode: "nftables",
    clusterCIDR: podSubnet,
  },
];
