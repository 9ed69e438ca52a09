import { UserError } from "../../common/errors";

/** A processor architecture as Go, Debian and Kubernetes write it. */
export type Arch = "amd64" | "arm64";

/**
 * This machine's architecture.
 * @throws UserError on any other than amd64 and arm64
 */
export function hostArch(nodeArch: string = process.arch): Arch {
  if (nodeArch === "x64") return "amd64";
  if (nodeArch === "arm64") return "arm64";
  throw new UserError(`the lab does not run on ${nodeArch}`, { hint: "use an amd64 or arm64 machine" });
}
