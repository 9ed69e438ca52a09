import type { ExecResult } from "../../common/exec";
import { cidr, networkOf } from "../../common/ipv4";
import type { NetworkState } from "./state";

type Route = NetworkState["routes"][number];

/** What iproute2 calls a route that was added without `proto`; it does not show it. */
const BOOT = "boot";

/**
 * iproute2's `ip`, as far as this program calls it, with the kernel's and iproute2's own words. It changes the routes
 * of `network`.
 * @param args without the program
 */
export function ip(network: NetworkState, args: readonly string[]): ExecResult {
  const [object, verb, ...rest] = args.filter((arg) => !/^-(j|N|4)$/.test(arg));
  if (object === "link" && verb === "show")
    return done(JSON.stringify(network.interfaces.map((ifname) => ({ ifname }))));
  if (object !== "route") return failed(`Object "${object}" is unknown, try "ip help".`, 1);
  if (verb === "show") return done(JSON.stringify(network.routes.filter(({ dst }) => dst === rest[1]).map(shown)));
  if (verb !== "add" && verb !== "replace" && verb !== "del")
    return failed(`Command "${verb}" is unknown, try "ip route help".`, 255);
  return change(network, verb, routeOf(rest));
}

const shown = ({ protocol, ...route }: Route) => ({ ...route, ...(protocol !== BOOT && { protocol }), flags: [] });

/** `DESTINATION via GATEWAY dev INTERFACE proto NUMBER`. */
function routeOf([dst = "", ...options]: readonly string[]): Route {
  const option = (name: string) => (options.includes(name) ? options[options.indexOf(name) + 1] : undefined);
  const gateway = option("via");
  return {
    dst,
    ...(gateway !== undefined && { gateway }),
    dev: option("dev") ?? "",
    protocol: option("proto") ?? BOOT,
  };
}

function change(network: NetworkState, verb: "add" | "replace" | "del", route: Route): ExecResult {
  const destination = networkOf(route.dst);
  if (network.isReadOnly) return failed("RTNETLINK answers: Operation not permitted");
  if (!destination) return failed(`Error: any valid prefix is expected rather than "${route.dst}".`, 1);
  if (!network.interfaces.includes(route.dev)) return failed(`Cannot find device "${route.dev}"`, 1);
  if (verb === "del") return remove(network, route);
  if (cidr(destination) !== route.dst) return failed("Error: Invalid prefix for given prefix length.");
  if (route.gateway !== undefined && !isReached(network, route.dev, route.gateway))
    return failed("Error: Nexthop has invalid gateway.");
  const present = network.routes.findIndex(({ dst }) => dst === route.dst);
  if (present === -1) network.routes.push(route);
  else if (verb === "add") return failed("RTNETLINK answers: File exists");
  else network.routes[present] = route;
  return done();
}

/** The kernel takes away the first route that has all that was given; without `proto` any will do. */
function remove(network: NetworkState, { protocol, ...route }: Route): ExecResult {
  const is = (other: Route) =>
    other.dst === route.dst &&
    other.dev === route.dev &&
    (!route.gateway || other.gateway === route.gateway) &&
    (protocol === BOOT || other.protocol === protocol);
  const at = network.routes.findIndex(is);
  if (at === -1) return failed("RTNETLINK answers: No such process");
  network.routes.splice(at, 1);
  return done();
}

/** Whether a gateway is in the interface's own network. */
function isReached({ addresses }: NetworkState, dev: string, gateway: string): boolean {
  const [, prefix] = addresses?.[dev]?.split("/") ?? [];
  const own = networkOf(addresses?.[dev] ?? "");
  return own !== undefined && networkOf(`${gateway}/${prefix}`)?.address === own.address;
}

const done = (stdout = ""): ExecResult => ({ stdout: stdout && `${stdout}\n`, stderr: "", exitCode: 0 });

const failed = (stderr: string, exitCode = 2): ExecResult => ({ stdout: "", stderr: `${stderr}\n`, exitCode });
