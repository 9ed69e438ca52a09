import { createHash } from "node:crypto";
import { labDir } from "./paths";

/**
 * The machines that the lab runs in namespaces of their own. `host` plays the user's workstation: Pulumi runs in it.
 */
export const labMachines = ["gate", "host", "busybox", "kube-mast01"] as const;

/** One of {@link labMachines}. */
export type LabMachine = (typeof labMachines)[number];

/** Six hexadecimal digits that tell this checkout's lab from any other checkout's on the same machine. */
export function labId(dir: string = labDir()): string {
  return createHash("sha256").update(dir).digest("hex").slice(0, 6);
}

/** The network namespace of a machine, by the name that `ip netns` knows. */
export function namespaceOf(machine: LabMachine, dir: string = labDir()): string {
  return `vbk-${labId(dir)}-${machine}`;
}
