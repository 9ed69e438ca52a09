import { createHash } from "node:crypto";

/**
 * Ten hexadecimal digits that change with any of the parts: the end of a cache folder's name, so that a change
 * recreates the thing.
 */
export function cacheKey(...parts: (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest("hex").slice(0, 10);
}
