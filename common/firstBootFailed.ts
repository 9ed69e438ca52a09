import { UserError } from "./errors";

/**
 * A first boot that failed, or was cut short, on a machine that never was in a cluster: no later boot makes up for it,
 * as cloud-init never runs a step again that it has begun (its per-instance semaphores), and reports `done` all the
 * same. The next `up` replaces the machine, if this program made it.
 */
export class FirstBootFailed extends UserError {
  /** The same, with what becomes of the machine: only who knows whose it is can promise that. */
  withFate(fate: string): FirstBootFailed {
    return new FirstBootFailed(this.summary, {
      ...this.detail,
      hint: [this.detail.hint, fate].filter(Boolean).join("; "),
    });
  }
}
