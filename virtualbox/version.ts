import { UserError } from "../common/errors";
import { lastLines } from "../common/exec";

/** The oldest that has every option that we use. */
const OLDEST = [6, 1] as const;
/** The newest that this program was run with. */
const NEWEST_KNOWN = [7, 2] as const;

/**
 * Reads the output of `VBoxManage --version`, which may follow a warning and carry the packager's suffix, and judges
 * it.
 * @returns a warning where the version is newer than any that was tried
 * @throws UserError where it is too old, or is no version at all
 */
export function judgeVersion(output: string): string | undefined {
  const { version, major, minor } = readVersion(output);
  if (isBefore([major, minor], OLDEST)) {
    throw new UserError(`VirtualBox ${version} is too old`, {
      hint: `install VirtualBox ${OLDEST.join(".")} or later, or give \`vboxManage\` the VBoxManage of such a one`,
    });
  }
  if (isBefore(NEWEST_KNOWN, [major, minor]))
    return `VirtualBox ${version} is newer than any that this program was tried with (${NEWEST_KNOWN.join(".")})`;
  return undefined;
}

/**
 * Reads the output of `VBoxManage --version`.
 * @throws UserError where it is no version
 */
export function readVersion(output: string): { version: string; major: number; minor: number } {
  const match = /^(\d+)\.(\d+)\.\d+\S*\s*$/m.exec(output);
  if (match) return { version: match[0].trim(), major: Number(match[1]), minor: Number(match[2]) };
  throw new UserError("VBoxManage --version gave no version", {
    output: lastLines(output, 5),
    hint: "check that `vboxManage` is VirtualBox's VBoxManage",
  });
}

const isBefore = ([a, b]: readonly [number, number], [c, d]: readonly [number, number]) => a < c || (a === c && b < d);
