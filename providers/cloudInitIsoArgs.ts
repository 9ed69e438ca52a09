import type * as pulumi from "@pulumi/pulumi";
import type { ContainerRuntime, Distro } from "../cloudinit/templates";
import type { SshTargetArgs } from "../access/bastion";
import type { VirtualBoxHome } from "../virtualbox/home";
import type { PlanArgs } from "./dynamic";

/**
 * What goes into a machine's first boot. A change of any content, with the same host key, changes `sha256` and
 * `instanceId`: a machine that depends on one of them is replaced, because cloud-init runs once. The ISO of a VBoxVm
 * that has `seed` stays until then as that machine needs it; any other is rewritten.
 */
export interface CloudInitIsoArgs extends PlanArgs {
  /** The machine's name and host name: RFC 1123, lower case, at most 63 characters. A change replaces. */
  name: pulumi.Input<string>;
  /** Domain of the machine: its full name is `name.zone`, such as `kube-node01.kube.demo`. Content. */
  zone: pulumi.Input<string>;
  /**
   * Absolute path of the ISO. It holds a private key: mode 0600, in a folder that is made with 0700. A change moves it,
   * live.
   */
  path: pulumi.Input<string>;
  /**
   * The stack's random id, the mark in the image; it is no content. Default: none, as in version 0.1.0. A change writes
   * the mark again.
   */
  stackId?: pulumi.Input<string>;
  /** The owner of the machine, `clusterName/stack`. Default: none. No change. */
  stack?: pulumi.Input<string>;
  /** The stack's VirtualBox, as VBoxVm has it: no ISO is made for a machine in another one. No change. */
  stackVirtualBox?: pulumi.Input<VirtualBoxHome | undefined>;
  /** Takes over the ISO of another stack, with its host key, instead of refusing it. Default: false. No change. */
  adopt?: pulumi.Input<boolean>;
  /**
   * VBoxManage, which is asked whether a machine still needs the content that is to be written over, and for the
   * bastion's address. Default: `VBoxManage`. No change.
   */
  vboxManage?: pulumi.Input<string>;
  /** How long one command may take, of VBoxManage or over SSH, in seconds. Default: 120. No change. */
  commandTimeoutSeconds?: pulumi.Input<number>;
  /** Which distribution the base image is of. Default: `debian`. Content. */
  distro?: Distro;
  /** `containerd`, or `docker`: Docker Engine with cri-dockerd. Default: `containerd`. Content. */
  containerRuntime?: ContainerRuntime;
  /** The user that is made, with sudo and without a password. Default: `debian`. Content. */
  sshUser?: pulumi.Input<string>;
  /** The key that this user may log in with: one line of an `id_….pub` file. Content. */
  sshPublicKey: pulumi.Input<string>;
  /** An SSH certification authority that sshd trusts for users: one line of a `.pub` file. Default: none. Content. */
  sshCaPublicKey?: pulumi.Input<string>;
  /**
   * MAC addresses of the machine's NICs in their order, as VirtualBox prints them: `080027A1B2C3`. The first has the
   * routes. Content.
   */
  macAddresses: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Full version of kubelet, kubeadm and kubectl, without "v": `1.36.3`; one that the cluster does not take is refused.
   * Default: the cluster's own, asked of the masters when the content is made. That version then stays for as long as
   * the cluster takes it, whatever becomes of the cluster. Content.
   */
  kubernetesVersion?: pulumi.Input<string>;
  /**
   * What else makes another machine when it changes, such as its base image. The content is then for that machine: a
   * version that the cluster does not take any more gives way to the cluster's. Default: nothing.
   */
  machine?: pulumi.Input<Record<string, string | undefined>>;
  /**
   * The masters, in the order in which they are asked. Default: none, then `kubernetesVersion` is needed, and is used
   * unasked. No change.
   */
  masters?: pulumi.Input<pulumi.Input<SshTargetArgs>[]>;
  /** How long the masters may take to answer by SSH, in seconds. Default: 120. No change. */
  sshTimeoutSeconds?: pulumi.Input<number>;
  /**
   * The flat apt repository that has them. Default: `https://pkgs.k8s.io/core:/stable:/v1.36/deb/`, of the version's
   * minor. Content.
   */
  kubernetesRepository?: pulumi.Input<string>;
  /** Where the key that signs it is: http, https or file. Default: `Release.key` in the repository. Content. */
  kubernetesKeyUrl?: pulumi.Input<string>;
  /** The only key that is accepted: 40 hexadecimal digits. Default: pkgs.k8s.io's. Content. */
  kubernetesKeyFingerprint?: pulumi.Input<string>;
  /**
   * `containerd.io` of Docker's repository, or the distribution's own `containerd`. Default: `containerd.io`. Content.
   */
  containerdPackage?: pulumi.Input<string>;
  /** `docker-ce` of Docker's repository, or the distribution's own `docker.io`. Default: `docker-ce`. Content. */
  dockerPackage?: pulumi.Input<string>;
  /** Docker's apt repository. Default: `https://download.docker.com/linux/` and the distro. Content. */
  dockerRepository?: pulumi.Input<string>;
  /** Where the key that signs it is: http, https or file. Default: `gpg` in the repository. Content. */
  dockerKeyUrl?: pulumi.Input<string>;
  /** The only key that is accepted: 40 hexadecimal digits. Default: Docker's. Content. */
  dockerKeyFingerprint?: pulumi.Input<string>;
  /** Address of cri-dockerd's .deb, which no repository has. Required with `docker`. Content. */
  criDockerdUrl?: pulumi.Input<string>;
  /** SHA-256 of that .deb: 64 hexadecimal digits. Required with `docker`. Content. */
  criDockerdSha256?: pulumi.Input<string>;
  /** The pause image. Default: the runtime's own. Content. */
  sandboxImage?: pulumi.Input<string>;
  /** The distribution's mirror. Default: cloud-init's own. Content. */
  debianMirror?: pulumi.Input<string>;
  /** Whether the first boot upgrades all packages. Default: true. Content. */
  packageUpgrade?: pulumi.Input<boolean>;
  /** Default: `en_US.UTF-8`. Content. */
  locale?: pulumi.Input<string>;
  /** Default: `UTC`. Content. */
  timezone?: pulumi.Input<string>;
  /** Whether the first boot ends with a reboot, when all was installed well. Default: true. Content. */
  reboot?: boolean;
  /**
   * Path of a file that takes the place of the user-data template. It is read when the program runs, so an edit is a
   * change. Content.
   */
  userData?: string;
  /** The same for meta-data. */
  metaData?: string;
  /** The same for network-config. */
  networkConfig?: string;
  /**
   * Fills the placeholders `${userDataValues.NAME}` of these templates: name → text. Secret. Default: none. Content.
   */
  userDataValues?: pulumi.Input<Record<string, pulumi.Input<string>>>;
}
