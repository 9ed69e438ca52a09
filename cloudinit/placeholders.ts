import { UserError } from "../common/errors";
import { isMap, type Yaml } from "./yaml";

/** Values by placeholder; undefined is one that was not given. */
export type Values = Readonly<Record<string, Yaml | undefined>>;

/** `$${` is a literal `${`. */
const pattern = /\$\$\{|\$\{([^}]*)\}/g;

/**
 * Fills the placeholders of a parsed template: values are data, never YAML text. A scalar that is `${name}` and no more
 * becomes the value, whatever its type; within a longer scalar the value must be a scalar too, and is put in as text.
 *
 * @param what names the template in an error
 * @throws UserError for a placeholder that does not exist, has no value, or does not fit where it stands
 */
export function fill(template: Yaml, values: Values, what: string): Yaml {
  const valueOf = (name: string): Yaml => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value !== undefined) return value;
    if (OWN.test(name)) throw notGiven(name, what);
    throw new UserError(
      `${what}: ${written(name)} ${Object.hasOwn(values, name) ? "has no value" : "is no placeholder"}`,
      {
        hint: `use one of ${known(values)}; write $\${ for a literal \${`,
      },
    );
  };
  const textOf = (name: string): string => {
    const value = valueOf(name);
    if (typeof value !== "object") return String(value);
    throw new UserError(`${what}: ${written(name)} is no text`, { hint: "give it a scalar of its own" });
  };
  const filled = (text: string) =>
    text.replace(pattern, (_, name?: string) => (name === undefined ? "${" : textOf(name)));
  const fillNode = (node: Yaml): Yaml => {
    if (typeof node === "string") {
      const name = /^\$\{([^}]*)\}$/.exec(node)?.[1];
      return name === undefined ? filled(node) : valueOf(name);
    }
    if (Array.isArray(node)) return node.map(fillNode);
    if (isMap(node))
      return Object.fromEntries(Object.entries(node).map(([key, value]) => [filled(key), fillNode(value)]));
    return node;
  };
  return fillNode(template);
}

/** Whether a parsed template has a placeholder somewhere in it. */
export const hasPlaceholder = (template: Yaml, name: string) =>
  [...JSON.stringify(template).matchAll(pattern)].some(([, found]) => found === name);

/** A value of the user's own, as its placeholder and its configuration key name it. */
const OWN = /^userDataValues\.[A-Za-z_][\w-]{0,62}$/;

/** The user's own values by placeholder. */
export const ownValues = (values: Readonly<Record<string, string>> = {}): Values =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`userDataValues.${name}`, value]));

const notGiven = (name: string, what: string) =>
  new UserError(`${name}: the ${what} template has ${written(name)}, which was not given`, {
    hint: `pulumi config set --secret --path ${name} VALUE`,
  });

const written = (name: string) => `\${${name.length > 80 ? `${name.slice(0, 80)}…` : name}}`;

const known = (values: Values) =>
  Object.keys(values)
    .filter((name) => values[name] !== undefined)
    .map((name) => `\${${name}}`)
    .join(", ");
