import { UserError } from "./errors";

/**
 * A first boot that failed, or was cut short, on a machine that never was in a cluster: no later boot makes up for it, as cloud-init never
 * runs a step again that it has begun (its per-instance semaphores), and reports `done` all the same. The next `up` replaces the machine.
 */
export class FirstBootFailed extends UserError {}
