import type * as pulumi from "@pulumi/pulumi";
import { isDeepStrictEqual } from "node:util";
import pRetry from "p-retry";
import { z } from "zod";
import { addToChildEnvironment } from "../common/childEnvironment";
import { UserError } from "../common/errors";
import { beginningOf, MOST_READ } from "../common/quoted";
import { isDropped } from "../ssh/error";
import { OtherVirtualBox } from "../virtualbox/home";
import { type Change, type Context, type Named, PartialFailure, type Provider, UNKNOWN } from "./dynamic";
import type { SitePlan } from "../checks/site";
import { followCalls } from "./callUrn";
import { forgetLook, problemOf } from "./look";
import { endWithParent } from "./orphan";
import { forgetHomes, noteHome } from "./places";
import { endProgress, logOf } from "./progress";
import { Rolling } from "./rolling";

/** One engine process serves all resources of an `up`. */
let rolling = new Rolling();

/**
 * Begins what a process of the engine is for, an `up` of which nothing is known yet: tests have many in one process.
 */
export function beginRun(): void {
  rolling = new Rolling();
  hasWarned = false;
  forgetLook();
  forgetHomes();
}

type Bag = Record<string, unknown>;
type AnyProvider = Provider<Named & Bag, Named & Bag>;

/** Called by the handler in a resource's state: the provider in `module`, as the engine calls it. */
export function load(module: string): pulumi.dynamic.ResourceProvider {
  endWithParent();
  followCalls();
  const { provider } = require(`${process.cwd()}/${module}`) as { provider: AnyProvider };
  const { check, diff, create, read, update, delete: remove } = operations;
  return {
    configure,
    check: (olds: Bag, news: Bag) => check(provider, olds, news),
    diff: (id, olds: Named & Bag, news: Named & Bag) => diff(provider, id, olds, news),
    create: (inputs: Named & Bag) => create(provider, inputs),
    read: (id, outs: Named & Bag) => read(provider, id, outs),
    update: (id, olds: Named & Bag, news: Named & Bag) => update(provider, id, olds, news),
    delete: (id, outs: Named & Bag) => remove(provider, id, outs),
  };
}

/**
 * Told the stack's configuration, in every operation. The SDK does not wait for it before the first call, so all is
 * done at once.
 */
// eslint-disable-next-line @typescript-eslint/require-await
export async function configure({ config }: Pick<pulumi.dynamic.ConfigureRequest, "config">): Promise<void> {
  addToChildEnvironment(childEnvironmentIn(config.get("childEnvironment") || "[]"));
}

let hasWarned = false;

/**
 * The program has checked it, but for a refresh and a destroy, which run no program: a wrong value must not keep
 * anybody from these.
 */
function childEnvironmentIn(json: string): string[] {
  try {
    return z.array(z.string()).parse(JSON.parse(json));
  } catch {
    if (!hasWarned)
      console.log('warning: childEnvironment is ignored, as it is not a list; give one such as ["HTTP_PROXY"]');
    hasWarned = true;
    return [];
  }
}

/**
 * The engine's protocol of each operation, on top of {@link Provider}: no undefined, unknowns skipped, a `read` of
 * nothing is `{}`.
 */
