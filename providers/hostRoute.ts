import type * as pulumi from "@pulumi/pulumi";
import { isIPv4 } from "node:net";
import { isArgument } from "../common/argument";
import { UserError } from "../common/errors";
import { type Exec, execWithin } from "../common/exec";
import { cidr, networkOf } from "../common/ipv4";
import { quoteValue } from "../common/quoteValue";
import type { ListedRoute, Route, RouteTable } from "../routes/route";
import { routeTable } from "../routes/table";
import { type RouteUser, RouteUsers } from "../routes/users";
import { type Context, DynamicResource, type Provider } from "./dynamic";

/** Arguments of {@link HostRoute}. */
export interface HostRouteArgs {
  /** Name in progress lines and errors. A change is used the next time. */
  name: pulumi.Input<string>;
  /** The network to reach: an IPv4 CIDR without host bits, `192.168.4.0/27`. A change replaces the route. */
  destination: pulumi.Input<string>;
  /** IPv4 address of the next hop, `192.168.4.30`, in a network of the interface. Changes live. */
  gateway: pulumi.Input<string>;
  /**
   * VirtualBox's name of the host-only interface: `vboxnet0`; on Windows `VirtualBox Host-Only Ethernet Adapter`.
   * Changes live.
   */
  interface: pulumi.Input<string>;
  /**
   * Whether to put our route in the place of one to the same destination that goes another way. Default: false, which
   * refuses and changes nothing. A change is used the next time.
   */
  adopt?: pulumi.Input<boolean>;
  /**
   * The stack, `cluster/stack`: named to others as a user of the route. Default: empty. A change is used the next time.
   */
  stack?: pulumi.Input<string>;
  /**
   * The stack's random id. Default: none, as in version 0.1.0: then the register of a route's users has no entry for
   * the stack. A change moves the entry.
   */
  stackId?: pulumi.Input<string>;
  /**
   * How long one command may take, of the system's program for routes, in seconds. Default 120. A change is used the
   * next time.
   */
  commandTimeoutSeconds?: pulumi.Input<number>;
}

/**
 * A route of the machine that runs the program, to a network behind a virtual machine.
 *
 * A route that was there before, the very same, is adopted: it serves, and it stays on delete. On Linux ours are told
 * from others by their protocol number. macOS and Windows have no mark: there a route that somebody put in the place of
 * ours counts as ours once a refresh has seen it. Stacks of one user that want the very same route share it, and the
 * last to delete takes it away; one that wants another gateway is refused. Routes are gone after a boot of the host: a
 * preview sees that, on Windows a refresh, and the next `up` makes them again.
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

/**
 * The provider over a routing table, which is opened when it is first used, and the register of who uses its routes.
 */
export const hostRouteProvider = (
  table: (run: Exec) => RouteTable,
  users = new RouteUsers(),
): Provider<Inputs, Outputs> => ({
  isShared: true,
  defaults: { adopt: false, stack: "", stackId: "", commandTimeoutSeconds: 120 },
  changes: {
    name: "stateOnly",
    destination: "replace",
    gateway: "inPlace",
    interface: "inPlace",
    adopt: "stateOnly",
    stack: "stateOnly",
    stackId: "stateOnly",
    commandTimeoutSeconds: "stateOnly",
  },

  problems: ({ destination, gateway, interface: device }) => ({
    ...problem("destination", destination !== undefined && destinationProblem(destination)),
    ...problem(
      "gateway",
      gateway !== undefined &&
        !isIPv4(gateway) &&
        `${quoteValue(gateway)} is not an IPv4 address; give one like "192.168.4.30"`,
    ),
    ...problem("interface", device !== undefined && interfaceProblem(device)),
  }),

  create: async (inputs, context) => ({
    id: inputs.destination,
    outs: await ensure(table(execOf(inputs)), users, inputs, undefined, context),
  }),

  async read(_id, outs) {
    const [route] = await table(execOf(outs)).list(outs.destination);
    if (!route) return undefined;
    if (same(route, outs)) return { ...outs, adopted: isForeign(route, outs.adopted, outs) };
    return { ...outs, gateway: route.gateway, interface: route.interface };
  },

  // PowerShell takes seconds.
  isGone: async (outs) =>
    process.platform !== "win32" && (await table(execOf(outs)).list(outs.destination)).length === 0,

  update: (_id, olds, news, context) => ensure(table(execOf(news)), users, news, olds, context),

  delete: (_id, outs, context) =>
    users.alone(outs.destination, () => remove(table(execOf(outs)), users, outs, context)),
});

