import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../common/errors";

/** One entry of apt's sources: an archive and what is taken from it. */
export interface AptSource {
  uri: string;
  suites: string[];
  components: string[];
  /** The keyring named by the entry, if it names one. */
  signedBy?: string;
}

/**
 * The Debian mirror that this machine itself uses, from apt's sources: on Debian there is nothing to configure.
 *
 * `$LAB_DEBIAN_MIRROR` overrides it, and is needed where the machine is not Debian.
 * @throws UserError when the sources name no mirror of Debian
 */
export async function debianMirror(env: NodeJS.ProcessEnv = process.env, etcApt = "/etc/apt"): Promise<string> {
  if (env.LAB_DEBIAN_MIRROR) return env.LAB_DEBIAN_MIRROR;
  const uri = pickDebianMirror(await readSources(etcApt));
  if (!uri) {
    throw new UserError(`no Debian mirror in ${etcApt}`, {
      hint: "set LAB_DEBIAN_MIRROR to the address of a Debian mirror: the folder that holds dists/ and pool/",
    });
  }
  return uri.startsWith("mirror+file:") ? firstLine(await readFile(uri.slice("mirror+file:".length), "utf8")) : uri;
}

/**
 * Debian's own archive among the sources: not its security archive, and no third party's, which are signed by other
 * keys.
 */
export function pickDebianMirror(sources: readonly AptSource[]): string | undefined {
  return sources.find(
    ({ uri, components, signedBy, suites }) =>
      /\/debian(\.list)?\/?$/.test(uri) &&
      components.includes("main") &&
      !suites.some((suite) => /security/.test(suite)) &&
      (signedBy === undefined || signedBy.includes("debian-archive")),
  )?.uri;
}

async function readSources(etcApt: string): Promise<AptSource[]> {
  const directory = join(etcApt, "sources.list.d");
  const names = await readdir(directory).catch(() => []);
  const lists = [
    join(etcApt, "sources.list"),
    ...names.filter((name) => name.endsWith(".list")).map((name) => join(directory, name)),
  ];
  const deb822 = names.filter((name) => name.endsWith(".sources")).map((name) => join(directory, name));
  const read = (file: string) => readFile(file, "utf8").catch(() => "");
  return [
    ...(await Promise.all(deb822.map(read))).flatMap(parseDeb822),
    ...(await Promise.all(lists.map(read))).flatMap(parseOneLineStyle),
  ];
}

/** Sources in the deb822 style of `*.sources`: stanzas of fields. Format: sources.list(5). */
export function parseDeb822(text: string): AptSource[] {
  const withoutComments = text.replace(/^#.*\n?/gm, "");
  return withoutComments.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) => new RegExp(`^${name}:((?:.*\\n[ \\t])*.*)`, "im").exec(stanza)?.[1]?.trim();
    const words = (name: string) => field(name)?.split(/\s+/) ?? [];
    if (!words("Types").includes("deb") || field("Enabled")?.toLowerCase() === "no") return [];
    return words("URIs").map((uri) => ({
      uri,
      suites: words("Suites"),
      components: words("Components"),
      signedBy: field("Signed-By"),
    }));
  });
}

/** Sources in the one-line style of `sources.list`: `deb [options] uri suite component…`. */
export function parseOneLineStyle(text: string): AptSource[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[(?<options>[^\]]*)\]\s+)?(?<uri>\S+)\s+(?<suite>\S+)\s*(?<components>[^#]*)/.exec(
      line,
    )?.groups;
    if (!match?.uri || !match.suite) return [];
    const signedBy = /signed-by=(\S+)/i.exec(match.options ?? "")?.[1];
    return [
      {
        uri: match.uri,
        suites: [match.suite],
        components: match.components?.split(/\s+/).filter(Boolean) ?? [],
        signedBy,
      },
    ];
  });
}

const firstLine = (text: string) => text.trim().split(/\s/, 1)[0] ?? "";
