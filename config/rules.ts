import { z } from "zod";
import { rules } from "../cloudinit/problems";
import { quoteValue } from "../common/quoteValue";

// The kinds of values that a configuration is made of. Every error says what to give.

/** Of several errors of one value, the first is told. */
const aborting = (error: string) => ({ error, abort: true });

/**
 * Within objects and lists, YAML takes a plain 1 for a number and a plain true for a truth value, where text is wanted.
 */
const asText = (value: unknown) =>
  typeof value === "boolean" || (typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER)
    ? String(value)
    : value;

/** Text that fits, which may be empty. */
export const refined = (give: string, fits: (value: string) => boolean) =>
  z.preprocess(asText, z.string(give).refine(fits, give));

/** Text on one line: nothing that a terminal obeys, that ends a line, or that has no place in UTF-8. */
export const text = (give: string, fits: (value: string) => boolean = () => true, most = 255) =>
  z.preprocess(
    asText,
    z
      .string(give)
      .min(1, aborting(give))
      .max(most, aborting(`${give}, of at most ${most} characters`))
      .regex(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u, aborting(`${give}, without control characters`))
      .refine(fits, aborting(give)),
  );

/** Text of a form. */
export const regex = (give: string, pattern: RegExp) => text(give, (value) => pattern.test(value));

/** What becomes an argument of a program must not look like one of its options. */
export const argument = (give: string) => regex(`${give}, without a dash before it`, /^[^-]/);

/** A file, or a program. */
export const path = (give: string) => text(give, undefined, 1024);

/** What goes into cloud-init's files is judged by their own rules. */
export const checked = (property: keyof typeof rules) =>
  text(`give ${rules[property][1]}`, (value) => rules[property][0].safeParse(value).success, 8192);

/** So many hexadecimal digits, in either case. */
export function digits(length: number) {
  const give = `give ${length} hexadecimal digits`;
  return z.string(give).regex(new RegExp(`^[0-9A-Fa-f]{${length}}$`), give);
}

/** A whole number of something. */
export const count = (least: number, most: number, what: string) =>
  z
    .number(`give a number of ${what}`)
    .int(aborting(`give a whole number of ${what}`))
    .min(least, aborting(`give at least ${least} ${what}`))
    .max(most, aborting(`give at most ${most} ${what}`));
/** True or false. */
export const boolean = z.boolean("give true or false");

/** A list of so many at most. */
export const list = <T extends z.ZodType>(item: T, most: number, what: string) =>
  z.array(item, "give a list").max(most, `give at most ${most} ${what}`);

/** A whole number that is no quantity. */
export function integer(least: number, most: number, what: string) {
  const give = `give ${what}, a whole number from ${least} to ${most}`;
  return z.number(give).int(aborting(give)).min(least, aborting(give)).max(most, aborting(give));
}

/** An object with these keys and no others. */
export const object = <T extends z.ZodRawShape>(shape: T, give: string) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `there is no ${issue.keys.map(quoteValue).join(", ")}; give ${Object.keys(shape).join(", ")}`
        : give,
  });

/** `__proto__` would be passed over without a word, and Pulumi's SDK calls what it finds as `toString`. */
const UNFIT_KEYS = ["__proto__", "toString"];

/** An object with any keys that fit. */
export function record<T extends z.ZodType>(key: z.ZodString, value: T, most: number, give: string) {
  const few = z
    .record(key, value, give)
    .refine((entries) => Object.keys(entries).length <= most, `${give}, at most ${most}`);
  return z.preprocess((entries, { addIssue }) => {
    if (typeof entries !== "object" || entries === null) return entries;
    for (const unfit of UNFIT_KEYS.filter((key) => Object.hasOwn(entries, key)))
      addIssue({ code: "custom", path: [unfit], message: give });
    return entries;
  }, few);
}

/** Whether no two of them are the same by what tells them apart. */
export const distinct = <T>(items: readonly T[], by: (item: T) => string) =>
  new Set(items.map(by)).size === items.length;
