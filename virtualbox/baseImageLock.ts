import { whileLocked } from "../common/lock";

/**
 * Runs `work` while nobody else on this machine, in this process or another, clones this base image or deletes a clone
 * of it: VirtualBox fails now and then when that is done side by side.
 * @throws UserError when the lock is held for an hour
 */
export const withBaseImage = <T>(baseImage: string, work: () => Promise<T>): Promise<T> =>
  whileLocked([process.env.VBOX_USER_HOME, baseImage], `base image ${baseImage}`, work);
