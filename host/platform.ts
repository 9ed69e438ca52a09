import { UserError } from "./errors";

/**
 * @param platform the system, as Node names it; the same with `arch`
 * @throws UserError for a machine on which VirtualBox has no x86 guests, which is all that this program makes
 */
export function checkPlatform(platform: string = process.platform, arch: string = process.arch): void {
  if (platform !== "darwin" || arch !== "arm64") return;
  throw new UserError("macOS on Apple silicon is not supported: VirtualBox runs no x86 machines there", { todo: "use an x86-64 machine with Linux, macOS or Windows" });
}
