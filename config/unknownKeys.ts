import leven from "leven";
import { createRequire } from "node:module";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { quoteValue } from "../common/quoteValue";

/** So many letters may be wrong in a key for it to be taken for a misspelling of another one. */
const MOST_WRONG = 3;

/**
 * The keys of a namespace that the program does not have, each with what to do about it.
 *
 * @param given every key of the stack's configuration, as `namespace:key`
 * @param namespace the program's own: the project's name
 * @param known the keys that the program has
 */
export function unknownKeys(
  given: readonly string[],
  namespace: string,
  known: readonly string[],
): [key: string, problem: string][] {
  return keysIn(given, namespace)
    .filter((key) => !known.includes(key))
    .map((key) => [
      /^[\w./[\]"'-]{1,80}$/.test(key) ? key : quoteValue(key),
      `there is no such key; ${advice(key, known)}`,
    ]);
}

function advice(key: string, known: readonly string[]): string {
  const [whole] = key.split(/[.[]/) as [string];
  if (whole !== key && known.includes(whole))
    return `for a part of ${whole} give --path: pulumi config set --path '${key}' VALUE, and remove this one: pulumi config rm ${key}`;
  const nearest = nearestOf(key, known);
  return nearest
    ? `did you mean ${nearest}? Remove it with \`pulumi config rm ${key}\``
    : `remove it with \`pulumi config rm ${key}\`; docs/configuration.md lists all keys`;
}

function nearestOf(key: string, known: readonly string[]): string | undefined {
  const distances = known.map((other) => ({ other, distance: leven(key.toLowerCase(), other.toLowerCase()) }));
  const [nearest] = distances.sort((a, b) => a.distance - b.distance);
  return nearest && nearest.distance <= Math.min(MOST_WRONG, key.length / 2) ? nearest.other : undefined;
}

/**
 * What to say where another namespace holds keys of this program: a project that was made under another name (`pulumi
 * new --name`) has left them behind in the stack's file, and they have no effect. A namespace of an installed provider
 * is that provider's.
 */
export function strandedKeys(
  given: readonly string[],
  namespace: string,
  known: readonly string[],
  isProvider = isInstalledProvider,
): string | undefined {
  const others = [...new Set(given.map(namespaceOf))].filter((other) => other !== namespace && other !== "pulumi");
  const stranded = others.flatMap((other) => {
    const keys = keysIn(given, other).filter((key) => known.includes(key));
    return keys.length > 0 && !isProvider(other) ? keys.map((key) => `${other}:${key}`) : [];
  });
  if (stranded.length === 0) return undefined;
  const shownKeys = stranded.slice(0, 5).join(", ") + (stranded.length > 5 ? " …" : "");
  return `the stack's configuration has keys of this program under another project's name, which have no effect: ${shownKeys}; this project is ${namespace}: write ${namespace}:KEY instead`;
}

const namespaceOf = (key: string) => key.slice(0, key.indexOf(":"));

const keysIn = (given: readonly string[], namespace: string) =>
  given.filter((key) => namespaceOf(key) === namespace).map((key) => key.slice(namespace.length + 1));

/** Whether a provider of this name is installed: as a package of the program's, or as a plugin of the CLI's. */
function isInstalledProvider(name: string): boolean {
  if (!/^[\w-]+$/.test(name)) return false;
  try {
    createRequire(join(process.cwd(), "index.js")).resolve(`@pulumi/${name}/package.json`);
    return true;
  } catch {
    const plugins = join(process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "plugins");
    return existsSync(plugins) && readdirSync(plugins).some((plugin) => plugin.startsWith(`resource-${name}-v`));
  }
}
