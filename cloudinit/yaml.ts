import { dump, load, YAML11_SCHEMA } from "js-yaml";
import { UserError } from "../host/errors";

/** What a YAML document of ours is made of. */
export type Yaml = null | boolean | number | string | Yaml[] | { [key: string]: Yaml };

/**
 * Reads YAML as cloud-init's own parser does: version 1.1, where `yes` is true and `0644` is octal.
 * @param what names the text in an error
 * @throws UserError when it is not YAML
 */
export function parseYaml(text: string, what: string): Yaml {
  try {
    return load(text, { schema: YAML11_SCHEMA }) as Yaml;
  } catch (error) {
    throw new UserError(`${what} is not YAML`, { said: (error as Error).message });
  }
}

/** Writes YAML that every version of YAML reads the same: what could be taken for another type is quoted. */
export const printYaml = (value: Yaml) => dump(value, { lineWidth: -1, noRefs: true });

/** Whether it is a mapping. */
export const isMap = (value: Yaml | undefined): value is { [key: string]: Yaml } =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Lays one document over another: maps are merged, lists appended, anything else is replaced. */
export function merge(under: Yaml, over: Yaml): Yaml {
  if (Array.isArray(under) && Array.isArray(over)) return [...under, ...over];
  if (!isMap(under) || !isMap(over)) return over;
  const added = Object.entries(over).map(([key, value]) => [key, key in under ? merge(under[key]!, value) : value] as const);
  return { ...under, ...Object.fromEntries(added) };
}
