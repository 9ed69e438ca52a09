import type { Owner } from "../common/mark";
import { checkNewHome, UNKNOWN_HOME, type VirtualBoxHome } from "../virtualbox/home";
import type { VBoxManage } from "../virtualbox/vboxManage";
import { hasMachineOf } from "../virtualbox/vm/stackMachines";

/** By id, the VirtualBoxes in which the state has machines and their ISOs, as far as this run was told. */
const homes = new Map<string, VirtualBoxHome>();

/** An input of what is, or leads to, a machine: the VirtualBox that the stack's identity knows. */
export interface OfStack {
  stackVirtualBox?: VirtualBoxHome;
}

/**
 * Notes where the state has a machine or its ISO. Of what version 0.1.0 made that is not known; what the user said to be
 * gone for good is nowhere.
 */
export function noteHome({ virtualBox, stackId }: { virtualBox?: unknown; stackId?: unknown }): void {
  const home = (virtualBox as VirtualBoxHome | undefined) ?? (stackId ? undefined : UNKNOWN_HOME);
  if (home) homes.set(home.id, home);
}

/**
 * The stack's VirtualBoxes: those of its machines, as far as the engine, which calls in no order, has told, and the one
 * that its identity knows. Neither suffices alone: an `up` of a stack of version 0.1.0 that was refused in a wrong
 * VirtualBox may have left that one in the identity, and in the state of a new worker's ISO.
 */
const homesOf = ({ stackVirtualBox }: OfStack): VirtualBoxHome[] => [
  ...homes.values(),
  ...(stackVirtualBox ? [stackVirtualBox] : []),
];

/**
 * Looks whether a machine or its ISO may be made in the VirtualBox that is asked: the stack's only one, or one that has
 * machines of the stack, as some of them may have moved.
 * @throws OtherVirtualBox where it is another one
 */
export const checkNewMachine = (vbox: VBoxManage, owner: Owner & OfStack): Promise<void> =>
  checkNewHome(vbox, homesOf(owner), () => hasMachineOf(vbox, owner));

/** Forgets what a run was told, before the next one in this process. */
export const forgetHomes = (): void => homes.clear();
