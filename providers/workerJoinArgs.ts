import type * as pulumi from "@pulumi/pulumi";
import type { SshTargetArgs } from "../access/bastion";
import type { Taint } from "../kubernetes/kubectl";
import type { VirtualBoxHome } from "../virtualbox/home";

/** Arguments of WorkerJoin. */
export interface WorkerJoinArgs {
  /** The node's name, which is the machine's host name. A change replaces. */
  name: pulumi.Input<string>;
  /** The owner, `clusterName/stack`: the mark on the Node. A change replaces. */
  stack: pulumi.Input<string>;
  /** The stack's random id, part of that mark. Default: none, as in version 0.1.0. A change is used the next time. */
  stackId?: pulumi.Input<string>;
  /** Identity of the worker's machine by its inputs (base image, cloud-init content). A change replaces. */
  machine: pulumi.Input<string>;
  /** VirtualBox's UUID of the worker's machine: another one has not joined. A change replaces. */
  vmUuid: pulumi.Input<string>;
  /**
   * The VirtualBox that has the machine; another one that does not know it proves nothing. Default: not known. A change
   * is used the next time.
   */
  virtualBox?: pulumi.Input<VirtualBoxHome>;
  /** The worker, by SSH. A change is used the next time. */
  worker: pulumi.Input<SshTargetArgs>;
  /** The masters, in the order in which they are asked. A change is used the next time. */
  masters: pulumi.Input<SshTargetArgs[]>;
  /** The API server's address and port. A change replaces. */
  endpoint: pulumi.Input<string>;
  /** The pin of the cluster's CA, `sha256:…`: another CA is another cluster. A change replaces. */
  caCertHash: pulumi.Input<string>;
  /**
   * The bootstrap token. Secret. Not part of the node's identity: a change is used the next time, and a spent one is
   * renewed for the join.
   */
  token: pulumi.Input<string>;
  /** The worker's address: the node's InternalIP, given to the kubelet as `--node-ip`. A change replaces. */
  address: pulumi.Input<string>;
  /** The container runtime's socket. Default `unix:///run/containerd/containerd.sock`. A change replaces. */
  criSocket?: pulumi.Input<string>;
  /** Labels of the Node. Default none. A change is made live. */
  labels?: pulumi.Input<Record<string, string>>;
  /** Taints of the Node. Default none. A change is made live. */
  taints?: pulumi.Input<Taint[]>;
  /** Kubelet arguments without their dashes. Default none. A change replaces. */
  kubeletArgs?: pulumi.Input<Record<string, string>>;
  /**
   * Labels of pods: of each a Ready one must be on the node. Default `k8s-app=kube-proxy` and `app=flannel`; none: the
   * Node's own readiness is enough. A change is used the next time.
   */
  requiredPods?: pulumi.Input<string[]>;
  /**
   * Labels of the CNI's pod: stands for a `requiredPods` of kube-proxy and these. Default none. A change is used the
   * next time.
   */
  cniSelector?: pulumi.Input<string>;
  /**
   * VBoxManage, which is asked for the address of a bastion that is given by its VM. Default `VBoxManage`. A change is
   * used the next time.
   */
  vboxManage?: pulumi.Input<string>;
  /** How long a machine may take to answer by SSH, in seconds. Default 120. A change is used the next time. */
  sshTimeoutSeconds?: pulumi.Input<number>;
  /**
   * How long one command may take, over SSH or of VBoxManage; those below have deadlines of their own, in seconds.
   * Default 120. A change is used the next time.
   */
  commandTimeoutSeconds?: pulumi.Input<number>;
  /** How long each phase of kubeadm join may take, in seconds. Default 300. A change is used the next time. */
  joinTimeoutSeconds?: pulumi.Input<number>;
  /**
   * How long the joined node may take to be Ready with the pods that it needs, in seconds. Default 300. A change is
   * used the next time.
   */
  readyTimeoutSeconds?: pulumi.Input<number>;
  /** How long the node's pods may take to leave, in seconds. Default 120. A change is used the next time. */
  drainTimeoutSeconds?: pulumi.Input<number>;
}

/** Always true; a refresh makes false what it finds otherwise, and so there is an update. */
interface Kept {
  /** The Node is Ready. */
  ready: boolean;
  /** The Node carries our mark. */
  marked: boolean;
}
/** The inputs with their defaults, as the state has them. */
export type Inputs = Required<pulumi.Unwrap<WorkerJoinArgs>> & Kept;
/** What is read from the Node. */
export interface Observed {
  nodeUid: string;
  systemUuid: string;
  kubeletVersion: string;
  internalIp: string;
  ready: boolean;
}
/** What the state has of a joined worker. */
export type Outputs = Inputs & Observed;
