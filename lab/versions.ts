/**
 * What the lab is made of, each version as its project writes it in tags. One that is built from Go modules stands in
 * `tools/<name>/go.mod` as well; a test holds the two together.
 */
export const versions = {
  kubernetes: "v1.36.3",
  /** The one that kubeadm of this Kubernetes expects. */
  etcd: "v3.6.8",
  flannel: "v0.28.4",
  /** The one that kubeadm of this Kubernetes expects. */
  pause: "3.10.2",
  pulumi: "v3.250.0",
} as const;
