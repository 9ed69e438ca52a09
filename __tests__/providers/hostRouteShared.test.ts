import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Exec, NotRunnable } from "../../common/exec";
import { linuxRoutes } from "../../routes/linux";
import { RouteUsers } from "../../routes/users";
import { operations } from "../../providers/engine";
import { hostRouteProvider } from "../../providers/hostRoute";
import { ip } from "../../dev/simulator/routes";
import type { NetworkState } from "../../dev/simulator/state";
import { Driven } from "../support/driven";

/** Two stacks on one host want a route to the same network. */
const destination = "192.168.4.0/27";

let folder: string;
let network: NetworkState;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "routes-"));
  network = { interfaces: ["vboxnet0"], addresses: { vboxnet0: "192.168.254.1/16" }, routes: [], leases: {} };
  jest.spyOn(console, "log").mockImplementation(() => undefined);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** `ip`, and no sudo. */
const programs: Exec = (file, args) =>
  file === "ip" ? Promise.resolve(ip(network, args)) : Promise.reject(new NotRunnable(`${file} is not installed`));
const register = () => join(folder, ".vbox-kubeadm", ".routes");
const provider = () => hostRouteProvider(() => linuxRoutes(programs), new RouteUsers(register()));
const route = (stack: string, stackId: string, gateway = "192.168.4.30") =>
  new Driven(provider(), () => ({ name: destination, destination, gateway, interface: "vboxnet0", stack, stackId }));
const [dev, staging] = ["a".repeat(32), "b".repeat(32)];
const gateways = () => network.routes.map(({ gateway }) => gateway);
const files = () =>
  existsSync(register())
    ? readdirSync(register(), { recursive: true, encoding: "utf8" }).filter((path) => path.includes("/"))
    : [];

test("two stacks share a route, and the last to go takes it away", async () => {
  const [one, other] = [route("kube/dev", dev), route("kube/staging", staging)];
  await one.up();
  expect((await other.up()).outs.adopted).toBe(false);
  expect(files()).toHaveLength(2);
  await other.destroy();
  expect(gateways()).toEqual(["192.168.4.30"]);
  expect(console.log).toHaveBeenCalledWith(
    expect.stringMatching(/left the route .* to who uses it too: kube\/dev \(.*a{32}\)/),
  );
  await one.destroy();
  expect(gateways()).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});

test("another gateway is refused while another stack uses the route, also as a change; adopt puts it in its place", async () => {
  await route("kube/dev", dev).up();
  const other = route("kube/staging", staging, "192.168.4.29");
  const refusal =
    /192\.168\.4\.30 on vboxnet0; another stack uses it, and nothing was changed\n.*kube\/dev \(.*\)\n.*adopt: true/;
  await expect(other.up()).rejects.toThrow(refusal);
  expect(files()).toHaveLength(1);
  await other.up({ gateway: "192.168.4.30" });
  await expect(other.up()).rejects.toThrow(refusal);
  expect(gateways()).toEqual(["192.168.4.30"]);
  await other.up({ adopt: true });
  expect(gateways()).toEqual(["192.168.4.29"]);
});

test("what a stack's register does not claim is not taken, though it has our mark: version 0.1.0's, or another user's", async () => {
  await route("", "").up();
  await expect(route("kube/dev", dev, "192.168.4.29").up()).rejects.toThrow("goes another way");
  const one = route("kube/dev", dev);
  expect((await one.up()).outs.adopted).toBe(true);
  expect((await one.refresh())!.outs.adopted).toBe(true);
  await one.destroy();
  expect(gateways()).toEqual(["192.168.4.30"]);
});

test("version 0.1.0's own route is claimed by the `up` that gives the stack its id", async () => {
  const one = route("", "");
  await one.up();
  expect((await one.up({ stack: "kube/dev", stackId: dev })).outs.adopted).toBe(false);
  await route("kube/staging", staging).up();
  await one.destroy();
  expect(gateways()).toEqual(["192.168.4.30"]);
});

test("the route of an interrupted create is ours, even where its gateway is another by now", async () => {
  await route("kube/dev", dev, "192.168.4.29").up();
  await route("kube/dev", dev).up();
  expect(gateways()).toEqual(["192.168.4.30"]);
});

test("an entry of before the last boot counts no more, and one that cannot be read is named", async () => {
  const [one, other] = [route("kube/dev", dev), route("kube/staging", staging)];
  await one.up();
  await other.up();
  const file = join(
    register(),
    files().find((path) => path.endsWith(dev))!,
  );
  writeFileSync(file, readFileSync(file, "utf8").replace(/"boot":"[^"]*"/, '"boot":"before"'));
  await other.destroy();
  expect(gateways()).toEqual([]);
  writeFileSync(file, "");
  await expect(one.up()).resolves.toBeDefined();
  writeFileSync(file, "{");
  await expect(one.up()).rejects.toThrow(`${file} should say which route a stack uses`);
});

test("an entry of another network namespace, as the lab's, counts for nothing here", async () => {
  const [one, other] = [route("kube/dev", dev), route("kube/staging", staging)];
  await one.up();
  await other.up();
  const file = join(
    register(),
    files().find((path) => path.endsWith(dev))!,
  );
  writeFileSync(file, readFileSync(file, "utf8").replace(/net:\[\d+\]/, "net:[1]"));
  await other.destroy();
  expect(gateways()).toEqual([]);
});

test("a stack whose id is another one by now leaves no trace of the old one", async () => {
  const one = route("kube/dev", dev);
  await one.up();
  await one.up({ stackId: "c".repeat(32) });
  expect(files()).toHaveLength(1);
  await one.destroy();
  expect([gateways(), readdirSync(folder)]).toEqual([[], []]);
});

test("a stack that lost its state, and so its id, takes its route over with adopt; a stack of another name keeps its part", async () => {
  await route("kube/dev", dev).up();
  await route("kube/staging", staging).up();
  const one = route("kube/dev", "c".repeat(32));
  await one.up({ adopt: true });
  expect(files()).toHaveLength(2);
  await one.destroy();
  expect([gateways(), files().length]).toEqual([["192.168.4.30"], 1]);
});

test("a register that cannot be read is no empty one", async () => {
  const [one, other] = [route("kube/dev", dev), route("kube/staging", staging)];
  await one.up();
  await other.up();
  const listing = join(register(), files()[0]!, "..");
  const aside = `${listing}.aside`;
  renameSync(listing, aside);
  writeFileSync(listing, "");
  await expect(one.destroy()).rejects.toThrow(`${listing} lists the stacks that use a route, and cannot be read`);
  expect(gateways()).toEqual(["192.168.4.30"]);
});

test("a route that is not made is not claimed", async () => {
  network.isReadOnly = true;
  await expect(route("kube/dev", dev).up()).rejects.toThrow("may be changed by root only");
  expect(files()).toEqual([]);
});

test("a preview sees that the route is gone, as after a boot, and nothing where it cannot look", async () => {
  const { id, outs } = await route("kube/dev", dev).up();
  const diff = (looked = provider()) => operations.diff(looked, id, outs, outs);
  expect(await diff()).toMatchObject({ changes: false });
  network.routes = [];
  expect(await diff()).toMatchObject({ changes: true, replaces: [] });
  expect(await diff(hostRouteProvider(() => linuxRoutes(() => Promise.reject(new Error("no ip")))))).toMatchObject({
    changes: false,
  });
});
