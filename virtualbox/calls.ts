import pLimit from "p-limit";
import pRetry from "p-retry";
import { UserError } from "../common/errors";
import { type Exec, exec as execHere, NotRunnable } from "../common/exec";
import { inaccessibleIn, languageIn, nameOfLanguage, NotUnderstood } from "./answer";
import { VBoxError } from "./error";

/**
 * Calls at a time in this process: VBoxSVC, which does the work, gains nothing from more. What takes long is not in the
 * way of the rest.
 */
const shortCalls = pLimit(4);
const longCalls = pLimit(4);
const LONG_VERBS = new Set([
  "clonevm",
  "createmedium",
  "clonemedium",
  "modifymedium",
  "unregistervm",
  "startvm",
  "discardstate",
  "snapshot",
]);

/**
 * How long a call that meets a locked machine is tried again. VirtualBox holds a lock for some seconds after a
 * power-off.
 */
const PASSING_MS = 60_000;

/**
 * English, and not in ASCII: with `C` alone VirtualBox ends at the first name with another letter (7.2:
 * VERR_NO_TRANSLATION).
 */
const ENVIRONMENT = { LC_ALL: "C.UTF-8" };

/** How a call is made. */
export interface CallOptions {
  timeoutMs?: number;
  /** Changes nothing, so it may be repeated after any collision. */
  readOnly?: boolean;
  /** How long a failure that passes is met with another try. Default: a minute. */
  patienceMs?: number;
  /** Whether a failure passes. Default: what does for every call. */
  passes?(error: VBoxError): Promise<boolean>;
}

/**
 * Runs VBoxManage: how many calls at a time, which failures are tried again, and what an answer in another language
 * means.
 */
export class VBoxCalls {
  constructor(
    private readonly file = "VBoxManage",
    private readonly exec: Exec = execHere,
    /** How long a copy or the making of a disk may take, in milliseconds; other calls have the deadline of `exec`. */
    protected readonly cloneTimeoutMs = 3_600_000,
  ) {}

  /**
   * A call that changes nothing, and what its output means.
   * @throws NotUnderstood naming VirtualBox's language, where that is why
   */
  protected async look<T>(args: readonly string[], read: (output: string) => T): Promise<T> {
    const output = await this.call(args, { readOnly: true });
    try {
      return read(output);
    } catch (error) {
      throw error instanceof NotUnderstood ? await this.explained(error) : error;
    }
  }

  private async explained(error: NotUnderstood): Promise<NotUnderstood> {
    const properties = await this.call(["list", "systemproperties"], { readOnly: true }).catch(() => "");
    const language = languageIn(properties);
    return language ? new NotUnderstood(error.call, error.output, nameOfLanguage(language)) : error;
  }

  /**
   * A failure that passes is tried again. The time for that begins with the first answer, and does not count a wait for
   * other calls.
   */
  protected call(args: readonly string[], options: CallOptions = {}): Promise<string> {
    const {
      readOnly,
      patienceMs = PASSING_MS,
      passes = (error: VBoxError) => this.passes(error, args, readOnly),
    } = options;
    const limit = LONG_VERBS.has(args[0]!) ? longCalls : shortCalls;
    let [answered, queued] = [0, 0];
    const attempt = () => {
      const asked = performance.now();
      return limit(() => {
        queued += performance.now() - asked;
        return this.once(args, options);
      });
    };
    return pRetry(attempt, {
      retries: 1000,
      minTimeout: 200,
      maxTimeout: 3000,
      factor: 1.5,
      randomize: true,
      shouldRetry: ({ error }) => {
        if (answered === 0) [answered, queued] = [performance.now(), 0];
        return error instanceof VBoxError && performance.now() - answered - queued < patienceMs && passes(error);
      },
    });
  }

  private passes = async (error: VBoxError, [, vm = ""]: readonly string[], readOnly = false): Promise<boolean> =>
    (readOnly && error.isCollision) || (error.isTransient && !(await this.isInaccessible(vm, error)));

  /**
   * VirtualBox has one code for a machine that is not ready yet and one whose settings it cannot read; the second it
   * lists without a name.
   */
  protected async isInaccessible(vm: string, { isDenied }: VBoxError): Promise<boolean> {
    return isDenied && inaccessibleIn(await this.once(["list", "vms"]).catch(() => "")).includes(vm.toLowerCase());
  }

  private async once(args: readonly string[], { timeoutMs }: CallOptions = {}): Promise<string> {
    const result = await this.exec(this.file, args, { timeoutMs, env: ENVIRONMENT }).catch((error: unknown) => {
      throw error instanceof NotRunnable ? this.missing(error) : error;
    });
    if (result.exitCode !== 0) throw new VBoxError(`${this.file} ${args.slice(0, 3).join(" ")}`, result);
    return result.stdout;
  }

  private missing({ message, detail }: NotRunnable): UserError {
    const hint = "install VirtualBox, or give `vboxManage` the path of its VBoxManage";
    return new UserError(message.split("\n")[0]!, { ...detail, hint });
  }

  /** The answer, or undefined where VirtualBox knows no such thing. */
  protected async found<T>(answer: Promise<T>): Promise<T | undefined> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof VBoxError && error.isNotFound) return undefined;
      throw error;
    }
  }
}
