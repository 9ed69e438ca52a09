import * as pulumi from "@pulumi/pulumi";
import { isDeepStrictEqual } from "node:util";
import { sourcesOf } from "../cloudinit/earlierTemplates";
import { generateHostKey } from "../cloudinit/hostKey";
import { type IsoIdentity, observeIso, removeIso, writeIso } from "../cloudinit/isoFile";
import { inputProblems } from "../cloudinit/problems";
import type { RenderOptions } from "../cloudinit/render";
import { firstBootImage, isSameContent, laterImage, SEED, type Seed, seedOf } from "../cloudinit/seed";
import type { TemplateSources } from "../cloudinit/templates";
import { checkVersion, chosenVersion } from "../access/chosenVersion";
import type { Masters } from "../access/clusterVersion";
import { type Exec, exec as execHere, execWithin } from "../common/exec";
import { pick } from "../common/pick";
import { VBoxManage } from "../virtualbox/vboxManage";
import { checkHome, ensureVirtualBoxHome, isForgotten, type VirtualBoxHome } from "../virtualbox/home";
import { refuseInUse } from "../virtualbox/vm/isoInUse";
import { hasMachine } from "../virtualbox/vm/stackMachines";
import type { CloudInitIsoArgs } from "./cloudInitIsoArgs";
import { isSameFirstBoot, TEMPLATES, withTemplates } from "./cloudInitTemplates";
import { type Context, DynamicResource, type Provider } from "./dynamic";
import { type Disc, type Discs, discToKeep, instanceToKeep, isOfDiscs, isUsed, partsOf } from "./livingDisc";
import { isForLaterBoots } from "./machineDisc";
import { checkNewMachine, type OfStack } from "./places";

/** A cidata disc: the first boot of one machine, with the SSH host key that it will have. */
export class CloudInitIso extends DynamicResource {
  declare readonly path: pulumi.Output<string>;
  /**
   * The version of Kubernetes that the machine installs: the one that was given, or the cluster's when the content was
   * made.
   */
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
    const outputs = [
      "kubernetesVersion",
      "sha256",
      "instanceId",
      "hostPublicKey",
      "hostPrivateKey",
      "reboots",
      "virtualBox",
    ];
    super(
      "providers/cloudInitIso",
      "vbox:CloudInitIso",
      name,
      withTemplates(args),
      { outputs, secrets: ["hostPrivateKey", "former", "userDataValues", "sources", ...TEMPLATES] },
      opts,
    );
  }

  /** What the disc's images are made of, for the machine that boots from it. Secret. */
  get seed(): pulumi.Output<Seed> {
    const all = this as unknown as Record<string, pulumi.Input<unknown>>;
    return pulumi.secret(
      pulumi.all(Object.fromEntries(SEED.map((part) => [part, all[part]]))),
    ) as pulumi.Output<unknown> as pulumi.Output<Seed>;
  }
}

interface Inputs extends Omit<RenderOptions, "kubernetesVersion">, Masters, OfStack {
  path: string;
  stack: string;
  /** What the templates were made from; absent in a state of version 0.1.0. */
  sources?: TemplateSources;
  stackId: string;
  adopt: boolean;
  kubernetesVersion?: string;
  /** Absent in a state that an earlier version of the program wrote. */
  machine?: Record<string, string>;
  /**
   * Always true; a refresh that finds the file missing, altered or readable by others makes it false, and so there is
   * an update.
   */
  intact: boolean;
}

interface Outputs extends Inputs, Discs {
  kubernetesVersion: string;
  reboots: boolean;
  virtualBox?: VirtualBoxHome;
}

