import * as pulumi from "@pulumi/pulumi";
import { parseSshAddress } from "../ssh/address";

/** What the SDK exports, and leaves out of its types: whether a key's value, or a part of it, is secret. */
const { isConfigSecret } = pulumi.runtime as typeof pulumi.runtime & { isConfigSecret(key: string): boolean };

/** Shorter text stands in other text by chance. */
const FEWEST_CHARACTERS = 4;

/** Whether a value is, or has in it, what the user has set as secret. */
type IsSecret = (value: unknown) => boolean;

/**
 * Recognises what the user has set as secret in the stack's configuration (`pulumi config set --secret`), wherever the
 * program passes it on: by its value, as names, paths and logins are put together from several keys. Of a key that is
 * secret in part, all values are.
 */
export function secretsOfConfiguration(): IsSecret {
  const { name } = new pulumi.Config();
  const keys = Object.entries(pulumi.runtime.allConfig()).filter(
    ([key]) => key.startsWith(`${name}:`) && isConfigSecret(key),
  );
  const secrets = new Set(keys.flatMap(([, text]) => scalarsIn(parsed(text))).flatMap(spellings));
  const texts = [...secrets].filter((secret) => secret.length >= FEWEST_CHARACTERS);
  const isSecret = (scalar: string) => secrets.has(scalar) || texts.some((text) => scalar.includes(text));
  return secrets.size === 0
    ? () => false
    : (value) => scalarsIn(value).some((scalar) => isSecret(scalar.toLowerCase()));
}

/**
 * The values of a resource or of the stack's outputs, those among them secret that are or hold a secret. An output is
 * looked at when it is known.
 */
export function keptSecret<T>(value: T, isSecret: IsSecret): T | pulumi.Output<T> {
  if (pulumi.Output.isInstance(value))
    return value.apply((known) => (isSecret(known) ? pulumi.secret(known) : known)) as T;
  if (isSecret(value)) return pulumi.secret(value) as pulumi.Output<T>;
  if (Array.isArray(value)) return value.map((item: unknown) => keptSecret(item, isSecret)) as T;
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, keptSecret(item as unknown, isSecret)]),
  ) as T;
}

/**
 * A resource's input, all of it secret where a part is: what the user has set as secret, or another resource's secret
 * output.
 * @param found called where it is, before the value that this gives is known
 */
export function wholeSecret(value: unknown, isSecret: IsSecret, found: () => void): unknown {
  const kept = (known: unknown, wasSecret: boolean) => {
    if (!wasSecret && !isSecret(known)) return known;
    found();
    return pulumi.secret(known);
  };
  if (!hasOutput(value)) return kept(value, false);
  const output = pulumi.output<unknown>(value) as pulumi.Output<unknown>;
  return pulumi.output(pulumi.isSecret(output)).apply((wasSecret) => output.apply((known) => kept(known, wasSecret)));
}

function hasOutput(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return pulumi.Output.isInstance(value) || value instanceof Promise || Object.values(value).some(hasOutput);
}

/** Every text, number and truth value in a value, as text; none of an output, which is not known yet. */
function scalarsIn(value: unknown): string[] {
  if (["string", "number", "boolean"].includes(typeof value)) return [String(value)];
  if (typeof value !== "object" || value === null || pulumi.Output.isInstance(value)) return [];
  return Object.values(value).flatMap(scalarsIn);
}

/** Configuration arrives as text: JSON where it is no string. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** How a value is passed on: in either case, as a path from the home folder, or as the address in a login. */
function spellings(text: string): string[] {
  const all = [text, text.replace(/^~\//, ""), parseSshAddress(text)?.address ?? text];
  return all.filter((spelling) => spelling !== "").map((spelling) => spelling.toLowerCase());
}

const isPlainObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