export const operations = {
  async check(provider: AnyProvider, olds: Bag | undefined, { plan, ...news }: Bag) {
    const given = { ...provider.defaults, ...defined(news) } as Named & Bag;
    const inputs = olds?.name !== undefined ? kept(provider, olds as Named & Bag, given) : given;
    const problems = provider.problems(known(inputs));
    // Without olds it is to be made: for the first time, or as a replacement, which a diff or `--replace` has decided
    // on.
    const isToBeMade = olds?.name === undefined;
    if (isToBeMade) replaced(provider, inputs);
    const failures = Object.entries(problems).map(([property, reason]) => ({ property, reason: reason! }));
    if (isToBeMade && failures.length === 0) {
      const reason =
        (await placeProblem(provider, inputs)) ?? (await siteProblem(inputs, plan as SitePlan | undefined));
      await endProgress(true);
      if (reason !== undefined) failures.push({ property: "", reason });
    }
    return { inputs, failures };
  },

  async diff(provider: AnyProvider, id: string, olds: Named & Bag, given: Named & Bag) {
    const news = kept(provider, olds, given);
    const there: Bag = withDefaults(provider, olds);
    if (provider.isMachine) noteHome(there);
    const changed = Object.keys(provider.changes).filter((property) =>
      isChanged(provider.changes[property]!, there[property], news[property]),
    );
    const replaces = changed.filter((property) => provider.changes[property]!.startsWith("replace"));
    const planned = { ...olds, ...known(news) };
    // What makes it another thing and is not known yet is not what it was.
    for (const property of replaces) if (!isKnown(news[property])) delete planned[property];
    if (replaces.length > 0) replaced(provider, planned);
    else expectFit(provider, planned);
    if (replaces.length > 0 || (changed.length > 0 && (provider.isMachine || provider.isShared)))
      await reported(olds, () => checkPlace(provider, id, olds, news));
    const changes = changed.length > 0 || (await isGone(provider, olds));
    return { changes, replaces, deleteBeforeReplace: true };
  },

  create: (provider: AnyProvider, inputs: Named & Bag) =>
    asWork(provider, inputs, async () => {
      const given = withDefaults(provider, inputs);
      await provider.checkNewPlace?.(given);
      const { id, outs } = await provider.create(given, contextOf(inputs));
      expectFit(provider, outs);
      return { id, outs: state(inputs, outs) };
    }),

  read: (provider: AnyProvider, id: string, outs: Named & Bag) =>
    reported(outs, async () => {
      const now = await provider.read(id, withDefaults(provider, outs), contextOf(outs));
      return now ? { id, props: state(outs, now) } : {};
    }),

  update: (provider: AnyProvider, id: string, olds: Named & Bag, news: Named & Bag) =>
    asWork(provider, news, async () => {
      const outs = await provider.update(
        id,
        withDefaults(provider, olds),
        withDefaults(provider, kept(provider, olds, news)),
        contextOf(news),
      );
      expectFit(provider, outs);
      return { outs: state(news, outs) };
    }),

  delete: (provider: AnyProvider, id: string, outs: Named & Bag) =>
    asWork(provider, outs, () => provider.delete(id, withDefaults(provider, outs), contextOf(outs))),
};

/** A check knows the last inputs, and a diff and an update the outputs too: there may be more of them to keep. */
const kept = (provider: AnyProvider, olds: Named & Bag, news: Named & Bag): Named & Bag =>
  provider.keep ? provider.keep({ ...provider.defaults, ...olds }, news) : news;

const known = (inputs: Bag): Bag => Object.fromEntries(Object.entries(inputs).filter(([, value]) => isKnown(value)));

/**
 * Part of a worker is to be recreated, as far as the engine tells a provider: its name may be known even where the rest
 * is not.
 */
function replaced(provider: AnyProvider, inputs: Named & Bag): void {
  if (provider.isShared) return;
  rolling.announce(inputs.name, provider.isMachine);
  expectFit(provider, inputs);
}

/** What a successor is made from is looked at when its worker is about to leave, and not in a preview. */
function expectFit(provider: AnyProvider, inputs: Named & Bag): void {
  const { checkFit } = provider;
  if (checkFit)
    rolling.expect(inputs.name, provider, () =>
      checkFit.call(provider, withDefaults(provider, known(inputs) as Named & Bag), contextOf(inputs)),
    );
}

/** `__provider`, the handler, is the engine's and must stay in every state. */
const state = ({ __provider }: Bag, outs: object) => defined({ ...outs, __provider });

/**
 * A state that an earlier version of the program wrote lacks the inputs that have come since: they have their defaults.
 */
function withDefaults({ defaults }: AnyProvider, inputs: Named & Bag): Named & Bag {
  const rest = { ...defaults, ...inputs };
  delete rest.__provider;
  return rest;
}

/** Undefined anywhere in what goes to the engine is an "Unexpected struct type", or a hang. */
const defined = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const UNCHANGED_WHILE_UNKNOWN: readonly Change[] = ["replaceUnlessUnknown", "stateOnly", "stateOnlyUnlessUnset"];

