import { exec, type Exec } from "../common/exec";
import { UserError } from "../common/errors";
import { linuxRoutes } from "./linux";
import { macosRoutes } from "./macos";
import type { RouteTable } from "./route";
import { windowsRoutes } from "./windows";

/**
 * The routing table of this machine, by the system's own programs.
 * @throws UserError on a system other than Linux, macOS and Windows
 */
export function routeTable(platform: NodeJS.Platform = process.platform, run: Exec = exec): RouteTable {
  if (platform === "linux") return linuxRoutes(run);
  if (platform === "darwin") return macosRoutes(run);
  if (platform === "win32") return windowsRoutes(run);
  throw new UserError(`routes cannot be managed on ${platform}`, { hint: "leave `routes` empty and set them by hand" });
}