/** The provider over this machine's own table. */
export const provider = hostRouteProvider((run) => routeTable(process.platform, run));

const execOf = ({ commandTimeoutSeconds }: Inputs) => execWithin(commandTimeoutSeconds * 1000);

const problem = (property: keyof Inputs, reason: string | false | undefined) => reason && { [property]: reason };

function destinationProblem(destination: string): string | undefined {
  const network = networkOf(destination);
  if (!network) return `${quoteValue(destination)} is not an IPv4 network; give a CIDR like "192.168.4.0/27"`;
  if (network.prefix === 0) return "it would be the host's default route; give the network that is to be reached";
  return cidr(network) === destination ? undefined : `"${destination}" has host bits set; give "${cidr(network)}"`;
}

/** `ip` takes what begins with a dash for an option. Windows' names have spaces in them. */
function interfaceProblem(device: string): string | undefined {
  if (device.trim() === "") return 'it is empty; give a name like "vboxnet0"';
  if (isArgument(device)) return undefined;
  return `${quoteValue(device)} is no interface's name; give one like "vboxnet0"`;
}

/**
 * Makes the wanted route the one in effect, and gives what is then true.
 * @param olds the resource, where it is there already
 */
const ensure = (
  table: RouteTable,
  users: RouteUsers,
  inputs: Inputs,
  olds: Outputs | undefined,
  context: Context,
): Promise<Outputs> =>
  users.alone(inputs.destination, async () => {
    const outs = await ensureAlone(table, users, inputs, olds?.adopted === false, context);
    await forgetFormer(users, inputs, olds);
    return outs;
  });

/**
 * A stack that has another id than it had, as its identity was replaced or its state was lost, no longer uses the route
 * under the old one.
 */
async function forgetFormer(
  users: RouteUsers,
  { destination, stack, stackId, adopt }: Inputs,
  olds: Outputs | undefined,
): Promise<void> {
  const lost = adopt
    ? (await users.to(destination)).filter((entry) => entry.stack === stack).map((entry) => entry.stackId)
    : [];
  for (const former of [...lost, ...(olds ? [olds.stackId] : [])])
    if (former !== stackId) await users.remove({ destination, stackId: former });
}

/** @param made whether the resource's route was made by us before: then what stands in its place is ours to fix */
async function ensureAlone(
  table: RouteTable,
  users: RouteUsers,
  inputs: Inputs,
  made: boolean,
  context: Context,
): Promise<Outputs> {
  const [present] = await table.list(inputs.destination);
  const known = present ? await users.of(present) : [];
  const foreign = present !== undefined && isForeign(present, !made && known.length === 0, inputs);
  if (present && same(present, inputs)) {
    if (foreign)
      context.log(
        `adopted the route ${describeRoute(present)}, which was there before; it stays when this resource is deleted`,
        "warning",
      );
    await (foreign ? users.remove(inputs) : users.add(inputs));
    return { ...inputs, adopted: foreign };
  }
  if (present && !inputs.adopt) {
    const others = known.filter(({ stackId }) => stackId !== inputs.stackId);
    if (others.length > 0) throw usedByOthers(present, others);
    if (foreign && !made) throw inTheWay(present);
  }
  await requireInterface(table, inputs.interface);
  await set(table, users, inputs, present);
  return { ...inputs, adopted: false };
}

