import { isIPv4 } from "node:net";
import { type Exec, lastLines } from "../common/exec";
import { UserError } from "../common/errors";
import { cidr, networkOf } from "../common/ipv4";
import { notUnderstood } from "../common/json";
import type { ListedRoute, Route, RouteTable } from "./route";
import { asRoot, byHand } from "./asRoot";

/** The routing table by macOS's `netstat` and `route`. Routes carry no mark there. */
export function macosRoutes(run: Exec): RouteTable {
  const command = (verb: "add" | "change" | "delete", { destination, gateway }: Route, ...rest: string[]) =>
    ["route", "-n", verb, "-net", destination, gateway, ...rest] as const;
  const change = (...args: Parameters<typeof command>) => asRoot(run, command(...args), /must be root|not permitted/i);
  return {
    list: async (wanted) => {
      const routes = parseNetstat(await output(run, "netstat", ["-rn", "-f", "inet"]));
      return routes.filter(({ destination }) => destination === wanted);
    },
    interfaces: async () => parseInterfaces(await output(run, "ifconfig", ["-l"])),
    add: (route) => change("add", route, "-ifp", route.interface),
    addByHand: (route) => byHand(command("add", route, "-ifp", route.interface)),
    change: (_from, to) => change("change", to, "-ifp", to.interface),
    remove: (route) => change("delete", route),
  };
}

/** Reads `ifconfig -l`: one line of names. There is always one, `lo0`. */
function parseInterfaces(text: string): string[] {
  const names = text.trim().split(" ");
  if (/\n/.test(text.trim()) || !names.includes("lo0"))
    throw notUnderstood("ifconfig -l", "with one line of interfaces", text);
  return names;
}

/**
 * Reads `netstat -rn -f inet`. Columns are found by their heading, because older systems have `Refs` and `Use` before
 * `Netif`. Scoped routes (flag I) are left out: they serve sockets bound to their interface only.
 * @throws UserError for a table without a heading, and for a row without one of the columns
 */
export function parseNetstat(text: string): ListedRoute[] {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  const heading = lines.findIndex(([first]) => first === "Destination");
  const columns = ["Destination", "Gateway", "Flags", "Netif"].map((name) => lines[heading]?.indexOf(name) ?? -1);
  if (columns.includes(-1)) throw notUnderstood("netstat -rn -f inet", "with a table of routes", text);
  return lines.slice(heading + 1).flatMap((line) => {
    if (line[0] === "") return [];
    const [to = "", gateway = "", flags = "", device] = columns.map((column) => line[column]);
    if (device === undefined) throw notUnderstood("netstat -rn -f inet", "with whole rows", text);
    const destination = expand(to, flags);
    if (!destination || flags.includes("I")) return [];
    return [{ destination, gateway: isIPv4(gateway) ? gateway : "", interface: device }];
  });
}

/**
 * netstat leaves out zero octets at the end, and the prefix length where it is that of the address's class:
 * `192.168.4/27`, `169.254`.
 */
function expand(text: string, flags: string): string | undefined {
  if (text === "default") return "0.0.0.0/0";
  const [short = "", prefix] = text.split("/");
  const octets = short.split(".");
  const address = [...octets, "0", "0", "0"].slice(0, 4).join(".");
  const network = networkOf(
    `${address}/${prefix ?? (flags.includes("H") || octets.length === 4 ? 32 : classPrefix(octets))}`,
  );
  return network && cidr(network);
}

const classPrefix = ([first]: string[]) => (Number(first) < 128 ? 8 : Number(first) < 192 ? 16 : 24);

async function output(run: Exec, file: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await run(file, args);
  if (exitCode !== 0) throw new UserError(`${file} ${args.join(" ")} failed`, { output: lastLines(stderr) });
  return stdout;
}
