import { exec, type Exec } from "../../common/exec";
import { run } from "../../dev/lab/exec";
import type { ListedRoute, Route, RouteTable } from "../../routes/route";
import { routeTable } from "../../routes/table";
import { OUR_PROTOCOL } from "../../routes/linux";
import type { Context } from "../../providers/dynamic";
import { hostRouteProvider } from "../../providers/hostRoute";

const DESTINATION = "192.168.4.0/27";
const INPUTS = {
  name: "dmz",
  destination: DESTINATION,
  gateway: "192.168.4.30",
  interface: "vboxnet0",
  adopt: false,
  stack: "",
  stackId: "",
  commandTimeoutSeconds: 120,
};

let lines: string[] = [];
const context = { log: (line: string) => void lines.push(line) } as Context;
beforeEach(() => void (lines = []));

describe("on Linux, in a network namespace with a vboxnet0", () => {
  const namespace = `host-route-${process.pid}`;
  const ip = (...args: string[]) => run("ip", ["-n", namespace, ...args]);
  const inside =
    (...prefix: string[]): Exec =>
    (file, args, options) =>
      exec("ip", ["netns", "exec", namespace, ...prefix, file, ...args], options);
  const provider = hostRouteProvider(() => routeTable("linux", inside()));
  const routes = async () => (await ip("-N", "route", "show", "exact", DESTINATION)).trim().replace(/ +/g, " ");

  beforeAll(async () => {
    await run("ip", ["netns", "add", namespace]);
    await ip("link", "add", "vboxnet0", "type", "veth", "peer", "name", "gate0");
    await ip("address", "add", "192.168.254.1/16", "dev", "vboxnet0");
    await ip("link", "set", "gate0", "up");
    await ip("link", "set", "vboxnet0", "up");
  });
  afterEach(() => ip("route", "flush", "exact", DESTINATION));
  afterAll(() => run("ip", ["netns", "delete", namespace]));

  test("create makes it, read sees it, delete takes it away, and again", async () => {
    const { id, outs } = await provider.create(INPUTS, context);
    expect(outs).toEqual({ ...INPUTS, adopted: false });
    expect(await routes()).toBe(`${DESTINATION} via 192.168.4.30 dev vboxnet0 proto ${OUR_PROTOCOL}`);
    expect(await provider.read(id, outs, context)).toEqual(outs);
    await provider.delete(id, outs, context);
    expect(await routes()).toBe("");
    expect(await provider.read(id, outs, context)).toBeUndefined();
    await provider.delete(id, outs, context);
  });

  test("the very same route that was there before is adopted, and stays", async () => {
    await ip("route", "add", DESTINATION, "via", "192.168.4.30", "dev", "vboxnet0");
    const before = await routes();
    const { id, outs } = await provider.create(INPUTS, context);
    expect(outs.adopted).toBe(true);
    expect(await provider.read(id, outs, context)).toEqual(outs);
    await provider.delete(id, outs, context);
    expect(await routes()).toBe(before);
    expect(lines.join("\n")).toMatch(/adopted the route .*\n.*left the route .* alone/);
  });

  test("a route that goes another way is refused and nothing is changed; adopt: true puts ours in its place", async () => {
    await ip("route", "add", DESTINATION, "via", "192.168.4.29", "dev", "vboxnet0");
    const before = await routes();
    const refused = /goes another way: 192\.168\.4\.0\/27 via 192\.168\.4\.29 on vboxnet0.*\n.*adopt: true/;
    await expect(provider.create(INPUTS, context)).rejects.toThrow(refused);
    expect(await routes()).toBe(before);
    expect((await provider.create({ ...INPUTS, adopt: true }, context)).outs.adopted).toBe(false);
    expect(await routes()).toContain("via 192.168.4.30");
  });

  test("the route of an interrupted create is ours, even where its gateway is another by now", async () => {
    await provider.create({ ...INPUTS, gateway: "192.168.4.29" }, context);
    const { id, outs } = await provider.create(INPUTS, context);
    expect(outs.adopted).toBe(false);
    expect((await provider.create(INPUTS, context)).outs.adopted).toBe(false);
    await provider.delete(id, outs, context);
    expect(await routes()).toBe("");
  });

  test("drift of the gateway is seen and fixed", async () => {
    const { id, outs } = await provider.create(INPUTS, context);
    await ip("route", "replace", DESTINATION, "via", "192.168.4.29", "dev", "vboxnet0");
    const seen = await provider.read(id, outs, context);
    expect(seen).toEqual({ ...outs, gateway: "192.168.4.29" });
    expect(await provider.update(id, seen!, INPUTS, context)).toEqual(outs);
    expect(await routes()).toBe(`${DESTINATION} via 192.168.4.30 dev vboxnet0 proto ${OUR_PROTOCOL}`);
  });

  test("a new gateway is taken up on the running host", async () => {
    const { id, outs } = await provider.create(INPUTS, context);
    await provider.update(id, outs, { ...INPUTS, gateway: "192.168.4.29" }, context);
    expect(await routes()).toBe(`${DESTINATION} via 192.168.4.29 dev vboxnet0 proto ${OUR_PROTOCOL}`);
  });

  test("delete leaves what somebody put in the place of ours", async () => {
    const { id, outs } = await provider.create(INPUTS, context);
    await ip("route", "replace", DESTINATION, "via", "192.168.4.29", "dev", "vboxnet0");
    await provider.delete(id, outs, context);
    expect(await routes()).toBe(`${DESTINATION} via 192.168.4.29 dev vboxnet0`);
  });

  test("an adopted route whose gateway was changed by others is not ours to fix", async () => {
    await ip("route", "add", DESTINATION, "via", "192.168.4.30", "dev", "vboxnet0");
    const { id, outs } = await provider.create(INPUTS, context);
    await ip("route", "replace", DESTINATION, "via", "192.168.4.29", "dev", "vboxnet0");
    const seen = await provider.read(id, outs, context);
    await expect(provider.update(id, seen!, INPUTS, context)).rejects.toThrow("goes another way");
  });

  test("a missing interface names VirtualBox's own command", async () => {
    const missing = provider.create({ ...INPUTS, interface: "vboxnet7" }, context);
    await expect(missing).rejects.toThrow(
      /no network interface "vboxnet7"[^]*VBoxManage hostonlyif create[^]*networks\.conf/,
    );
  });

  test("a gateway that the interface does not reach says what the interface needs", async () => {
    const unreachable = provider.create({ ...INPUTS, gateway: "10.9.8.7" }, context);
    await expect(unreachable).rejects.toThrow(/invalid gateway[^]*VBoxManage hostonlyif ipconfig/);
  });

  test("without the right to do it, the command to type is printed", async () => {
    const nobody = inside("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--");
    const unprivileged: Exec = async (file, args, options) =>
      file === "sudo"
        ? { stdout: "", stderr: "sudo: a password is required", exitCode: 1 }
        : nobody(file, args, options);
    await expect(hostRouteProvider(() => routeTable("linux", unprivileged)).create(INPUTS, context)).rejects.toThrow(
      `sudo ip route add ${DESTINATION} via 192.168.4.30 dev vboxnet0 proto ${OUR_PROTOCOL}`,
    );
    expect(await routes()).toBe("");
  });
});

