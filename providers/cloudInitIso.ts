import * as pulumi from "@pulumi/pulumi";
import { isDeepStrictEqual } from "node:util";
import { sourcesOf } from "../cloudinit/earlierTemplates";
import { generateHostKey } from "../cloudinit/hostKey";
import { type IsoIdentity, observeIso, removeIso, writeIso } from "../cloudinit/isoFile";
import { inputProblems } from "../cloudinit/problems";
import type { RenderOptions } from "../cloudinit/render";
import { firstBootImage, isSameContent, laterImage, SEED, type Seed, seedOf } from "../cloudinit/seed";
import type { ContainerRuntime, Distro, TemplateSources } from "../cloudinit/templates";
import type { SshTargetArgs } from "../host/bastion";
import { checkVersion, chosenVersion } from "../host/chosenVersion";
import type { Masters } from "../host/clusterVersion";
import { type Exec, exec as execHere, execWithin } from "../host/exec";
import { VBoxManage } from "../host/vboxmanage";
import { checkHome, ensureVirtualBoxHome, isForgotten, type VirtualBoxHome } from "../host/virtualBoxHome";
import { refuseInUse } from "../host/vm/isoInUse";
import { isSameFirstBoot, templatesOf, withTemplates } from "./cloudInitTemplates";
import { type Context, DynamicResource, type PlanArgs, type Provider } from "./dynamic";
import { type Disc, type Discs, discToKeep, isOfDiscs, isUsed, partsOf } from "./livingDisc";
import { isForLaterBoots } from "./machineDisc";

/**
 * What goes into a machine's first boot. A change of any content, with the same host key, changes `sha256` and `instanceId`: a machine that
 * depends on one of them is replaced, because cloud-init runs once. The ISO of a VBoxVm that has `seed` stays until then as that machine needs
 * it; any other is rewritten.
 */
export interface CloudInitIsoArgs extends PlanArgs {
  /** The machine's name and host name: RFC 1123, lower case, at most 63 characters. A change replaces. */
  name: pulumi.Input<string>;
  /** Domain of the machine: its full name is `name.zone`, such as `kube-node01.kube.demo`. Content. */
  zone: pulumi.Input<string>;
  /** Absolute path of the ISO. It holds a private key: mode 0600, in a folder that is made with 0700. A change moves it, live. */
  path: pulumi.Input<string>;
  /** The stack's random id, the mark in the image; it is no content. Default: none, as in version 0.1.0. A change writes the mark again. */
  stackId?: pulumi.Input<string>;
  /** Takes over the ISO of another stack, with its host key, instead of refusing it. Default: false. No change. */
  adopt?: pulumi.Input<boolean>;
  /** VBoxManage, which is asked whether a machine still needs the content that is to be written over, and for the bastion's address. Default: `VBoxManage`. No change. */
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
  /** MAC addresses of the machine's NICs in their order, as VirtualBox prints them: `080027A1B2C3`. The first has the routes. Content. */
  macAddresses: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Full version of kubelet, kubeadm and kubectl, without "v": `1.36.3`; one that the cluster does not take is refused. Default: the cluster's
   * own, asked of the masters when the content is made. That version then stays for as long as the cluster takes it, whatever becomes of the
   * cluster. Content.
   */
  kubernetesVersion?: pulumi.Input<string>;
  /**
   * What else makes another machine when it changes, such as its base image. The content is then for that machine: a version that the cluster
   * does not take any more gives way to the cluster's. Default: nothing.
   */
  machine?: pulumi.Input<Record<string, string | undefined>>;
  /** The masters, in the order in which they are asked. Default: none, then `kubernetesVersion` is needed, and is used unasked. No change. */
  masters?: pulumi.Input<pulumi.Input<SshTargetArgs>[]>;
  /** How long the masters may take to answer by SSH, in seconds. Default: 120. No change. */
  sshTimeoutSeconds?: pulumi.Input<number>;
  /** The flat apt repository that has them. Default: `https://pkgs.k8s.io/core:/stable:/v1.36/deb/`, of the version's minor. Content. */
  kubernetesRepository?: pulumi.Input<string>;
  /** Where the key that signs it is: http, https or file. Default: `Release.key` in the repository. Content. */
  kubernetesKeyUrl?: pulumi.Input<string>;
  /** The only key that is accepted: 40 hexadecimal digits. Default: pkgs.k8s.io's. Content. */
  kubernetesKeyFingerprint?: pulumi.Input<string>;
  /** `containerd.io` of Docker's repository, or the distribution's own `containerd`. Default: `containerd.io`. Content. */
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
  /** Path of a file that takes the place of the user-data template. It is read when the program runs, so an edit is a change. Content. */
  userData?: string;
  /** The same for meta-data. */
  metaData?: string;
  /** The same for network-config. */
  networkConfig?: string;
  /** Fills the placeholders `${userDataValues.NAME}` of these templates: name → text. Secret. Default: none. Content. */
  userDataValues?: pulumi.Input<Record<string, pulumi.Input<string>>>;
}

