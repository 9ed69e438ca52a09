import * as pulumi from "@pulumi/pulumi";
import type { SitePlan } from "../checks/site";
import type { Log } from "../common/log";
import type { Rolling } from "./rolling";
import { secretsOfConfiguration, wholeSecret } from "./secretValues";

/** What the engine passes for an input that is not known yet, in a preview (pulumi/sdk, `rpc.unknownValue`). */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/**
 * What a change of a property means.
 * - `inPlace`: made on the running thing.
 * - `inPlaceOnceGiven`: the same, for a value that the provider chooses where none is given: then what it chose stays.
 * - `restart`: made in place, with a graceful stop and a start.
 * - `replace`: the thing is deleted and recreated, also in a preview that does not know the new value yet.
 * - `replaceUnlessUnknown`: the same, but for a value that an in-place change of another resource makes unknown in a
 *   preview, and that usually turns out to be as it was: unknown is taken for unchanged.
 * - `stateOnly`: no change of the thing; an update puts the new value into the state, for the next time that it is
 *   needed, a refresh or a destroy among them. Unknown is taken for unchanged.
 * - `stateOnlyUnlessUnset`: the same, but a state without a value, as an earlier version of the program wrote it, is no
 *   reason for an update.
 * - `note`: no change at all; only `keep` reads it, or a create or update that there is for another reason.
 */
export type Change =
  | "inPlace"
  | "inPlaceOnceGiven"
  | "restart"
  | "replace"
  | "replaceUnlessUnknown"
  | "stateOnly"
  | "stateOnlyUnlessUnset"
  | "note";

/** What an operation is told beside its inputs. */
export interface Context {
  /** Tells how it goes, on the resource's row. */
  log: Log;
  /** The order in which workers that are to be replaced leave the cluster. */
  readonly rolling: Rolling;
}

/** Every resource knows its own name: the engine does not tell a provider. */
export interface Named {
  /** The name of the machine or thing, unique in its stack. */
  name: string;
}

/**
 * One resource's behaviour. Every operation is observe → ensure → sync → return: it looks at the world first, acts on
 * the difference and reports what is true, so that it can be repeated after an interruption at any point.
 */
export interface Provider<Inputs extends Named, Outputs extends Inputs> {
  /** Values of the inputs that may be left out. */
  readonly defaults: Partial<Inputs>;
  /** What a change of each property means. */
  readonly changes: { readonly [P in keyof Inputs]-?: Change };
  /**
   * The inputs, with those of the last `up` in the place of new ones that are no reason for a change, such as a
   * template that a later version of the program has improved. Default: the new ones. Not called for a thing that is
   * new or that `--replace` names. Called first with what was given at the last `up`, then, before it is decided on a
   * change, with what is in the state.
   */
  keep?(olds: Inputs, news: Inputs): Inputs;
  /** Whether the thing is a machine, or what one is made from: who gets another one does not only join again. */
  readonly isMachine?: boolean;
  /** Whether all workers share the thing, and it is no part of one. */
  readonly isShared?: boolean;
  /**
   * Looks whether a machine can be made from these inputs, with the outputs where the thing is there already; changes
   * nothing. Called before a worker leaves the cluster to be replaced. An input that is not known yet is absent.
   * @throws UserError that says what keeps it from being made
   */
  checkFit?(inputs: Partial<Outputs>, context: Context): Promise<void>;
  /** Property → what is wrong with it and what to give. An input that is not known yet is absent here. */
  problems(inputs: Partial<Inputs>): Partial<Record<keyof Inputs & string, string>>;
  /** Brings the thing into being, or takes it up where an interrupted create left it. */
  create(inputs: Inputs, context: Context): Promise<{ id: string; outs: Outputs }>;
  /** The outputs as they are now, or undefined where the thing is gone. */
  read(id: string, outs: Outputs, context: Context): Promise<Outputs | undefined>;
  /**
   * Whether the thing is gone for certain, where a look at this machine alone tells at once: then there is an update
   * without a refresh.
   */
  isGone?(outs: Outputs): Promise<boolean>;
  /**
   * Looks whether the thing can be changed from here; changes nothing. Called where a worker's machine or what is shared
   * is to be changed, or anything replaced, also in a preview.
   * @throws OtherVirtualBox where it is a machine's of another user's VirtualBox, say; any other error tells nothing
   */
  checkPlace?(id: string, outs: Outputs, news: Inputs): Promise<void>;
  /**
   * Looks whether the thing may be made from here; changes nothing. Called for what is new or a replacement: in a
   * preview, and before it is made. An input that is not known yet is absent.
   * @throws OtherVirtualBox where the stack's machines are in another VirtualBox; in a preview, any other error tells
   *   nothing
   */
  checkNewPlace?(inputs: Partial<Inputs>): Promise<void>;
  /** Called when something other than a replacement has changed, or after a create that ended half-way. */
  update(id: string, olds: Outputs, news: Inputs, context: Context): Promise<Outputs>;
  /** Succeeds where there is nothing left to delete, and only when nothing is left. */
  delete(id: string, outs: Outputs, context: Context): Promise<void>;
}

