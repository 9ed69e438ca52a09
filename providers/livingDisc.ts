import { type IsoFile, type IsoIdentity, observeIso, sha256 } from "../cloudinit/isoFile";
import { isOfSeed, laterImage, SEED, type Seed, seedOf } from "../cloudinit/seed";
import { pick } from "../common/pick";
import { UserError } from "../common/errors";
import type { VBoxManage } from "../virtualbox/vboxManage";
import { isFirstBootOver } from "../virtualbox/vm/firstBoot";
import { wasFinished } from "../virtualbox/vm/owner";

/** A machine's disc, of which both images can be made. */
export interface Disc extends Seed {
  /** SHA-256 of the image of the first boot. */
  sha256: string;
}

/** The discs that a state knows. */
export interface Discs extends Disc {
  path: string;
  /**
   * That of the machine which is to be replaced by one with the other disc: it stays in the drive, as cloud-init would
   * take any other for that of another machine, and make this one over at its next boot.
   */
  former?: Disc;
  virtualBox?: object;
}

/** A disc without what else a state has. */
export const partsOf = (disc: Disc): Disc => pick(disc, ["sha256", ...SEED]);

const isLaterImageOf = (disc: Disc, { sha256: is }: IsoIdentity) => is === sha256(laterImage(disc));
const isImageOf = (disc: Disc, there: IsoIdentity) => there.sha256 === disc.sha256 || isLaterImageOf(disc, there);

/** Whether an image on disk is one of a state's. */
export const isOfDiscs = (discs: Discs) => (there: IsoIdentity) =>
  [discs, discs.former].some((disc) => disc !== undefined && isOfSeed(disc, disc.sha256)(there));

/** Whether an image is the one that the machine is to have in its drive, with the key or without. */
export async function isUsed(vbox: VBoxManage, discs: Discs, there: IsoFile): Promise<boolean> {
  return isImageOf((discs.former && (await discToKeep(vbox, discs))) ?? discs, there);
}

/**
 * The disc of a machine that is there, and past its first boot. Undefined where there is none, and where nobody would
 * put another disc into the drive of its successor: VBoxVm does so with a `seed`, and then leaves its mark on the
 * machine, and the image without the key on disk.
 */
export async function discToKeep(vbox: VBoxManage, discs: Discs): Promise<Disc | undefined> {
  // A refresh that finds another file changes the state's SHA-256.
  const current = { ...discs, sha256: seedOf(discs, discs).sha256 };
  const known: Disc[] = discs.former ? [current, discs.former] : [current];
  const vm = await vbox.showVm(discs.name);
  for (const disc of known) if (vm && (await isFirstBootOver(vbox, vm.uuid, disc.sha256))) return disc;
  const there = await observeIso(discs.path);
  const left =
    there && known.find((disc) => isLaterImageOf(disc, there) || (disc === discs.former && isImageOf(disc, there)));
  if (left) return left;
  // Version 0.1.0 left the image with the key, and no mark of the first boot's end.
  return vm && !discs.virtualBox && (await wasFinished(vbox, vm.uuid)) ? current : undefined;
}

/**
 * What is kept of the disc of a machine that is taken over, past its first boot, where the disc has its key and other
 * content: the instance, which would be made over otherwise by its next boot. The key is of no use without that
 * content.
 * @returns undefined where there is no such machine
 * @throws UserError where the instance cannot be told
 */
export async function instanceToKeep(
  vbox: VBoxManage,
  { name, path }: Pick<Discs, "name" | "path">,
  there: IsoFile,
): Promise<Pick<Seed, "hostPrivateKey" | "hostPublicKey" | "instanceId"> | undefined> {
  const vm = there.hostKey && (await vbox.showVm(name));
  if (!vm) return undefined;
  // Version 0.1.0 wrote no stack's id, and no mark of the first boot's end.
  const isLiving =
    (await isFirstBootOver(vbox, vm.uuid, there.sha256)) ||
    (there.stackId === "" && (await wasFinished(vbox, vm.uuid)));
  if (!isLiving) return undefined;
  if (there.instanceId !== undefined)
    return { hostPrivateKey: "", hostPublicKey: there.hostKey!.hostPublicKey, instanceId: there.instanceId };
  throw new UserError(
    `the instance-id in the ISO ${path} of the machine ${name} (${vm.uuid}) cannot be told; nothing was changed`,
    {
      hint: "bring the stack's state back (`pulumi stack import`), or take ISO and machine over with the configuration that they were made with",
    },
  );
}
