import { claimOf, type Owner } from "../../common/mark";
import { readMachineNames } from "../answer";
import { VBoxError } from "../error";
import type { VBoxManage } from "../vboxManage";
import { OWNER_KEY } from "./owner";

/** What no worker is called is no name that VBoxManage is asked for: an option, or the word for an unreadable machine. */
const WORKER_NAME = /^[a-z0-9]/;

/**
 * Whether VirtualBox has a machine with the mark of a stack, by its name and id, or the mark that version 0.1.0 gave. A
 * clone that has its base image's mark, or a machine that was renamed, does not count.
 */
export async function hasMachineOf(vbox: VBoxManage, stack: Omit<Owner, "name">): Promise<boolean> {
  for (const name of (await vbox.list("vms", readMachineNames)).filter((one) => WORKER_NAME.test(one)))
    if (await hasMachine(vbox, { ...stack, name })) return true;
  return false;
}

/** Whether VirtualBox has an owner's machine under its name, by such a mark. */
export async function hasMachine(vbox: VBoxManage, owner: Owner): Promise<boolean> {
  const claim = claimOf(await markOn(vbox, owner.name), owner);
  return claim === "ours" || claim === "unnumbered";
}

/** None where the machine is just gone. */
const markOn = (vbox: VBoxManage, name: string) =>
  vbox.getExtraData(name, OWNER_KEY).catch((error: unknown) => {
    if (error instanceof VBoxError && error.isNotFound) return undefined;
    throw error;
  });
