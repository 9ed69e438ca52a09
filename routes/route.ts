/** One way to a network. */
export interface Route {
  /** Canonical CIDR: `192.168.4.0/27`. */
  destination: string;
  /** IPv4 address of the next hop; empty for a route that has none, or several. */
  gateway: string;
  /** VirtualBox's name of the interface: `vboxnet0`; on Windows `VirtualBox Host-Only Ethernet Adapter`. */
  interface: string;
}

/** A route as the system lists it. */
export interface ListedRoute extends Route {
  /** Whether it carries our mark; absent on systems whose routes can carry none (macOS, Windows). */
  ours?: boolean;
}

/** The system's IPv4 routing table. What it adds lasts until the next boot, on every system. */
export interface RouteTable {
  /** The routes to exactly this network; the one in effect comes first. */
  list(destination: string): Promise<ListedRoute[]>;
  /** Names of the network interfaces. */
  interfaces(): Promise<string[]>;
  /** @throws UserError with the command to type where we have no right to do it */
  add(route: Route): Promise<void>;
  /** The command that adds it by hand, in an ordinary user's shell. */
  addByHand(route: Route): string;
  /** Puts `to` in the place of `from`, which has the same destination. @throws UserError as {@link add} */
  change(from: Route, to: Route): Promise<void>;
  /** @throws UserError as {@link add}, and where there is no such route */
  remove(route: Route): Promise<void>;
}
