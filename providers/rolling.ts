import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../common/errors";
import type { Log } from "../common/log";

/** Times of {@link Rolling}, in milliseconds. */
export interface RollingTimes {
  /** Between two looks. */
  look: number;
  /** Within so long the engine goes from one operation on a worker to the next. */
  gap: number;
  /**
   * A worker that is away, and on which nothing was done for so long, does not come back: the engine was told to stop,
   * or has no slot left.
   */
  idle: number;
}

/** Throws where something is not right, and changes nothing. */
export type Fitness = () => Promise<void>;

const TIMES: RollingTimes = { look: 100, gap: 1_000, idle: 60_000 };

/**
 * Lets workers be replaced one at a time within one `up`: a worker leaves the cluster only when the one before has come
 * back and nothing is being made or changed on another, such as on one that failed in the run before; and none does
 * after a failure. The engine itself would replace them all at once.
 */
export class Rolling {
  private readonly replacing = new Set<string>();
  /** By the worker's name, those under way; one that waits for its turn is not at work. */
  private readonly operations: string[] = [];
  private readonly waiting = new Set<string>();
  private readonly newcomers = new Set<string>();
  /** What is to be right before a worker leaves, by the worker's name and what of it is looked at. */
  private readonly fitnesses = new Map<string, Map<unknown, Fitness>>();
  /** Those whose machine is to be recreated, and does not only join again. */
  private readonly remade = new Set<string>();
  private lastWork = 0;
  private away?: string;
  private failed?: string;

  constructor(private readonly times: RollingTimes = TIMES) {}

  /**
   * The engine has been told that something of this worker is to be replaced, or made.
   * @param isMachine whether it is, or leads to, another machine
   */
  announce(name: string, isMachine = false): void {
    this.replacing.add(name);
    if (isMachine) this.remade.add(name);
    this.lastWork = performance.now();
  }

  /** Whether this worker is to come back, once it has left. */
  isReplacing = (name: string): boolean => this.replacing.has(name);

  /** Whether it is to come back on the machine that it has. */
  isRejoining = (name: string): boolean => this.replacing.has(name) && !this.remade.has(name);

  /**
   * What of a worker's successor is to be looked at before the worker leaves.
   * @param what is looked at: of one thing the last one counts
   */
  expect(name: string, what: unknown, fitness: Fitness): void {
    const fitnesses = this.fitnesses.get(name) ?? new Map<unknown, Fitness>();
    this.fitnesses.set(name, fitnesses.set(what, fitness));
  }

  /**
   * Looks whether a worker that is to be replaced by another machine has a fit successor, before its machine is
   * deleted, or made where it was lost. For one that has left that was done, and what a newcomer is made from was just
   * made.
   * @throws what its {@link expect} throws
   */
  async checkSuccessor(name: string): Promise<void> {
    if (this.remade.has(name) && this.away !== name && !this.newcomers.has(name)) await this.lookAtSuccessor(name);
  }

  private async lookAtSuccessor(name: string): Promise<void> {
    for (const fitness of this.fitnesses.get(name)?.values() ?? []) await fitness();
  }

  /** This worker was never there before: nobody waits for it. */
  welcome(name: string): void {
    this.newcomers.add(name);
  }

  /** Does something to a worker. */
  async work<T>(name: string, operation: () => Promise<T>): Promise<T> {
    this.operations.push(name);
    try {
      return await operation();
    } finally {
      this.operations.splice(this.operations.indexOf(name), 1);
      this.lastWork = performance.now();
    }
  }

  /**
   * Waits until no other worker is away or at work, and looks whether this one's successor can be made. One that has
   * left already just goes on.
   * @throws UserError when another one has failed, or does not come back, or the successor is not fit
   */
  async leave(name: string, log: Log): Promise<void> {
    if (!this.replacing.has(name) || this.away === name) return;
    this.waiting.add(name);
    try {
      await this.turn(name, log);
    } finally {
      this.waiting.delete(name);
    }
    this.away = name;
    try {
      if (this.remade.has(name)) await this.lookAtSuccessor(name);
    } catch (error) {
      this.away = undefined;
      throw error;
    }
  }

  /** The worker has joined again, or is not to. */
  back(name: string): void {
    this.replacing.delete(name);
    this.remade.delete(name);
    if (this.away === name) this.away = undefined;
  }

  /** An operation on a resource has failed: nobody else leaves. */
  fail(name: string): void {
    this.failed ??= name;
  }

  private async turn(name: string, log: Log): Promise<void> {
    let told: string | undefined;
    for (;;) {
      if (this.failed) throw leftAsItIs(name, `${this.failed} failed`);
      const other = this.away ?? this.atWork;
      const rest = this.atWork === undefined ? performance.now() - this.lastWork : 0;
      if (!other && rest >= this.times.gap) return;
      if (other && rest >= this.times.idle) throw leftAsItIs(name, `${other} has left and is not coming back`);
      if (other && other !== told) log(`waiting for ${other}: workers are replaced one at a time`);
      told = other ?? told;
      await sleep(this.times.look);
    }
  }

  private get atWork(): string | undefined {
    return this.operations.find((name) => !this.waiting.has(name) && !this.newcomers.has(name));
  }
}

const leftAsItIs = (name: string, reason: string) =>
  new UserError(`${name} was left as it is: ${reason}`, { hint: "fix that, then run `pulumi up` again" });
