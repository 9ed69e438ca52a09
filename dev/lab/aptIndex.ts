import { createHash } from "node:crypto";

/** A file that a repository's Release names. */
export interface IndexFile {
  /** From the folder of the Release file. */
  path: string;
  content: string | Buffer;
}

/** A package of a repository. */
export interface PoolPackage {
  /** Its control fields, as `dpkg-deb --field` prints them. */
  control: string;
  /** The .deb file, from the repository's folder. */
  path: string;
  content: Buffer;
}

/** The text of a Packages file. Format: deb822(5), and Debian's wiki page DebianRepository/Format. */
export function packagesIndex(packages: readonly PoolPackage[]): string {
  return packages
    .map(
      ({ control, path, content }) =>
        `${control.trimEnd()}\nFilename: ${path}\nSize: ${content.length}\nSHA256: ${sha256(content)}\n`,
    )
    .join("\n");
}

/**
 * The text of a Release file, unsigned.
 * @param fields such as Suite and Codename
 * @param date when the repository was made
 */
export function releaseIndex(
  fields: Readonly<Record<string, string>>,
  files: readonly IndexFile[],
  date: Date,
): string {
  const head = Object.entries({
    Origin: "vbox-kubeadm lab",
    ...fields,
    Date: date.toUTCString().replace("GMT", "UTC"),
  });
  const hashes = files.map(({ path, content }) => ` ${sha256(content)} ${Buffer.byteLength(content)} ${path}`);
  return [...head.map(([name, value]) => `${name}: ${value}`), "SHA256:", ...hashes, ""].join("\n");
}

const sha256 = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");
