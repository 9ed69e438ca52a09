import pLimit from "p-limit";
import { UserError } from "./errors";

/**
 * Takes machines out of service one at a time, and none after one that did not come back: what stops the first would
 * stop all.
 */
export class OneByOne {
  private readonly limit = pLimit(1);
  private failed?: string;

  /**
   * Runs `work`, which ends when the machine is back.
   * @throws UserError, without having started, when another machine before did not come back
   */
  run<T>(name: string, work: () => Promise<T>): Promise<T> {
    return this.limit(async () => {
      if (this.failed !== undefined && this.failed !== name) {
        throw new UserError(`was left running as it is, because ${this.failed} did not come back from its change`, {
          hint: "fix that, then run `pulumi up` again",
        });
      }
      this.failed = name;
      const result = await work();
      this.failed = undefined;
      return result;
    });
  }
}
