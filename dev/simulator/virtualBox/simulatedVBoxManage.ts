import { setTimeout as sleep } from "node:timers/promises";
import type { ExecResult } from "../../../common/exec";
import { renewAllLeases } from "../leases";
import type { Delays, SiteState, VirtualBoxState } from "../state";
import type { World } from "../world";
import type { Call, Outcome } from "./call";
import { inLanguage } from "./language";
import { machineVerbs } from "./machineVerbs";
import { accessible, admit, lookUp, registered, release, settle, take } from "./machines";
import { otherVerbs } from "./otherVerbs";
import { misused, Refusal } from "./refusal";

const verbs = { ...machineVerbs, ...otherVerbs };

const PROGRESS = "0%...10%...20%...30%...40%...50%...60%...70%...80%...90%...100%\n";

/**
 * VBoxManage 7.2 as far as this program and its lab call it, on the machines and media of a simulated site. Calls run
 * side by side, in one process or many: each holds its machine's session while it takes its time, and collides with
 * another that needs it.
 */
export class SimulatedVBoxManage {
  /** @param afterHalf called between the two halves of a call that has them, where no time passes between them */
  constructor(
    private readonly world: World,
    private readonly afterHalf: () => void = () => {},
  ) {}

  /** Runs one call, which refuses as VirtualBox does: by its exit code, in its words, in its language. */
  async run(args: readonly string[]): Promise<ExecResult> {
    const result = await this.runInEnglish(args);
    return inLanguage(this.world.read().virtualBox.language ?? "C", result);
  }

  private async runInEnglish(args: readonly string[]): Promise<ExecResult> {
    try {
      const call = readCall(args);
      const outcome = await this.perform(call);
      if (outcome instanceof Refusal) return outcome.result;
      return { stdout: outcome ?? "", stderr: call.hasProgress ? PROGRESS : "", exitCode: 0 };
    } catch (error) {
      if (error instanceof Refusal) return error.result;
      throw error;
    }
  }

  private async perform(call: Call): Promise<Outcome> {
    const { delays } = this.world.read();
    const pause = delays[call.takes ?? "call"];
    if (pause > 0) return this.performSlowly(call, pause);
    if ("look" in call) return call.look(settled(this.world.read()));
    const next = await this.change((box) => {
      enter(box, call);
      return "begin" in call ? call.begin(box) : call.work(box, delays);
    });
    if (typeof next !== "function") return next;
    this.afterHalf();
    return this.change(next);
  }

  private async performSlowly(call: Call, pause: number): Promise<Outcome> {
    const { next, isHeld } = await this.change((box) => {
      const machine = enter(box, call);
      const isHeld = machine !== undefined && take(machine, call.needs!.as);
      return { next: "begin" in call ? call.begin(box) : undefined, isHeld };
    });
    const leave = (box: VirtualBoxState) => {
      if (isHeld) release(lookUp(box, call.needs!.machine));
    };
    try {
      await sleep(pause);
      return await this.change((box, delays) => {
        leave(box);
        if ("look" in call) return call.look(box);
        return "begin" in call ? next!(box) : call.work(box, delays);
      });
    } catch (error) {
      await this.change(leave);
      throw error;
    }
  }

  private change<T>(work: (box: VirtualBoxState, delays: Delays) => T): Promise<T> {
    return this.world.change((state) => {
      renewAllLeases(state, Date.now());
      return work(settled(state), state.delays);
    });
  }
}

function readCall([verb, ...args]: readonly string[]): Call {
  const read = verb !== undefined && Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  if (!read) throw misused(`Invalid command '${verb ?? ""}'`, 2);
  return read(args);
}

/** The machine that a call needs, where it may have it. */
function enter(box: VirtualBoxState, { needs }: Call) {
  if (!needs) return undefined;
  const machine = (needs.as === "unregisters" ? registered : accessible)(box, needs.machine);
  admit(machine, needs.as);
  return machine;
}

function settled({ virtualBox }: SiteState): VirtualBoxState {
  settle(virtualBox);
  return virtualBox;
}
