import type { ExecResult } from "../../common/exec";
import type { GuestScene, Scene, Work } from "../../dev/simulator/commands/command";
import { master } from "../../dev/simulator/commands/master";
import { parseCommand, workOf } from "../../dev/simulator/commands/shell";
import { worker } from "../../dev/simulator/commands/worker";
import { guestOf } from "../../dev/simulator/guest";
import type { SiteState } from "../../dev/simulator/state";

/** A site's state and a clock of its own: commands run without SSH, and take no time but the clock's. */
export class SimulatedClock {
  constructor(
    readonly state: SiteState,
    public now = 1_000_000_000_000,
  ) {}

  /** Runs a command on a master. */
  master(command: string, input = ""): ExecResult {
    return this.finish(workOf(master, command), { ...this.scene("kube-mast01", command, input) });
  }

  /** Runs a command on the machine of this UUID, which must run. */
  worker(uuid: string, command: string, input = ""): ExecResult {
    return this.finish<GuestScene>(workOf(worker, command), {
      ...this.scene("worker", command, input),
      guest: this.guest(uuid)!,
    });
  }

  /** The guest as it is now. */
  guest(uuid: string) {
    return guestOf(
      this.state,
      this.state.virtualBox.machines.find((machine) => machine.uuid === uuid)!,
      this.now,
    );
  }

  private scene(hostname: string, command: string, input: string): Scene {
    const { words = [], isRoot = false } = parseCommand(command) ?? {};
    return { state: this.state, now: this.now, hostname, words, isRoot, input };
  }

  private finish<S extends Scene>(work: Work<S>, scene: S): ExecResult {
    const result = work({ ...scene, now: this.now });
    if (!("next" in result)) return result;
    this.now += result.afterMs;
    return this.finish(result.next, scene);
  }
}
