import { run } from "./exec";
import { debianMirror } from "./aptMirror";

/** A Debian root directory to be made by mmdebstrap. */
export interface DebianRoot {
  /** Debian's release: `trixie`, `sid`. */
  suite: string;
  /**
   * `extract`: only the files of the packages, and of what they depend on, to be laid over another root. Default:
   * `minbase`.
   */
  variant?: "minbase" | "extract";
  components: readonly string[];
  packages: readonly string[];
  /** Files that dpkg leaves out, now and whenever it installs something into this root. */
  excludedPaths: readonly string[];
  /** Shell commands run on the host after the installation, with the root directory as `$1`. */
  hooks: readonly string[];
}

/**
 * mmdebstrap's arguments but for the target and the mirror: what decides over the result, and so belongs into its cache
 * key.
 */
export function mmdebstrapArguments(
  { suite, variant = "minbase", components, packages, excludedPaths, hooks }: DebianRoot,
  target: string,
  mirror: string,
) {
  return [
    "--quiet",
    "--mode=root",
    `--variant=${variant}`,
    `--components=${components.join(",")}`,
    `--include=${packages.join(",")}`,
    '--aptopt=APT::Install-Recommends "false"',
    // A mirror that is a snapshot of some day stays usable.
    '--aptopt=Acquire::Check-Valid-Until "false"',
    ...excludedPaths.map((path) => `--dpkgopt=path-exclude=${path}`),
    ...hooks.map((hook) => `--customize-hook=${hook}`),
    suite,
    target,
    mirror,
  ];
}

/**
 * Makes the root directory `target` from this machine's own Debian mirror; needs root.
 * @param env environment of the hooks
 * @throws UserError with mmdebstrap's last words
 */
export async function makeDebianRoot(
  root: DebianRoot,
  target: string,
  env: Record<string, string> = {},
): Promise<void> {
  await run("mmdebstrap", mmdebstrapArguments(root, target, await debianMirror()), { env, timeoutMs: 30 * 60_000 });
}
