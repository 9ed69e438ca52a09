import type * as pulumi from "@pulumi/pulumi";
import { isIPv4 } from "node:net";
import { isArgument } from "../host/argument";
import { UserError } from "../host/errors";
import { type Exec, execWithin } from "../host/exec";
import { cidr, networkOf } from "../host/ipv4";
import { shown as asText } from "../host/shown";
import { type ListedRoute, type Route, routeTable, type RouteTable } from "../host/route";
import { type Context, DynamicResource, type Provider } from "./dynamic";

/** Arguments of {@link HostRoute}. */
export interface HostRouteArgs {
  /** Name in progress lines and errors. A change is used the next time. */
  name: pulumi.Input<string>;
  /** The network to reach: an IPv4 CIDR without host bits, `192.168.4.0/27`. A change replaces the route. */
  destination: pulumi.Input<string>;
  /** IPv4 address of the next hop, `192.168.4.30`, in a network of the interface. Changes live. */
  gateway: pulumi.Input<string>;
  /** VirtualBox's name of the host-only interface: `vboxnet0`; on Windows `VirtualBox Host-Only Ethernet Adapter`. Changes live. */
  interface: pulumi.Input<string>;
  /**
   * Whether to put our route in the place of one to the same destination that goes another way. Default: false, which refuses and
   * changes nothing. A change is used the next time.
   */
  adopt?: pulumi.Input<boolean>;
  /** How long one command may take, of the system's program for routes, in seconds. Default 120. A change is used the next time. */
  commandTimeoutSeconds?: pulumi.Input<number>;
}

/**
 * A route of the machine that runs the program, to a network behind a virtual machine.
 *
 * A route that was there before, the very same, is adopted: it serves, and it stays on delete. On Linux ours are told from others by their
 * protocol number, so the route of an interrupted create is ours. macOS and Windows have no mark: there it counts as adopted, and a route
 * that somebody put in the place of ours counts as ours once a refresh has seen it. Two stacks that want the very same route share it, and
 * the first to delete takes it away. Routes are gone after a boot of the host: a refresh sees that, and the next `up` makes them again.
 */
export class HostRoute extends DynamicResource {
  declare readonly destination: pulumi.Output<string>;
  declare readonly gateway: pulumi.Output<string>;
  declare readonly interface: pulumi.Output<string>;
  /** Whether the route was there before: it stays on delete. */
  declare readonly adopted: pulumi.Output<boolean>;

  constructor(name: string, args: HostRouteArgs, opts?: pulumi.CustomResourceOptions) {
    super("providers/hostRoute", "vbox:HostRoute", name, args, { outputs: ["adopted"] }, opts);
  }
}

type Inputs = Required<pulumi.Unwrap<HostRouteArgs>>;
type Outputs = Inputs & { adopted: boolean };

/** The provider over a routing table, which is opened when it is first used. */
export const hostRouteProvider = (table: (run: Exec) => RouteTable): Provider<Inputs, Outputs> => ({
  defaults: { adopt: false, commandTimeoutSeconds: 120 },
  changes: { name: "nextTime", destination: "replaces", gateway: "live", interface: "live", adopt: "nextTime", commandTimeoutSeconds: "nextTime" },

  problems: ({ destination, gateway, interface: device }) => ({
    ...problem("destination", destination !== undefined && destinationProblem(destination)),
    ...problem("gateway", gateway !== undefined && !isIPv4(gateway) && `${asText(gateway)} is not an IPv4 address; give one like "192.168.4.30"`),
    ...problem("interface", device !== undefined && interfaceProblem(device)),
  }),

  create: async (inputs, context) => ({ id: inputs.destination, outs: await ensure(table(execOf(inputs)), inputs, false, context) }),

  async read(_id, outs) {
    const [route] = await table(execOf(outs)).list(outs.destination);
    if (!route) return undefined;
    if (same(route, outs)) return { ...outs, adopted: isForeign(route, outs.adopted) };
    return { ...outs, gateway: route.gateway, interface: route.interface };
  },

  update: (_id, olds, news, context) => ensure(table(execOf(news)), news, !olds.adopted, context),

  async delete(_id, outs, context) {
    const isOurs = (route: ListedRoute) => !isForeign(route, outs.adopted || !same(route, outs));
    const { list, remove } = table(execOf(outs));
    const present = await list(outs.destination);
    for (const route of present.filter(isOurs)) await remove(route);
    const left = await list(outs.destination);
    if (left.some(isOurs)) throw new UserError(`the route to ${outs.destination} is still there after its removal`);
    for (const route of left) context.log(`left the route ${shown(route)} alone: it is not ours`);
  },
});

