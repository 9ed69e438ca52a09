import { ip } from "./ip";
import type { Program } from "./program";
import { vboxManage } from "./vboxManage";

/** The simulated programs, by their names on the PATH. */
export const programs: Readonly<Record<string, Program>> = { VBoxManage: vboxManage, ip };
