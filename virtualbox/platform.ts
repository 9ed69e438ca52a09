import { UserError } from "../common/errors";

const NAMES: Record<string, string> = { darwin: "macOS", linux: "Linux", win32: "Windows" };

/**
 * @param platform the system, as Node names it; the same with `arch`
 * @throws UserError for a machine on which VirtualBox has no x86 guests, which is all that this program makes
 */
export function checkPlatform(platform: string = process.platform, arch: string = process.arch): void {
  if (arch === "x64") return;
  const here =
    platform === "darwin" && arch === "arm64" ? "macOS on Apple silicon" : `${NAMES[platform] ?? platform} on ${arch}`;
  throw new UserError(`${here} is not supported: VirtualBox runs no x86-64 machines there`, {
    hint: "use an x86-64 machine with Linux, macOS or Windows; where this is one, install Node.js for x64",
  });
}
