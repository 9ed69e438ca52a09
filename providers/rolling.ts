import { UserError } from "../host/errors";

/**
 * Lets workers be replaced one at a time within one `up`: a worker leaves the cluster only when the one before it has come back, and none
 * does after a failure. The engine itself would replace them all at once.
 */
export class Rolling {
  private readonly replacing = new Set<string>();
  private current?: { name: string; done: Promise<void>; finish: () => void };
  private failed?: string;

  /** The engine has been told that this worker is to be replaced. */
  announce(name: string): void {
    this.replacing.add(name);
  }

  /** Whether this worker is to come back, once it has left. */
  isReplacing = (name: string): boolean => this.replacing.has(name);

  /**
   * Waits until no other worker is away.
   * @throws UserError when the worker before has failed to come back
   */
  async leave(name: string, log: (line: string) => void): Promise<void> {
    if (!this.replacing.has(name)) return;
    while (this.current && this.current.name !== name) {
      log(`waits until ${this.current.name} is back: workers are replaced one at a time`);
      await this.current.done;
    }
    if (this.failed) throw new UserError(`${name} was left as it is: ${this.failed} failed`, { todo: "mend that, then run `pulumi up` again" });
    let finish = () => {};
    const done = new Promise<void>((resolve) => (finish = resolve));
    this.current = { name, done, finish };
  }

  /** The worker has joined again. */
  back(name: string): void {
    this.replacing.delete(name);
    if (this.current?.name === name) this.release();
  }

  /** An operation on a resource has failed: nobody else leaves. */
  fail(name: string): void {
    this.failed ??= name;
    this.release();
  }

  private release(): void {
    const { finish } = this.current ?? {};
    this.current = undefined;
    finish?.();
  }
}
