import { isDeepStrictEqual } from "node:util";
import type { HostKey } from "./hostKey";
import { isoImage } from "./iso9660/image";
import { isIsoOf, sha256 } from "./isoFile";
import { renderLater } from "./laterBoots";
import { render, type RenderOptions } from "./render";

/**
 * What the two images of a machine's cidata disc are made of: that of its first boot, which has the host's private key,
 * and that of all later ones. It is secret.
 */
export interface Seed extends RenderOptions, HostKey {
  /**
   * Empty where nobody knows it: the machine was taken over, and its disc had the key no more. There is no image of a
   * first boot then.
   */
  hostPrivateKey: string;
  instanceId: string;
  stackId: string;
}

/** What is rendered. */
const content: Readonly<Record<keyof RenderOptions, true>> = {
  ...{
    name: true,
    zone: true,
    distro: true,
    sshUser: true,
    sshPublicKey: true,
    sshCaPublicKey: true,
    macAddresses: true,
  },
  ...{
    packageUpgrade: true,
    locale: true,
    timezone: true,
    debianMirror: true,
    sandboxImage: true,
    containerdPackage: true,
  },
  ...{ kubernetesVersion: true, kubernetesRepository: true, kubernetesKeyUrl: true, kubernetesKeyFingerprint: true },
  ...{
    dockerPackage: true,
    dockerRepository: true,
    dockerKeyUrl: true,
    dockerKeyFingerprint: true,
    criDockerdUrl: true,
    criDockerdSha256: true,
  },
  ...{ userData: true, metaData: true, networkConfig: true, userDataValues: true },
};
const CONTENT = Object.keys(content) as readonly (keyof RenderOptions)[];

/** The names of what a seed consists of. */
export const SEED: readonly (keyof Seed)[] = [...CONTENT, "hostPrivateKey", "hostPublicKey", "instanceId", "stackId"];

/** The image of the first boot; undefined where the private key is not known. */
export const firstBootImage = (seed: Seed): Buffer | undefined =>
  seed.hostPrivateKey ? isoImage("cidata", render(seed, seed).files, seed.stackId) : undefined;

/** The image of all later boots, which is told from the first without the key. */
export const laterImage = (seed: Seed): Buffer =>
  isoImage("cidata", renderLater(seed, seed.hostPublicKey, seed.instanceId), seed.stackId);

/**
 * What is to be known of a machine's disc before it is made.
 * @param instanceId needed where the private key is not known
 */
export function seedOf<T extends RenderOptions & { stackId: string }>(
  content: T,
  hostKey: HostKey & { instanceId?: string },
): T & Seed & { sha256: string; reboots: boolean } {
  const { hostPrivateKey, hostPublicKey } = hostKey;
  const { instanceId, reboots } = render(content, hostKey);
  const seed = {
    ...content,
    hostPrivateKey,
    hostPublicKey,
    instanceId: hostPrivateKey ? instanceId : hostKey.instanceId!,
  };
  return { ...seed, sha256: sha256(firstBootImage(seed) ?? laterImage(seed)), reboots };
}

/** Whether a machine's disc stays the same, but for whose it is. */
export function isSameContent(content: RenderOptions, seed: Seed): boolean {
  if (seed.hostPrivateKey) return render(content, seed).instanceId === seed.instanceId;
  return isSameRendering(content, seed);
}

/**
 * Whether two contents make the same files, with the same host key. A preview without changes asks this of every
 * worker: equal ones are not rendered.
 */
export const isSameRendering = (a: RenderOptions, b: RenderOptions) =>
  CONTENT.every((part) => isDeepStrictEqual(a[part], b[part])) ||
  render(a, NO_KEY).instanceId === render(b, NO_KEY).instanceId;

const NO_KEY: HostKey = { hostPrivateKey: "", hostPublicKey: "" };

/**
 * Whether an image on disk is one of a seed's two, or another of its stack's.
 * @param identity SHA-256 of the image of the first boot
 */
export const isOfSeed = (seed: Seed, identity: string) =>
  isIsoOf(seed.stackId, () => [identity, sha256(laterImage(seed))]);
