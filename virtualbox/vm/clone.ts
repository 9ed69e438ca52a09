import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../common/errors";
import { birthUuid, type Owner } from "../../common/mark";
import { VBoxError } from "../error";
import { withBaseImage } from "../baseImageLock";
import type { VBoxManage } from "../vboxManage";
import { InaccessibleVm, type VmInfo } from "../vmInfo";
import { type CloneSource, lookAtBase, noSnapshot } from "./base";
import { isFinished, isNamesake, stackFolder, ownershipOf } from "./owner";
import { remainsIn } from "./remains";
import { removeFolder, removeVm } from "./remove";
import type { Log } from "../../common/log";

interface ObtainOptions {
  /** Identifies what the machine is made from: one that an interrupted create made from something else is recreated. */
  origin: string;
  /** Takes a machine that is not ours. */
  adopt: boolean;
  /** Called before a machine is cloned. @throws what keeps it from being of use */
  check(): Promise<void>;
  log: Log;
}

/**
 * The owner's machine: the one that is there, or a new clone. A clone that was never completed is deleted first.
 * @returns its UUID; `isNew`: it is a bare clone, as yet without the owner's mark
 * @throws UserError, unless it is to be adopted, for a machine of this name that is not ours; and for one of ours that
 *   was finished, made from something else: a create that finds it means that Pulumi's state was lost
 */
export async function obtainVm(
  vbox: VBoxManage,
  owner: Owner,
  source: CloneSource,
  options: ObtainOptions,
): Promise<{ uuid: string; isNew: boolean }> {
  const { origin, adopt, check, log } = options;
  const found = await vbox.showVm(owner.name);
  const ownership = found && (await ownershipOf(vbox, found, owner, { origin }));
  if (found && ownership === "ours") {
    log("going on with the machine that is there");
    return { uuid: found.uuid, isNew: false };
  }
  const isFinal = found && (ownership === "foreign" || (await isFinished(vbox, found.uuid, owner)));
  if (isFinal && !adopt)
    throw (await isNamesake(vbox, found, owner)) ? unknownToState(found, owner) : notOurs(found, owner);
  if (isFinal) {
    log("adopting the machine that is there");
    return { uuid: found.uuid, isNew: false };
  }
  await check();
  return withBaseImage(source.baseImage, async () => {
    if (found) {
      log(`deleting what an interrupted run left (${ownership})`);
      await removeVm(vbox, found, owner);
    }
    return { uuid: await clone(vbox, owner, source, log), isNew: true };
  });
}

const notOurs = ({ uuid, settingsFile }: VmInfo, { name, stack }: Owner) =>
  new UserError(`VirtualBox already has a machine ${name} (${uuid}, ${settingsFile}), which ${stack} did not make`, {
    hint: "rename or delete that machine, choose another name, or set `adopt: true` to take it over as it is",
  });

/**
 * Also where the names are the same, and the id is another's: nobody can tell a lost state from another stack of these
 * names.
 */
const unknownToState = ({ uuid }: VmInfo, { name, stack }: Owner) =>
  new UserError(
    `VirtualBox has a machine ${name} (${uuid}) that ${stack} made earlier, and that Pulumi's state does not know`,
    {
      hint:
        "bring the stack's state back (`pulumi stack import`), or take the machine over as it is (`pulumi config set adopt true`); " +
        `if it belongs to another stack of the same names, give this one another \`clusterName\`; if it is of no use any more: VBoxManage unregistervm ${uuid} --delete`,
    },
  );

/** VirtualBox goes on with a clone whose VBoxManage was killed, and writes its files when we have just removed them. */
const ATTEMPTS = 6;

async function clone(vbox: VBoxManage, owner: Owner, source: CloneSource, log: Log): Promise<string> {
  const baseFolder = stackFolder(await vbox.machineFolder(), owner);
  const folder = join(baseFolder, owner.name);
  const uuid = birthUuid(owner);
  await clear(vbox, folder, owner);
  const base = await lookAtBase(vbox, source);
  log(`cloning ${source.baseImage}`);
  for (let attempt = 1; ; attempt++) {
    try {
      await vbox.clone(base.uuid, {
        name: owner.name,
        uuid,
        baseFolder,
        snapshot: source.baseSnapshot,
        linked: source.cloneMode === "linked",
      });
      return uuid;
    } catch (error) {
      await clear(vbox, folder, owner).catch((left: Error) => {
        throw notCleared(explained(error, source), left);
      });
      if (attempt === ATTEMPTS || !(error instanceof VBoxError) || !error.isInTheWay) throw explained(error, source);
      log(`cloning ${source.baseImage}: the rest of an interrupted clone was in the way, trying again`);
      await sleep(1000 * attempt);
    }
  }
}

/**
 * Makes room for a clone: removes what an interrupted run left.
 * @throws UserError for anything else: a machine that VirtualBox does not know, or cannot read, may be the only copy of
 * somebody's data
 */
async function clear(vbox: VBoxManage, folder: string, owner: Owner): Promise<void> {
  const lost = await vbox.inaccessibleVms();
  const files: ReadonlyMap<string, string> = lost.length > 0 ? await vbox.inaccessibleFiles() : new Map();
  const isHere = (file: string | undefined) => file === undefined || resolve(dirname(file)) === resolve(folder);
  // One whose file is not known may be this one: the long list names these machines in other words than the short one.
  for (const uuid of new Set([...lost, ...files.keys()])) if (isHere(files.get(uuid))) throw new InaccessibleVm(uuid);
  const remains = await remainsIn(folder, owner);
  if ("refusal" in remains) throw remains.refusal;
  if (remains.is === "rest") await removeFolder(vbox, folder, owner);
}

/** A clone that failed, and what it left: why it failed comes first. */
function notCleared(error: unknown, left: Error): unknown {
  if (!(error instanceof UserError)) return error;
  const { summary, detail } = error;
  return new UserError(summary, {
    ...detail,
    output: [detail.output, `and what it left could not be removed:\n${left.message}`].filter(Boolean).join("\n"),
  });
}

function explained(error: unknown, { baseImage, baseSnapshot }: CloneSource): unknown {
  if (!(error instanceof VBoxError)) return error;
  const { output, hint } = error.detail;
  if (!error.isNotFound || !baseSnapshot)
    return new UserError(`the base image ${baseImage} could not be cloned`, { output, hint, cause: error });
  return noSnapshot(baseImage, baseSnapshot, { output, cause: error });
}