/** A cidata disc: the first boot of one machine, with the SSH host key that it will have. */
export class CloudInitIso extends DynamicResource {
  declare readonly path: pulumi.Output<string>;
  /** The version of Kubernetes that the machine installs: the one that was given, or the cluster's when the content was made. */
  declare readonly kubernetesVersion: pulumi.Output<string>;
  /** The image's identity: SHA-256 of its bytes, hexadecimal. */
  declare readonly sha256: pulumi.Output<string>;
  /** cloud-init's instance id: the name, and a hash of the content. */
  declare readonly instanceId: pulumi.Output<string>;
  /** The machine's SSH host key: `ssh-ed25519 AAAA…`. Made once, and kept by updates. */
  declare readonly hostPublicKey: pulumi.Output<string>;
  /** Its other half, a secret. */
  declare readonly hostPrivateKey: pulumi.Output<string>;
  /** The template, as it is used: one of an earlier version of the program stays while the content is the same. */
  declare readonly userData: pulumi.Output<string>;
  /** Whether the first boot ends with a reboot, when all was installed well. */
  declare readonly reboots: pulumi.Output<boolean>;
  /** The VirtualBox of the machine; undefined in a state that an earlier version wrote, until the next change. */
  declare readonly virtualBox: pulumi.Output<VirtualBoxHome | undefined>;

  constructor(name: string, args: CloudInitIsoArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = ["kubernetesVersion", "sha256", "instanceId", "hostPublicKey", "hostPrivateKey", "reboots", "virtualBox"];
    super("providers/cloudInitIso", "vbox:CloudInitIso", name, withTemplates(args), { outputs, secrets: ["hostPrivateKey", "former", "userDataValues", "sources", ...templates] }, opts);
  }

  /** What the disc's images are made of, for the machine that boots from it. Secret. */
  get seed(): pulumi.Output<Seed> {
    const all = this as unknown as Record<string, pulumi.Input<unknown>>;
    return pulumi.secret(pulumi.all(Object.fromEntries(SEED.map((part) => [part, all[part]])))) as pulumi.Output<unknown> as pulumi.Output<Seed>;
  }
}

interface Inputs extends Omit<RenderOptions, "kubernetesVersion">, Masters {
  path: string;
  /** What the templates were made from; absent in a state of version 0.1.0. */
  sources?: TemplateSources;
  stackId: string;
  adopt: boolean;
  kubernetesVersion?: string;
  /** Absent in a state that an earlier version of the program wrote. */
  machine?: Record<string, string>;
  /** Always true; a refresh that finds the file missing, altered or readable by others makes it false, and so there is an update. */
  intact: boolean;
}

interface Outputs extends Inputs, Discs {
  kubernetesVersion: string;
  reboots: boolean;
  virtualBox?: VirtualBoxHome;
}

const templates = ["userData", "metaData", "networkConfig"] as const;