/** The provider, on top of whatever runs VBoxManage. */
export const cloudInitIsoProvider = (exec: Exec): Provider<Inputs, Outputs> => ({
  defaults: {
    intact: true,
    ...{ stack: "", stackId: "", adopt: false, vboxManage: "VBoxManage", commandTimeoutSeconds: 120 },
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
    name: "replace",
    path: "inPlace",
    intact: "inPlace",
    userData: "inPlace",
    metaData: "inPlace",
    networkConfig: "inPlace",
    userDataValues: "inPlace",
    sources: "note",
    zone: "inPlace",
    distro: "inPlace",
    sshUser: "inPlace",
    sshPublicKey: "inPlace",
    sshCaPublicKey: "inPlace",
    macAddresses: "inPlace",
    kubernetesVersion: "inPlaceOnceGiven",
    machine: "stateOnlyUnlessUnset",
    kubernetesRepository: "inPlace",
    kubernetesKeyUrl: "inPlace",
    kubernetesKeyFingerprint: "inPlace",
    containerdPackage: "inPlace",
    dockerPackage: "inPlace",
    dockerRepository: "inPlace",
    dockerKeyUrl: "inPlace",
    dockerKeyFingerprint: "inPlace",
    criDockerdUrl: "inPlace",
    criDockerdSha256: "inPlace",
    sandboxImage: "inPlace",
    debianMirror: "inPlace",
    packageUpgrade: "inPlace",
    locale: "inPlace",
    timezone: "inPlace",
    stackId: "stateOnly",
    stack: "note",
    stackVirtualBox: "note",
    adopt: "note",
    vboxManage: "note",
    masters: "note",
    sshTimeoutSeconds: "note",
    commandTimeoutSeconds: "note",
  },

  // A machine is not recreated because a later version of the program has better templates: it gets them with the next
  // change of its content. Nor for a value that is given now and was the default, or that its templates do not use.
  keep(olds, news) {
    if (!isDeepStrictEqual(sourcesOf(olds, olds.sources), news.sources)) return news;
    const isContent = (property: string) =>
      provider.changes[property as keyof Inputs] === "inPlace" && !["path", "intact"].includes(property);
    const content = (inputs: Inputs) =>
      Object.fromEntries(Object.entries(inputs).filter(([property]) => isContent(property)));
    const rest = Object.fromEntries(Object.entries(news).filter(([property]) => !isContent(property)));
    const isSame = isSameFirstBoot(olds, { ...news, ...pick(olds, TEMPLATES) });
    return isSame ? ({ ...rest, ...content(olds) } as Inputs) : news;
  },

  problems: inputProblems,

  isMachine: true,

  // Also what is not written again must still be installed by the machine that boots from it.
  checkFit: ({ masters = [], ...rest }, { log }) => checkVersion({ ...(rest as Inputs), masters }, log),

  // An ISO that is there already keeps its host key: a machine may have it. Of one that is taken over there may be only
  // the public half.
  async create(inputs, context) {
    context.rolling.welcome(inputs.name);
    const vbox = connect(exec, inputs);
    const content = { ...inputs, kubernetesVersion: await chosenVersion(inputs, context.log) };
    const there = await observeIso(inputs.path);
    const isOurs = ({ stackId }: IsoIdentity) => stackId === inputs.stackId || inputs.adopt;
    const ours = there && isOurs(there) ? there : undefined;
    const half = inputs.adopt && ours?.later ? { hostPrivateKey: "", ...ours.later } : undefined;
    const asked = seedOf(content, ours?.hostKey ?? half ?? generateHostKey());
    const living =
      inputs.adopt && ours && ours.sha256 !== asked.sha256 ? await instanceToKeep(vbox, inputs, ours) : undefined;
    const outs: Outputs = living ? seedOf(content, living) : asked;
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
    return {
      ...outs,
      intact,
      sha256: isImage ? outs.sha256 : (found?.sha256 ?? ""),
      ...(isLost && { virtualBox: undefined }),
    };
  },

  async checkPlace(_id, outs) {
    if (!outs.virtualBox) return;
    const vbox = connect(exec, outs);
    // The machine may have been moved on purpose, or made elsewhere after its ISO.
    if (!(await hasMachine(vbox, outs))) await checkHome(vbox, `the ISO ${outs.path}`, outs.virtualBox);
  },

  checkNewPlace: (inputs) => checkNewMachine(connect(exec, inputs as Inputs), inputs as Inputs),

  async update(_id, olds, news, context) {
    const content = await withVersion(news, olds, context);
    const isSame = isSameContent(content, olds);
    const outs: Outputs = seedOf(content, olds.hostPrivateKey || isSame ? olds : generateHostKey());
    const isOurs = (there: IsoIdentity) => isOfDiscs(olds)(there) || there.stackId === news.stackId || news.adopt;
    // One of an earlier version's state may be of another VirtualBox than this: the machine tells.
    const vbox = connect(exec, news);
    const virtualBox =
      olds.virtualBox || (await vbox.isRegistered(news.name)) ? await ensureVirtualBoxHome(vbox) : undefined;
    const living = await discToKeep(vbox, olds);
    // The machine that takes its place brings the other disc with it.
    const former: Disc | undefined =
      living && living.sha256 !== outs.sha256 ? { ...living, stackId: news.stackId } : undefined;
    const disc = former ?? outs;
    const isLater = (isSame || living !== undefined) && (await isForLaterBoots(vbox, olds.path, disc));
    await writeIso(news.path, (isLater ? undefined : firstBootImage(disc)) ?? laterImage(disc), isOurs);
    if (olds.path !== news.path) await removeIso(olds.path, isOurs);
    return { ...outs, ...(former && { former: partsOf(former) }), virtualBox };
  },

  async delete(_id, outs, context) {
    if (!(await removeIso(outs.path, isOfDiscs(outs))))
      context.log(`${outs.path} stays: it is not the file that was written there`, "warning");
  },
});

/** @internal Loaded by the handler in a resource's state. */
export const provider = cloudInitIsoProvider(execHere);

/**
 * Whether the machine that boots from it is to be replaced for what it is made from; where that was not written down,
 * nothing is concluded.
 */
const isOtherMachine = (olds: Inputs, news: Inputs) =>
  olds.machine !== undefined && !isDeepStrictEqual(olds.machine, news.machine);

const connect = (exec: Exec, { vboxManage, commandTimeoutSeconds }: Inputs) =>
  new VBoxManage(vboxManage, execWithin(commandTimeoutSeconds * 1000, exec));

/** A file that is only repaired or moved keeps its version, and nobody is asked. */
async function withVersion(news: Inputs, olds: Outputs, context: Context): Promise<Inputs & RenderOptions> {
  const kept = { ...news, kubernetesVersion: news.kubernetesVersion ?? olds.kubernetesVersion };
  if (!isOtherMachine(olds, news) && isSameContent(kept, olds)) return kept;
  return { ...news, kubernetesVersion: await chosenVersion(news, context.log, olds.kubernetesVersion) };
}