/**
 * Thrown by a create or an update that got some of its way: the resource is recorded with these outputs, the operation
 * fails with the reason, and the next `up` goes on with `update`.
 */
export class PartialFailure extends Error {
  constructor(
    readonly id: string,
    readonly outs: object,
    override readonly cause: Error,
  ) {
    super(cause.message);
  }
}

/**
 * What Pulumi keeps in every resource's state, twice, under the name `__provider`: the text of a module whose `handler`
 * makes the provider. Pulumi's own base class serializes a provider's whole code into it; ours only says where the code
 * is. So state stays small, an edit of a provider is no change of its resources, and `read` and `delete` always run
 * today's code. `module` is relative to the program's folder, the plugin's working directory, and is a contract:
 * yesterday's state still names it.
 */
const handlerOf = (module: string) =>
  `exports.handler = () => { require("tsx/cjs"); return require(process.cwd() + "/providers/engine").load("${module}"); };`;

// The SDK puts every response into the debug log, and so into `--debug` and the engine's event log: with what is secret
// in it, in clear.
(require("@pulumi/pulumi/log") as { debug: () => Promise<void> }).debug = () => Promise.resolve();

/** An argument of those resources that are, or lead to, a machine. */
export interface PlanArgs {
  /**
   * What the whole stack needs: it is looked at before the first such resource is made or replaced, and not kept.
   * Default: nothing is looked at.
   */
  plan?: SitePlan;
}

/** Base of the program's resources. */
export abstract class DynamicResource extends pulumi.CustomResource {
  /**
   * @param module the provider's file without its ending, relative to the program's folder
   * @param type `module:Name`; the type token is `pulumi-nodejs:dynamic/module:Name`
   * @param outputs what the provider adds to the inputs
   * @param secrets which of its properties, inputs too, are always secret in state and on the screen; an input that
   *   holds what is secret, in the stack's configuration too, is as well
   * @param copies output → the input of which it may be a copy, and then is as secret
   */
  constructor(
    module: string,
    type: `${string}:${string}`,
    name: string,
    args: object,
    {
      outputs,
      secrets = [],
      copies = {},
    }: { outputs: readonly string[]; secrets?: readonly string[]; copies?: Readonly<Record<string, string>> },
    opts: pulumi.CustomResourceOptions = {},
  ) {
    const undeclared = Object.fromEntries(outputs.map((output) => [output, undefined]));
    const isSecret = secretsOfConfiguration();
    // Of a resource that stays as it is, the engine keeps the outputs as they were, but for these. They are sent when
    // all inputs are known.
    const secretOutputs = [...secrets, ...(opts.additionalSecretOutputs ?? [])];
    const note = (property: string) =>
      void secretOutputs.push(property, ...Object.keys(copies).filter((output) => copies[output] === property));
    const given = Object.entries(args as Readonly<Record<string, unknown>>);
    const kept = given.map(
      ([property, value]) =>
        [
          property,
          secrets.includes(property) && value !== undefined
            ? pulumi.secret(value)
            : wholeSecret(value, isSecret, () => note(property)),
        ] as const,
    );
    const props = { ...undeclared, ...Object.fromEntries(kept), __provider: handlerOf(module) };
    // Two machines, files or nodes of one name cannot live side by side. A diff asks for that too, but is not asked for
    // `up --replace`.
    const always = { deleteBeforeReplace: true, additionalSecretOutputs: secretOutputs };
    super(`pulumi-nodejs:dynamic/${type}`, name, props, { ...opts, ...always });
  }
}
