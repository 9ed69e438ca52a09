import { z } from "zod";
import { Unavailable } from "./download";

/**
 * A file's SHA-256 out of a list in sha256sum's format: a line for each file, "HASH  NAME".
 * @throws Unavailable when the file is not in it
 */
export function checksumOf(name: string, list: string): string {
  for (const line of list.split("\n")) {
    const [sha256, file] = line.trim().split(/\s+\*?/);
    if (sha256 && file === name) return sha256;
  }
  throw new Unavailable(`there is no published checksum of ${name}`);
}

const releaseSchema = z.object({ assets: z.array(z.object({ name: z.string(), digest: z.string().nullish() })) });

/**
 * An asset's SHA-256 out of GitHub's description of a release (`GET /repos/OWNER/NAME/releases/tags/TAG`): each asset
 * has a `digest`, "sha256:HASH".
 * @throws Unavailable when it is not in it
 */
export function githubDigest(name: string, release: string): string {
  const { data } = releaseSchema.safeParse(parseJson(release));
  const digest = data?.assets.find((asset) => asset.name === name)?.digest;
  if (!digest?.startsWith("sha256:")) throw new Unavailable(`there is no published checksum of ${name}`);
  return digest.slice("sha256:".length);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