describe("on a system whose routes carry no mark", () => {
  /** A table in memory, as macOS and Windows have it. */
  function unmarked(...present: ListedRoute[]) {
    const routes = [...present];
    const without = (gone: Route) =>
      routes.splice(
        routes.findIndex((route) => route.gateway === gone.gateway),
        1,
      );
    const table: RouteTable = {
      list: (destination) => Promise.resolve(routes.filter((route) => route.destination === destination)),
      interfaces: () => Promise.resolve(["vboxnet0"]),
      add: (route) => Promise.resolve(void routes.push(pick(route))),
      addByHand: () => "",
      change: (from, to) => Promise.resolve(void (without(from), routes.push(pick(to)))),
      remove: (route) => Promise.resolve(void without(route)),
    };
    return { routes, provider: hostRouteProvider(() => table) };
  }
  const pick = ({ destination, gateway, interface: device }: Route): ListedRoute => ({
    destination,
    gateway,
    interface: device,
  });

  test("what we made is deleted; what was there is adopted and stays", async () => {
    const fresh = unmarked();
    const made = await fresh.provider.create(INPUTS, context);
    expect(await fresh.provider.read(made.id, made.outs, context)).toEqual({ ...INPUTS, adopted: false });
    await fresh.provider.delete(made.id, made.outs, context);
    expect(fresh.routes).toEqual([]);

    const there = unmarked(pick(INPUTS));
    const { id, outs } = await there.provider.create(INPUTS, context);
    expect(outs.adopted).toBe(true);
    await there.provider.delete(id, outs, context);
    expect(there.routes).toEqual([pick(INPUTS)]);
  });

  test("an update of a route that is as it should be does not make it an adopted one", async () => {
    const { provider } = unmarked();
    const { id, outs } = await provider.create(INPUTS, context);
    expect((await provider.update(id, outs, INPUTS, context)).adopted).toBe(false);
  });

  test.each([
    ["a route through another gateway", "192.168.4.29", INPUTS.gateway],
    ["a route without a gateway, though a refresh saw it in the place of ours", "", ""],
  ])("delete leaves %s", async (_what, gateway, seen) => {
    const { routes, provider } = unmarked({ ...pick(INPUTS), gateway });
    await provider.delete(DESTINATION, { ...INPUTS, gateway: seen, adopted: false }, context);
    expect(routes).toHaveLength(1);
  });
});

describe("problems", () => {
  const { problems } = hostRouteProvider(() => routeTable("linux"));

  test("the seed's routes have none, and what is not known yet has none", () => {
    expect(problems(INPUTS)).toEqual({});
    expect(problems({ name: "dmz" })).toEqual({});
  });

  test.each([
    [{ destination: "192.168.4.30/27" }, { destination: '"192.168.4.30/27" has host bits set; give "192.168.4.0/27"' }],
    [
      { destination: "192.168.4.0" },
      { destination: '"192.168.4.0" is not an IPv4 network; give a CIDR like "192.168.4.0/27"' },
    ],
    [
      { destination: "0.0.0.0/0" },
      { destination: "it would be the host's default route; give the network that is to be reached" },
    ],
    [{ gateway: "gate-node01" }, { gateway: '"gate-node01" is not an IPv4 address; give one like "192.168.4.30"' }],
    [{ interface: " " }, { interface: 'it is empty; give a name like "vboxnet0"' }],
  ])("%j", (inputs, expected) => expect(problems({ ...INPUTS, ...inputs })).toEqual(expected));
});