/** The provider, on top of whatever runs VBoxManage. */
export const cloudInitIsoProvider = (exec: Exec): Provider<Inputs, Outputs> => ({
  defaults: {
    intact: true,
    ...{ stackId: "", adopt: false, vboxManage: "VBoxManage", commandTimeoutSeconds: 120 },
    distro: "debian",
    sshUser: "debian",
    kubernetesKeyFingerprint: "DE15B14486CD377B9E876E1A234654DA9A296436",
    containerdPackage: "containerd.io",
    dockerPackage: "docker-ce",
    dockerKeyFingerprint: "9DC858229FC7DD38854AE2D88D81803C0EBFCD88",
    packageUpgrade: true,
    ...{ locale: "en_US.UTF-8", timezone: "UTC" },
    ...{ userDataValues: {}, masters: [], sshTimeoutSeconds: 120 },
  },

  changes: {
    name: "replaces",
    path: "live",
    intact: "live",
    userData: "live",
    metaData: "live",
    networkConfig: "live",
    userDataValues: "live",
    sources: "note",
    zone: "live",
    distro: "live",
    sshUser: "live",
    sshPublicKey: "live",
    sshCaPublicKey: "live",
    macAddresses: "live",
    kubernetesVersion: "liveOnceGiven",
    machine: "nextTimeOnceStored",
    kubernetesRepository: "live",
    kubernetesKeyUrl: "live",
    kubernetesKeyFingerprint: "live",
    containerdPackage: "live",
    dockerPackage: "live",
    dockerRepository: "live",
    dockerKeyUrl: "live",
    dockerKeyFingerprint: "live",
    criDockerdUrl: "live",
    criDockerdSha256: "live",
    sandboxImage: "live",
    debianMirror: "live",
    packageUpgrade: "live",
    locale: "live",
    timezone: "live",
    stackId: "nextTime",
    adopt: "note",
    vboxManage: "note",
    masters: "note",
    sshTimeoutSeconds: "note",
    commandTimeoutSeconds: "note",
  },

  // A machine is not recreated because a later version of the program has better templates: it gets them with the next change of its content.
  // Nor for a value that is given now and was the default, or that its templates do not use.
  keep(olds, news) {
    if (!isDeepStrictEqual(sourcesOf(olds, olds.sources), news.sources)) return news;
    const isContent = (property: string) => provider.changes[property as keyof Inputs] === "live" && !["path", "intact"].includes(property);
    const content = (inputs: Inputs) => Object.fromEntries(Object.entries(inputs).filter(([property]) => isContent(property)));
    const rest = Object.fromEntries(Object.entries(news).filter(([property]) => !isContent(property)));
    const isSame = isSameFirstBoot(olds, { ...news, ...templatesOf(olds) });
    return isSame ? ({ ...rest, ...content(olds) } as Inputs) : news;
  },

  problems: inputProblems,

  isMachine: true,

  // Also what is not written again must still be installed by the machine that boots from it.
  checkFit: ({ masters = [], ...rest }, { log }) => checkVersion({ ...(rest as Inputs), masters }, log),

  // An ISO that is there already keeps its host key: a machine may have it. Of one that is taken over there may be only the public half.
  async create(inputs, context) {
    context.rolling.welcome(inputs.name);
    const vbox = connect(exec, inputs);
    const content = { ...inputs, kubernetesVersion: await chosenVersion(inputs, context.log) };
    const there = await observeIso(inputs.path);
    const isOurs = ({ stackId }: IsoIdentity) => stackId === inputs.stackId || inputs.adopt;
    const ours = there && isOurs(there) ? there : undefined;
    const half = inputs.adopt && ours?.later ? { hostPrivateKey: "", ...ours.later } : undefined;
    const outs: Outputs = seedOf(content, ours?.hostKey ?? half ?? generateHostKey());
    if (ours && !inputs.adopt && ours.sha256 !== outs.sha256) await refuseInUse(vbox, inputs);
    const virtualBox = await ensureVirtualBoxHome(vbox);
    await writeIso(inputs.path, firstBootImage(outs) ?? laterImage(outs), isOurs);
    return { id: inputs.path, outs: { ...outs, virtualBox } };
  },

  async read(_id, outs) {
    const found = await observeIso(outs.path);
    const isImage = found !== undefined && (await isUsed(connect(exec, outs), outs, found));
    const intact = isImage && isOfDiscs(outs)(found);
    const isLost = outs.virtualBox !== undefined && isForgotten(outs.virtualBox);
    return { ...outs, intact, sha256: isImage ? outs.sha256 : (found?.sha256 ?? ""), ...(isLost && { virtualBox: undefined }) };
  },

  async checkPlace(_id, outs) {
    if (outs.virtualBox) await checkHome(connect(exec, outs), `the ISO ${outs.path}`, outs.virtualBox);
  },

  async update(_id, olds, news, context) {
    const content = await withVersion(news, olds, context);
    const isSame = isSameContent(content, olds);
    const outs: Outputs = seedOf(content, olds.hostPrivateKey || isSame ? olds : generateHostKey());
    const isOurs = (there: IsoIdentity) => isOfDiscs(olds)(there) || there.stackId === news.stackId || news.adopt;
    // One of an earlier version's state may be of another VirtualBox than this: the machine tells.
    const vbox = connect(exec, news);
    const virtualBox = olds.virtualBox || (await vbox.isRegistered(news.name)) ? await ensureVirtualBoxHome(vbox) : undefined;
    const living = await discToKeep(vbox, olds);
    // The machine that takes its place brings the other disc with it.
    const former: Disc | undefined = living && living.sha256 !== outs.sha256 ? { ...living, stackId: news.stackId } : undefined;
    const disc = former ?? outs;
    const isLater = (isSame || living !== undefined) && (await isForLaterBoots(vbox, olds.path, disc));
    await writeIso(news.path, (isLater ? undefined : firstBootImage(disc)) ?? laterImage(disc), isOurs);
    if (olds.path !== news.path) await removeIso(olds.path, isOurs);
    return { ...outs, ...(former && { former: partsOf(former) }), virtualBox };
  },

  async delete(_id, outs, context) {
    if (!(await removeIso(outs.path, isOfDiscs(outs)))) context.log(`${outs.path} stays: it is not the file that was written there`);
  },
});

/** @internal Loaded by the handler in a resource's state. */
export const provider = cloudInitIsoProvider(execHere);

/** Whether the machine that boots from it is to be replaced for what it is made from; where that was not written down, nothing is concluded. */
const isOtherMachine = (olds: Inputs, news: Inputs) => olds.machine !== undefined && !isDeepStrictEqual(olds.machine, news.machine);

const connect = (exec: Exec, { vboxManage, commandTimeoutSeconds }: Inputs) => new VBoxManage(vboxManage, execWithin(commandTimeoutSeconds * 1000, exec));

/** A file that is only repaired or moved keeps its version, and nobody is asked. */
async function withVersion(news: Inputs, olds: Outputs, context: Context): Promise<Inputs & RenderOptions> {
  const kept = { ...news, kubernetesVersion: news.kubernetesVersion ?? olds.kubernetesVersion };
  if (!isOtherMachine(olds, news) && isSameContent(kept, olds)) return kept;
  return { ...news, kubernetesVersion: await chosenVersion(news, context.log, olds.kubernetesVersion) };
}