/** The register comes first: a route of an interrupted run is known by it. */
async function set(table: RouteTable, users: RouteUsers, inputs: Inputs, present: Route | undefined): Promise<void> {
  const isThere = async () => (await table.list(inputs.destination)).some((route) => same(route, inputs));
  await users.add(inputs);
  try {
    await (present ? table.change(present, inputs) : table.add(inputs));
  } catch (error) {
    if (!(await isThere())) await users.remove(inputs);
    throw error;
  }
  const [now] = await table.list(inputs.destination);
  if (now && same(now, inputs)) return;
  throw new UserError(
    `the route ${describeRoute(inputs)} was set, but ${now ? `${describeRoute(now)} is in effect` : "it is not there"}`,
  );
}

/**
 * Takes the stack's route away, unless another stack uses it too. The register comes last: by it a route of an
 * interrupted change is known.
 */
async function remove({ list, remove }: RouteTable, users: RouteUsers, outs: Outputs, { log }: Context): Promise<void> {
  for (const route of await list(outs.destination)) {
    const known = await users.of(route);
    const others = known.filter(({ stackId }) => stackId !== outs.stackId);
    const isUnknown = others.length === known.length && (outs.adopted || !same(route, outs));
    if (isForeign(route, isUnknown, outs))
      log(`left the route ${describeRoute(route)} alone: it is not ours`, "warning");
    else if (others.length > 0)
      log(`left the route ${describeRoute(route)} to who uses it too: ${whoUses(others)}`, "warning");
    else await removeProven({ list, remove }, route);
  }
  await users.remove(outs);
}

async function removeProven({ list, remove }: Pick<RouteTable, "list" | "remove">, route: Route): Promise<void> {
  await remove(route);
  const left = await list(route.destination);
  if (left.some((other) => same(other, route)))
    throw new UserError(`the route to ${route.destination} is still there after its removal`);
}

async function requireInterface(table: RouteTable, name: string): Promise<void> {
  const names = await table.interfaces();
  if (names.includes(name)) return;
  throw new UserError(`there is no network interface "${name}" (there are: ${names.join(", ")})`, {
    hint:
      "VirtualBox makes vboxnet0 with: VBoxManage hostonlyif create; " +
      "a range outside 192.168.56.0/21 must be allowed in /etc/vbox/networks.conf first",
  });
}

const inTheWay = (route: Route) =>
  new UserError(
    `a route to that destination is there already and goes another way: ${describeRoute(route)}; nothing was changed`,
    {
      hint: "remove it, or set adopt: true to put ours in its place",
    },
  );

const usedByOthers = (route: Route, others: readonly { stack: string; file: string }[]) =>
  new UserError(
    `a route to that destination is there already and goes another way: ${describeRoute(route)}; another stack uses it, and nothing was changed`,
    {
      output: whoUses(others),
      hint: "give this stack the same gateway, or set adopt: true to put ours in its place; where that stack is gone for good, remove that file",
    },
  );

const whoUses = (users: readonly { stack: string; file: string }[]) =>
  users.map(({ stack, file }) => `${stack} (${file})`).join(", ");

/**
 * By its mark, or where routes carry none, by what we know otherwise; ours always have a gateway. Our mark on a route
 * is not enough where the stack has an id: it may be that of version 0.1.0, or of another user.
 */
const isForeign = ({ ours, gateway }: ListedRoute, otherwise: boolean, { stackId }: Pick<RouteUser, "stackId">) =>
  ours === undefined ? otherwise || !gateway : !ours || (stackId !== "" && otherwise);

const same = (a: Route, b: Route) =>
  a.destination === b.destination && a.gateway === b.gateway && a.interface === b.interface;

const describeRoute = ({ destination, gateway, interface: device }: Route) =>
  `${destination} ${gateway ? `via ${gateway}` : "without a gateway"} on ${device || "no interface"}`;
