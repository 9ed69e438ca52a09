import { type IsoIdentity, observeIso, sha256, writeIso } from "../cloudinit/isoFile";
import { firstBootImage, isOfSeed, laterImage, type Seed } from "../cloudinit/seed";
import { UserError } from "../common/errors";
import type { VBoxManage } from "../virtualbox/vboxManage";
import type { VmInfo } from "../virtualbox/vmInfo";
import { isFirstBootOver, markFirstBoot } from "../virtualbox/vm/firstBoot";
import { ejectIso, insertIso } from "../virtualbox/vm/iso";
import type { Log } from "../common/log";

/** Which disc a machine has. */
interface DiscInputs {
  name: string;
  isoPath?: string;
  /** SHA-256 of the image of the first boot. */
  isoSha256?: string;
  seed?: Seed;
  adopt: boolean;
}

/** A disc of which both images can be made. */
interface Disc {
  path: string;
  identity: string;
  seed: Seed;
}

const discOf = ({ isoPath, isoSha256, seed }: DiscInputs): Disc | undefined =>
  isoPath !== undefined && isoSha256 !== undefined && seed !== undefined
    ? { path: isoPath, identity: isoSha256, seed }
    : undefined;

/** @throws UserError where a new machine cannot have the host key that it is to have */
export function checkKey({ name, seed }: DiscInputs): void {
  if (seed?.hostPrivateKey !== "") return;
  throw new UserError(
    `${name} cannot be made again with its host key: it was taken over when its ISO had the private half no more`,
    {
      hint: "replace its ISO, which makes another host key and another machine: `pulumi up --replace URN`, with the URN of its vbox:CloudInitIso from `pulumi stack --show-urns`",
    },
  );
}

/**
 * Puts a machine's ISO into its drive. As long as its first boot is to come, or under way, that is the image with the
 * host key.
 * @param wasReady the state knows that its first boot is over
 * @param isNew it is a bare clone
 * @throws UserError where the ISO is not there in the end
 */
export async function insertDisc(
  vbox: VBoxManage,
  vm: VmInfo,
  inputs: DiscInputs,
  { wasReady, isNew }: { wasReady: boolean; isNew: boolean },
): Promise<void> {
  if (inputs.isoPath === undefined) return;
  if (isNew) checkKey(inputs);
  const disc = discOf(inputs);
  const image = disc && firstBootImage(disc.seed);
  if (image && (isNew || !(wasReady || (await isFirstBootOver(vbox, vm.uuid, disc.identity)))))
    await swap(vbox, vm, disc, image, inputs.adopt);
  else await insertIso(vbox, vm, inputs.isoPath);
}

/**
 * Writes a machine's ISO over by the image without the host key, when its first boot is over. Where that fails, the
 * machine is as good as before: it is tried again by the next `up`, which {@link isKeyRemoved} has seen to.
 * @param isReady the guest told that its first boot is over
 * @param keyRemoved what the state says
 */
export async function removeKey(
  vbox: VBoxManage,
  uuid: string,
  inputs: DiscInputs,
  { isReady, keyRemoved = true, log }: { isReady: boolean; keyRemoved?: boolean; log: Log },
): Promise<void> {
  const disc = discOf(inputs);
  if (!disc) return;
  if (isReady) await markFirstBoot(vbox, uuid, disc.identity);
  else if (!(await isFirstBootOver(vbox, uuid, disc.identity))) return;
  try {
    await swap(vbox, (await vbox.showVm(uuid))!, disc, laterImage(disc.seed), inputs.adopt, !keyRemoved);
  } catch (error) {
    log(
      `its ISO, ${disc.path}, was not changed for the one without its private host key; the next \`pulumi up\` tries again: ${(error as Error).message}`,
      "warning",
    );
  }
}

/** Whether the ISO has no private key, or the machine's first boot still needs it. */
export async function isKeyRemoved(
  vbox: VBoxManage,
  vm: VmInfo,
  inputs: DiscInputs & { address?: string },
): Promise<boolean> {
  const disc = discOf(inputs);
  if (!disc || !(await observeIso(disc.path))?.hostKey) return true;
  return inputs.address === undefined && !(await isFirstBootOver(vbox, vm.uuid, disc.identity));
}

/** Which of the two images is to be there again: the one that is, or, where it is neither, what the machine needs. */
export async function isForLaterBoots(
  vbox: VBoxManage,
  path: string,
  disc: Seed & { sha256: string },
): Promise<boolean> {
  const there = await observeIso(path);
  if (there?.sha256 === disc.sha256) return false;
  if (there?.sha256 === sha256(laterImage(disc))) return true;
  const vm = await vbox.showVm(disc.name);
  return vm !== undefined && (await isFirstBootOver(vbox, vm.uuid, disc.sha256));
}

/**
 * Brings an image to the ISO's place. VirtualBox reads what is in a drive by a file that it has open, so it is taken
 * out before.
 * @param again also where that image is there: what is in the drive may be an older file
 */
async function swap(
  vbox: VBoxManage,
  vm: VmInfo,
  { path, identity, seed }: Disc,
  image: Buffer,
  adopt: boolean,
  again = false,
): Promise<void> {
  const there = await observeIso(path);
  if (!again && there?.sha256 === sha256(image) && there.stackId === seed.stackId) return insertIso(vbox, vm, path);
  await ejectIso(vbox, vm, path);
  const insert = async () => insertIso(vbox, (await vbox.showVm(vm.uuid))!, path);
  try {
    await writeIso(path, image, (file: IsoIdentity) => isOfSeed(seed, identity)(file) || adopt);
  } catch (error) {
    await insert().catch(() => undefined); // Whatever is there is better than an empty drive.
    throw error;
  }
  await insert();
}