/** The provider over this machine's own table. */
export const provider = hostRouteProvider((run) => routeTable(process.platform, run));

const execOf = ({ commandTimeoutSeconds }: Inputs) => execWithin(commandTimeoutSeconds * 1000);

const problem = (property: keyof Inputs, reason: string | false | undefined) => reason && { [property]: reason };

function destinationProblem(destination: string): string | undefined {
  const network = networkOf(destination);
  if (!network) return `${asText(destination)} is not an IPv4 network; give a CIDR like "192.168.4.0/27"`;
  if (network.prefix === 0) return "it would be the host's default route; give the network that is to be reached";
  return cidr(network) === destination ? undefined : `"${destination}" has host bits set; give "${cidr(network)}"`;
}

/** `ip` takes what begins with a dash for an option. Windows' names have spaces in them. */
function interfaceProblem(device: string): string | undefined {
  if (device.trim() === "") return 'it is empty; give a name like "vboxnet0"';
  if (isArgument(device)) return undefined;
  return `${asText(device)} is no interface's name; give one like "vboxnet0"`;
}

/**
 * Makes the wanted route the one in effect, and gives what is then true.
 * @param made whether the resource's route was made by us before: then what stands in its place is ours to mend
 */
async function ensure(table: RouteTable, inputs: Inputs, made: boolean, { log }: Context): Promise<Outputs> {
  const [present] = await table.list(inputs.destination);
  const foreign = present && isForeign(present, !made);
  if (present && same(present, inputs)) {
    if (foreign) log(`adopted the route ${shown(present)}, which was there before; it stays when this resource is deleted`);
    return { ...inputs, adopted: foreign ?? false };
  }
  if (present && foreign && !made && !inputs.adopt) throw inTheWay(present);
  await requireInterface(table, inputs.interface);
  await (present ? table.change(present, inputs) : table.add(inputs));
  const [now] = await table.list(inputs.destination);
  if (!now || !same(now, inputs)) {
    throw new UserError(`the route ${shown(inputs)} was set, but ${now ? `${shown(now)} is in effect` : "it is not there"}`);
  }
  return { ...inputs, adopted: false };
}

async function requireInterface(table: RouteTable, name: string): Promise<void> {
  const names = await table.interfaces();
  if (names.includes(name)) return;
  throw new UserError(`there is no network interface "${name}" (there are: ${names.join(", ")})`, {
    todo:
      "VirtualBox makes vboxnet0 with: VBoxManage hostonlyif create; " +
      "a range outside 192.168.56.0/21 must be allowed in /etc/vbox/networks.conf first",
  });
}

const inTheWay = (route: Route) =>
  new UserError(`a route to that destination is there already and goes another way: ${shown(route)}; nothing was changed`, {
    todo: "remove it, or set adopt: true to put ours in its place",
  });

/** By its mark, or where routes carry none, by what we know otherwise; ours always have a gateway. */
const isForeign = ({ ours, gateway }: ListedRoute, otherwise: boolean) => (ours === undefined ? otherwise || !gateway : !ours);

const same = (a: Route, b: Route) => a.destination === b.destination && a.gateway === b.gateway && a.interface === b.interface;

const shown = ({ destination, gateway, interface: device }: Route) =>
  `${destination} ${gateway ? `via ${gateway}` : "without a gateway"} on ${device || "no interface"}`;
