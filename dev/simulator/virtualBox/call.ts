import type { Delays, VirtualBoxState } from "../state";
import type { Need } from "./machines";
import type { Refusal } from "./refusal";

/**
 * What a call prints, if anything; or how it failed on its way. A refusal that is returned leaves what was done by
 * then, one that is thrown undoes it.
 */
export type Outcome = string | Refusal | void;

/** One call of VBoxManage: what it needs, and what it does. */
export type Call = {
  /** The machine that it is about, by name or UUID. */
  needs?: { machine: string; as: Need };
  /** How long it takes. Default: `call`. */
  takes?: keyof Pick<Delays, "call" | "clone">;
  /** Whether it shows its progress, on standard error. */
  hasProgress?: boolean;
} & (Look | Work | Phases);

interface Look {
  /** Changes nothing. */
  look(box: VirtualBoxState): string;
}

interface Work {
  /** Done at the end of the time that the call takes. */
  work(box: VirtualBoxState, delays: Delays): Outcome;
}

interface Phases {
  /**
   * Done at the beginning of that time; gives what is done at its end. Of a call that is killed between, half is done.
   */
  begin(box: VirtualBoxState): (box: VirtualBoxState) => Outcome;
}

/** Reads the arguments behind a verb. @throws Refusal for arguments that the verb does not take */
export type Verb = (args: readonly string[]) => Call;