/**
 * What is only used the next time counts too: it must get into the state, as `read` and `delete` are given nothing
 * else.
 */
function isChanged(change: Change, old: unknown, now: unknown): boolean {
  if (change === "note" || isDeepStrictEqual(old, now)) return false;
  if (change === "inPlaceOnceGiven") return now !== undefined;
  if (change === "stateOnlyUnlessUnset" && old === undefined) return false;
  return !UNCHANGED_WHILE_UNKNOWN.includes(change) || isKnown(now);
}

/** A look that fails tells nothing: the operation that needs the thing will say why. */
const isGone = async (provider: AnyProvider, outs: Named & Bag) =>
  (await provider.isGone?.(withDefaults(provider, outs)).catch(() => false)) ?? false;

/** Here too: a preview may run where there is no VirtualBox. */
async function checkPlace(provider: AnyProvider, id: string, outs: Named & Bag, news: Named & Bag): Promise<void> {
  const inputs = withDefaults(provider, news);
  await provider.checkPlace?.(id, withDefaults(provider, outs), inputs).catch((error: unknown) => {
    if (error instanceof OtherVirtualBox) throw error;
  });
}

/** Why a thing cannot be made from here, or undefined. */
async function placeProblem(provider: AnyProvider, inputs: Named & Bag): Promise<string | undefined> {
  try {
    await provider.checkNewPlace?.(withDefaults(provider, known(inputs) as Named & Bag));
  } catch (error) {
    if (error instanceof OtherVirtualBox) return `${inputs.name}: ${error.message}`;
  }
  return undefined;
}

/** Why it cannot be made for what is around it, or undefined. */
const siteProblem = async (inputs: Named & Bag, plan: SitePlan | undefined) =>
  plan && problemOf(inputs.name, plan, contextOf(inputs).log);

const isKnown = (value: unknown) => !JSON.stringify(value ?? null).includes(JSON.stringify(UNKNOWN));

const contextOf = ({ name }: Named): Context => ({ log: logOf(name), rolling });

/** How often an operation is done again whose connection dropped, and how long after, in milliseconds. */
const RETRY = { retries: 3, minTimeout: 1_000, factor: 1 };

/**
 * A connection that drops leaves open whether its command had its effect. Every operation looks first, so it is done
 * once more.
 */
const retryDrops = <T>({ name }: Named, operation: () => Promise<T>): Promise<T> =>
  pRetry(operation, {
    ...RETRY,
    shouldRetry: ({ error }) => isDropped(error),
    onFailedAttempt: ({ error, retriesLeft }) => {
      if (isDropped(error) && retriesLeft > 0) contextOf({ name }).log("looking again, as a connection dropped");
    },
  });

/** What is done to a worker: another one does not leave meanwhile. */
const asWork = <T>({ isShared }: AnyProvider, inputs: Named & Bag, operation: () => Promise<T>): Promise<T> =>
  isShared ? reported(inputs, operation) : rolling.work(inputs.name, () => reported(inputs, operation));

/** An error of which Pulumi shows the message alone. */
const shownError = (message: string) => Object.assign(new Error(message), { name: "", stack: "" });

/** A user's error is shown as its message alone, without a stack; anything else is a bug, and keeps it. */
async function reported<T>(inputs: Named & Bag, operation: () => Promise<T>): Promise<T> {
  let isDone = false;
  try {
    const result = await retryDrops(inputs, operation);
    isDone = true;
    return result;
  } catch (error) {
    rolling.fail(inputs.name);
    const cause = error instanceof PartialFailure ? error.cause : (error as Error);
    const message = beginningOf(
      `${inputs.name}: ${cause instanceof UserError ? cause.message : (cause.stack ?? cause.message)}`,
      MOST_READ,
    );
    const shown = shownError(message);
    if (!(error instanceof PartialFailure)) throw shown;
    throw Object.assign(shown, {
      id: error.id,
      properties: state(inputs, { ...inputs, ...error.outs }),
      reasons: [message],
    });
  } finally {
    await endProgress(isDone);
  }
}
