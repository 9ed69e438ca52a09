import { dump, load, YAML11_SCHEMA, YAMLException } from "js-yaml";
import { UserError } from "../common/errors";
import { visibleInOneLine } from "../common/quoted";

/** What a YAML document of ours is made of. */
export type Yaml = null | boolean | number | string | Yaml[] | { [key: string]: Yaml };

/**
 * Reads YAML as cloud-init's own parser does: version 1.1, where `yes` is true and `0644` is octal.
 * @param what names the text in an error
 * @throws UserError when it is not YAML, or is without end where its aliases are written out
 */
export function parseYaml(text: string, what: string): Yaml {
  let value: Yaml;
  try {
    value = load(text, { schema: YAML11_SCHEMA }) as Yaml;
  } catch (error) {
    throw new UserError(`${what} is not YAML`, { output: visibleInOneLine(reasonOf(error)).slice(0, 160) });
  }
  if (isEndless(value))
    throw new UserError(`${what} has more than ${MOST_NODES} values when its aliases are written out`, {
      hint: "use fewer aliases",
    });
  return value;
}

/** What is wrong, and where. The parser's own message shows the text around the place, which may be a password. */
const reasonOf = (error: unknown) => {
  if (!(error instanceof YAMLException)) return (error as Error).message;
  const reason = error.reason.replace(/"[^"]*"|!<[^>]*>/g, "…");
  return error.mark ? `line ${error.mark.line + 1}, column ${error.mark.column + 1}: ${reason}` : reason;
};

/** A document of ours has some hundreds. */
const MOST_NODES = 100_000;

/**
 * Ten lines of aliases to aliases can stand for more values than there is memory, and one alias to what is around it
 * for values without end.
 */
function isEndless(value: Yaml): boolean {
  const left = [value];
  for (let count = 0; left.length > 0; count++) {
    if (count > MOST_NODES) return true;
    const node = left.pop();
    if (typeof node === "object" && node !== null) for (const value of Object.values(node)) left.push(value);
  }
  return false;
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
  const added = Object.entries(over).map(
    ([key, value]) => [key, Object.hasOwn(under, key) ? merge(under[key]!, value) : value] as const,
  );
  return { ...under, ...Object.fromEntries(added) };
}
