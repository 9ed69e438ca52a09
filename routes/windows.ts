import { z } from "zod";
import { type Exec, lastLines } from "../common/exec";
import { UserError } from "../common/errors";
import { readJson } from "../common/json";
import { netmask, networkOf } from "../common/ipv4";
import type { ListedRoute, Route, RouteTable } from "./route";

/**
 * The routing table by PowerShell's NetTCPIP module. Routes carry no mark there. An interface is named by its adapter's
 * description, as VBoxManage does.
 */
export function windowsRoutes(run: Exec): RouteTable {
  const observe = async () => parseListing(await powershell(run, LISTING));
  const change = async (commands: (index: number) => string[], route: Route, byHand: string) => {
    const index = (await observe()).adapters.find(
      ({ InterfaceDescription }) => InterfaceDescription === route.interface,
    )?.ifIndex;
    if (index === undefined) throw new UserError(`there is no network adapter "${route.interface}"`);
    await powershell(run, attempt(commands(index)), `${byHand} IF ${index}`);
  };
  return {
    list: async (destination) => listedRoutes(await observe()).filter((route) => route.destination === destination),
    interfaces: async () => (await observe()).adapters.map(({ InterfaceDescription }) => InterfaceDescription),
    add: (route) => change((index) => [command("New", route, index)], route, routeAdd("ADD", route)),
    addByHand: (route) => routeAdd("ADD", route),
    // Set-NetRoute cannot change the next hop.
    change: async (from, to) => {
      const { adapters } = await observe();
      const old = adapters.find(({ InterfaceDescription }) => InterfaceDescription === from.interface)?.ifIndex;
      const removal = old === undefined ? [] : [command("Remove", from, old)];
      await change((index) => [...removal, command("New", to, index)], to, routeAdd("CHANGE", to));
    },
    remove: (route) => change((index) => [command("Remove", route, index)], route, routeAdd("DELETE", route)),
  };
}

/** One process for both lists, as PowerShell takes a second to start. */
const LISTING = [
  "[Console]::OutputEncoding = [Text.Encoding]::UTF8",
  "$routes = @(Get-NetRoute -AddressFamily IPv4 | Sort-Object RouteMetric | Select-Object DestinationPrefix, NextHop, ifIndex)",
  "$adapters = @(Get-NetAdapter | Select-Object InterfaceDescription, ifIndex)",
  "ConvertTo-Json -Depth 3 -Compress -InputObject @{ routes = $routes; adapters = $adapters }",
].join("; ");

const listing = z.object({
  routes: z.array(z.object({ DestinationPrefix: z.string(), NextHop: z.string(), ifIndex: z.number() })),
  adapters: z.array(z.object({ InterfaceDescription: z.string(), ifIndex: z.number() })),
});

type Listing = z.infer<typeof listing>;

/** Reads what our listing script prints: JSON of Get-NetRoute and Get-NetAdapter. */
export const parseListing = (json: string): Listing => readJson(listing, json, "PowerShell");

/** The routes of a listing. One without a next hop has the address 0.0.0.0 there. */
export const listedRoutes = ({ routes, adapters }: Listing): ListedRoute[] =>
  routes.map(({ DestinationPrefix, NextHop, ifIndex }) => ({
    destination: DestinationPrefix,
    gateway: NextHop === "0.0.0.0" ? "" : NextHop,
    interface: adapters.find((adapter) => adapter.ifIndex === ifIndex)?.InterfaceDescription ?? `IF ${ifIndex}`,
  }));

/**
 * `ActiveStore` leaves the table that Windows restores at boot alone, so that a route lasts as long as on the other
 * systems.
 */
function command(verb: "New" | "Remove", { destination, gateway }: Route, index: number): string {
  const route = `-DestinationPrefix ${destination} -NextHop ${gateway || "0.0.0.0"} -InterfaceIndex ${index} -PolicyStore ActiveStore`;
  return verb === "New"
    ? `New-NetRoute ${route} -RouteMetric 1 | Out-Null`
    : `Remove-NetRoute ${route} -Confirm:$false`;
}

/** Messages are translated, error ids are not: they go first on standard error. */
const attempt = (commands: string[]) =>
  `$ErrorActionPreference = "Stop"; try { ${commands.join("; ")} } ` +
  'catch { [Console]::Error.WriteLine($_.FullyQualifiedErrorId + ": " + $_.Exception.Message); exit 1 }';

function routeAdd(verb: "ADD" | "CHANGE" | "DELETE", { destination, gateway }: Route): string {
  const { address, prefix } = networkOf(destination) ?? { address: destination, prefix: 32 };
  return `route ${verb} ${address} MASK ${netmask(prefix)} ${gateway}`;
}

async function powershell(run: Exec, script: string, byHand?: string): Promise<string> {
  const { stdout, stderr, exitCode } = await run("powershell.exe", [
    "-NoProfile",
    "-NonInteractive",
    "-Command",
    script,
  ]);
  if (exitCode === 0) return stdout;
  // 5 is ERROR_ACCESS_DENIED.
  if (byHand && /System Error 5,/.test(stderr)) {
    throw new UserError("the routing table may be changed by an administrator only", {
      output: lastLines(stderr),
      hint: `run this in a command prompt opened as administrator, and then the same again: ${byHand}`,
    });
  }
  throw new UserError("PowerShell could not read or change the routing table", { output: lastLines(stderr || stdout) });
}
