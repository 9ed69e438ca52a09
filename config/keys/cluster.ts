import { isEndpoint } from "../../kubernetes/joinProblems";
import { isSelector } from "../../kubernetes/labels";
import { list, regex, checked, text } from "../rules";
import { machineName, network, sshAddress, worker } from "../shapes";
import { key } from "./key";

/** The cluster. */
export const cluster = {
  clusterName: key(machineName, {
    byDefault: "kube",
    change: { marks: "`clusterName`, or a rename of the stack" },
    description: "Name of the cluster; with the stack's name it marks what is ours in VirtualBox and in the cluster.",
  }),
  zone: key(checked("zone"), {
    byDefault: "kube.demo",
    change: "content",
    description: "DNS zone of the machines; a worker's full name is NAME.ZONE.",
  }),
  kubernetesVersion: key(regex("give a full version such as 1.36.3", /^1\.\d{1,3}\.\d{1,3}$/).optional(), {
    byDefault: "",
    change: "content",
    description:
      "Version of kubelet, kubeadm and kubectl on the workers, in full. Empty: the cluster's own, when a worker is made.",
  }),
  containerRuntime: key(worker.containerRuntime, {
    byDefault: "containerd",
    change: "content",
    description: "containerd, or docker: Docker Engine with cri-dockerd.",
  }),
  podSubnet: key(network, {
    byDefault: "10.244.0.0/16",
    change: "none",
    description: "The cluster's pod network; no route may overlap it.",
  }),
  controlPlaneEndpoint: key(text("give an address and a port such as 192.168.4.20:6443", isEndpoint).optional(), {
    byDefault: "",
    change: "rejoin",
    description: "The API server's address and port that workers join. Empty: what the cluster publishes.",
  }),
  requiredPods: key(list(text("give labels such as k8s-app=cilium", isSelector, 1024), 20, "pods"), {
    byDefault: ["k8s-app=kube-proxy", "app=flannel"],
    change: "none",
    description:
      "Labels of pods: a worker is done when a Ready pod of each is on it. Without kube-proxy (cilium, kube-router): the CNI's alone.",
  }),
  cniSelector: key(text("give labels such as app=flannel", isSelector, 1024).optional(), {
    byDefault: "",
    change: "none",
    description: "Labels of the CNI's pod: short for a requiredPods of kube-proxy and these. Give one of the two.",
  }),
  masters: key(list(sshAddress, 99, "masters").min(1, "give at least one master"), {
    byDefault: ["kube-mast01", "kube-mast02", "kube-mast03"],
    change: "none",
    description:
      "Masters, as names or addresses that the bastion knows, in the order in which they are asked; with user and port where they differ, as in debian@kube-mast01:2222 or [fd00::1]:2222.",
  }),
};
