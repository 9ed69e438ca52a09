/**
 * What the lab is made of, each version as its project writes it in tags. One that is built from Go modules stands in
 * `tools/<name>/go.mod` as well; a test holds the two together.
 */
export const versions = {
  kubernetes: "v1.36.3",
  /** The tutorial's own cluster: its kubeadm judges what the program writes for it. */
  "tutorial-kubeadm": "v1.29.15",
  /** The one that kubeadm of this Kubernetes expects. */
  etcd: "v3.6.8",
  flannel: "v0.28.4",
  /** What stands between Docker Engine and a kubelet. */
  "cri-dockerd": "v0.4.0",
  /** The one that kubeadm of this Kubernetes expects. */
  pause: "3.10.2",
  pulumi: "v3.250.0",
} as const;

/**
 * The least minor version of the Pulumi CLI 3: the first that reads the types of configuration in Pulumi.yaml, which
 * requires it too.
 */
export const leastPulumiMinor = 186;

/**
 * The versions of Node.js on which the tests pass: the least that is supported, and one of each later line with
 * long-term support.
 */
export const nodeVersions = ["20.19.6", "22.23.3", "24.21.0"] as const;
