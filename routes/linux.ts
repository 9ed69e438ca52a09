import { z } from "zod";
import { type Exec, lastLines } from "../common/exec";
import { UserError } from "../common/errors";
import { readJson } from "../common/json";
import type { ListedRoute, Route, RouteTable } from "./route";
import { asRoot, byHand } from "./asRoot";

/**
 * The routing protocol number (rtnetlink(7), `rtm_protocol`) that marks a route as ours: the kernel leaves 5 to 255 to
 * programs, and neither iproute2's rt_protos nor FRRouting has a name for this one.
 */
export const OUR_PROTOCOL = 157;

/** The routing table by iproute2's `ip`, which must be 5.0 or later (`-json`, `-Numeric`). */
export function linuxRoutes(run: Exec): RouteTable {
  const command = (verb: "add" | "replace" | "del", route: Route) =>
    ["ip", "route", verb, ...selector(route), "proto", String(OUR_PROTOCOL)] as const;
  const change = (...args: Parameters<typeof command>) => asRoot(run, command(...args), /Operation not permitted/);
  return {
    list: async (destination) =>
      parseRoutes(await output(run, ["-j", "-N", "-4", "route", "show", "exact", destination]), destination),
    interfaces: async () =>
      readJson(links, await output(run, ["-j", "link", "show"]), "ip link show").map(({ ifname }) => ifname),
    add: (route) => change("add", route),
    addByHand: (route) => byHand(command("add", route)),
    change: (_from, to) => change("replace", to),
    remove: (route) => change("del", route),
  };
}

const selector = ({ destination, gateway, interface: device }: Route) => [destination, "via", gateway, "dev", device];

/** There is always one, `lo`. */
const links = z.array(z.object({ ifname: z.string() })).min(1);

const routes = z.array(
  z.object({ gateway: z.string().default(""), dev: z.string().default(""), protocol: z.string().optional() }),
);

/**
 * Reads `ip -j -N route show exact DESTINATION`, which lists by metric, least first. Our own routes have metric 0. A
 * multipath, blackhole or on-link route has no gateway of its own.
 */
export const parseRoutes = (json: string, destination: string): ListedRoute[] =>
  readJson(routes, json, "ip route show").map(({ gateway, dev, protocol }) => ({
    destination,
    gateway,
    interface: dev,
    ours: protocol === String(OUR_PROTOCOL),
  }));

async function output(run: Exec, args: readonly string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await run("ip", args);
  if (exitCode !== 0) throw new UserError(`ip ${args.join(" ")} failed`, { output: lastLines(stderr) });
  return stdout;
}
