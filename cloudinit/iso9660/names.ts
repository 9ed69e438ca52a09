/**
 * Refuses what cannot be the name of a file on our discs.
 * @throws Error unless it is 1 to 64 (Joliet's limit) of POSIX's portable characters
 */
export function assertName(name: string): void {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name) || /^\.\.?$/.test(name))
    throw new Error(`${JSON.stringify(name)} is no file name for a disc`);
}

/**
 * The plain ISO 9660 identifier of each name, without its version: upper case, 26 + 3 characters of A–Z, 0–9 and `_`
 * (7.5.1, 10.2). Names that come out the same are told apart by a number.
 */
export function isoIdentifiers(names: readonly string[]): Map<string, string> {
  const taken = new Set<string>();
  return new Map(
    names.map((name) => {
      const [stem, extension] = parts(name).map((part) => part.toUpperCase().replace(/[^A-Z0-9]/g, "_")) as [
        string,
        string,
      ];
      let identifier = "";
      for (let number = 0; identifier === "" || taken.has(identifier); number++) {
        const suffix = number === 0 ? "" : String(number);
        identifier = `${stem.slice(0, 26 - suffix.length)}${suffix}.${extension.slice(0, 3)}`;
      }
      taken.add(identifier);
      return [name, identifier];
    }),
  );
}

/** The order of directory records: by stem, then by extension (9.3). */
export function compareIdentifiers(a: string, b: string): number {
  const [left, right] = [
    [...parts(a), a],
    [...parts(b), b],
  ];
  const at = left.findIndex((part, index) => part !== right[index]);
  return at === -1 ? 0 : left[at]! < right[at]! ? -1 : 1;
}

/** `user.tar.gz` → `user.tar` and `gz`; `user` and `.user` have no extension. */
function parts(name: string): [stem: string, extension: string] {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? [name.slice(0, dot), name.slice(dot + 1)] : [name, ""];
}
