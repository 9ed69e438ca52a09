import type { Hand } from "./hand";
import type { Outputs } from "./stackState";

/** What is done to one of the host's routes. */
export interface RouteDrift {
  done: string;
  destination: string;
  act(hand: Hand): Promise<unknown>;
  /** What a refresh makes of its outputs; undefined where it is gone. */
  seen(outputs: Outputs): Outputs | undefined;
  repair: string;
}

const gateway = "192.168.4.30";
const our = (destination: string) => [destination, "via", gateway, "dev", "vboxnet0"];

/** The stack's routes, each for one drift. */
export const routeDrifts: readonly RouteDrift[] = [
  {
    done: "A host route was removed, as by a boot of the host",
    destination: "192.168.4.0/27",
    act: (hand) => hand.ip("route", "del", ...our("192.168.4.0/27")),
    seen: () => undefined,
    repair: "adds it",
  },
  {
    done: "It was sent over another gateway",
    destination: "192.168.4.32/27",
    act: (hand) => hand.ip("route", "replace", "192.168.4.32/27", "via", "192.168.4.1", "dev", "vboxnet0"),
    seen: (outputs) => ({ ...outputs, gateway: "192.168.4.1" }),
    repair: "sends it over ours",
  },
  {
    done: "It was sent over another interface",
    destination: "192.168.4.64/27",
    act: async (hand) => {
      await hand.site(({ network }) => {
        network.interfaces.push("vboxnet1");
        network.addresses = { ...network.addresses, vboxnet1: network.addresses!.vboxnet0! };
      });
      await hand.ip("route", "replace", "192.168.4.64/27", "via", gateway, "dev", "vboxnet1");
    },
    seen: (outputs) => ({ ...outputs, interface: "vboxnet1" }),
    repair: "sends it over ours",
  },
];

/** A route that is somebody else's now, and goes where ours went. */
export const adoptedRoute: RouteDrift = {
  done: "A host route that somebody made in the place of ours, the very same",
  destination: "192.168.4.96/27",
  act: (hand) => hand.ip("route", "replace", ...our("192.168.4.96/27")),
  seen: (outputs) => ({ ...outputs, adopted: true }),
  repair: "leaves it, also on destroy",
};

/** What the configuration has for them. */
export const routes = [...routeDrifts, adoptedRoute].map(({ destination }) => ({
  destination,
  gateway,
  interface: "vboxnet0",
}));

/** The route's key in the stack's state. */
export const routeKey = ({ destination }: RouteDrift) => `vbox:HostRoute route-${destination.replace("/", "-")}`;
