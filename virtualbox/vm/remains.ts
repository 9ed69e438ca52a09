import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../common/errors";
import { claimOf, hasNamesOf, isMarkOf, markOf, type Owner } from "../../common/mark";
import { shellCommand } from "../../common/shell";
import { FINISHED_KEY, OWNER_KEY } from "./owner";

/**
 * What is in the folder of an owner's machine that VirtualBox does not know, or cannot read. Only `nothing` and the
 * `rest` of an interrupted clone or deletion may be taken away unasked: that has no settings file yet, or one without
 * the mark of a finished machine.
 */
export type Remains = { is: "nothing" | "rest" } | { is: "finished" | "anothers" | "unclear"; refusal: UserError };

/**
 * Looks what a folder holds.
 * @param uuid of the owner's machine in the state; without it, a machine of the owner's names may be the owner's
 */
export async function remainsIn(folder: string, owner: Owner, uuid?: string): Promise<Remains> {
  const files = await filesIn(folder);
  if (files === undefined) return { is: "nothing" };
  for (const file of files.filter((name) => name.endsWith(".vbox")).map((name) => join(folder, name))) {
    const remains = judge(file, readSettings(await readFile(file, "utf8")), owner, uuid);
    if (remains) return remains;
  }
  // VirtualBox keeps the settings from before a change beside them: where only these are left, the others were lost.
  const lost = files.find((name) => name.endsWith(".vbox-prev"));
  if (lost !== undefined && !files.some((name) => name.endsWith(".vbox")))
    return unclear(join(folder, lost.replace(/-prev$/, "")));
  return { is: "rest" };
}

async function filesIn(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new UserError(`the machine folder ${folder} could not be looked at`, {
      output: (cause as Error).message,
      cause,
    });
  }
}

/** What a machine's settings file says of it. */
interface Settings {
  uuid: string;
  owner?: string;
  finished?: string;
}

/** Undefined where they are not whole, as after a loss of power, or encrypted. */
function readSettings(text: string): Settings | undefined {
  const uuid = /<Machine\b[^>]*\buuid="\{([0-9a-f-]{36})\}"/.exec(text)?.[1];
  if (uuid === undefined || !/<\/Machine>\s*<\/VirtualBox>\s*$/.test(text) || text.includes("\0")) return undefined;
  const value = (key: string) => new RegExp(`name="${key}" value="([^"]*)"`).exec(text)?.[1];
  return { uuid, owner: value(OWNER_KEY), finished: value(FINISHED_KEY) };
}

function judge(
  file: string,
  settings: Settings | undefined,
  owner: Owner,
  uuid: string | undefined,
): Remains | undefined {
  if (!settings) return unclear(file);
  // A clone inherits its base image's marks, which have the base image's name.
  const isMarked = settings.owner !== undefined && isMarkOf(settings.owner, owner.name);
  const isAnothers =
    isMarked && claimOf(settings.owner, owner) === "foreign" && (uuid === undefined || Boolean(owner.stackId));
  const isFinished = hasNamesOf(settings.finished, owner);
  if (isAnothers || (isFinished && uuid !== undefined && settings.uuid !== uuid))
    return { is: "anothers", refusal: unregistered(file, owner, settings) };
  return isFinished ? { is: "finished", refusal: unregistered(file, owner, settings) } : undefined;
}

const unregistered = (file: string, owner: Owner, settings: Settings) =>
  new UserError(
    `${join(file, "..")} holds a finished machine ${owner.name} of ${owner.stack} that VirtualBox does not know`,
    {
      ...(settings.owner !== markOf(owner) && {
        output: `its mark is "${settings.owner ?? ""}"; this stack's is "${markOf(owner)}"`,
      }),
      hint: `make it known again: ${shellCommand(["VBoxManage", "registervm", file])}; or, if it is of no use any more, delete that folder`,
    },
  );

const unclear = (file: string): Remains => ({
  is: "unclear",
  refusal: new UserError(
    `${join(file, "..")} holds a machine whose settings cannot be read: ${file} is missing or not whole`,
    {
      hint:
        `if ${file}-prev is there, it has the settings from before the last change: ${shellCommand(["cp", `${file}-prev`, file])}, ` +
        `then ${shellCommand(["VBoxManage", "registervm", file])} where VirtualBox does not have the machine; or, if it is of no use any more, delete that folder`,
    },
  ),
});
