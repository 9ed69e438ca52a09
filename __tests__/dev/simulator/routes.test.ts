import type { ExecResult } from "../../../common/exec";
import { exec, run } from "../../../dev/lab/exec";
import { linuxRoutes } from "../../../routes/linux";
import { ip as simulated } from "../../../dev/simulator/routes";
import type { NetworkState } from "../../../dev/simulator/state";

/** The same calls of the real ip, in a namespace of its own, and of the simulated one. */
const namespace = `simulated-ip-${process.pid}`;
const real = (args: readonly string[]) => exec("ip", ["-n", namespace, ...args]);
let network: NetworkState;

beforeAll(async () => {
  await run("ip", ["netns", "add", namespace]);
  await real(["link", "add", "vboxnet0", "type", "veth", "peer", "name", "gate0"]);
  await real(["address", "add", "192.168.254.1/16", "dev", "vboxnet0"]);
  for (const end of ["gate0", "vboxnet0"]) await real(["link", "set", end, "up"]);
});
beforeEach(
  () =>
    void (network = {
      interfaces: ["lo", "gate0", "vboxnet0"],
      addresses: { vboxnet0: "192.168.254.1/16" },
      routes: [],
      leases: {},
    }),
);
afterEach(() => real(["route", "flush", "exact", "192.168.4.0/27"]));
afterAll(() => run("ip", ["netns", "delete", namespace]));

/** As somebody sees it who asks for JSON. */
const seen = ({ stdout, stderr, exitCode }: ExecResult) => ({
  exitCode,
  stderr: stderr.trim(),
  json: stdout.trim() ? (JSON.parse(stdout) as unknown) : undefined,
});

const list = "-j -N -4 route show exact 192.168.4.0/27";
const add = "route add 192.168.4.0/27 via 192.168.4.30 dev vboxnet0 proto 157";
const del = add.replace("add", "del");
const other = (command: string) => command.replace("4.30", "4.29");

test.each([
  ["nothing there", [list]],
  ["made, seen, taken away", [add, list, del, list]],
  ["made twice", [add, add, list]],
  ["made through two gateways", [add, other(add), list]],
  ["replaced", [add, other(add).replace("add", "replace"), list]],
  ["replaced where there is none", [add.replace("add", "replace"), list]],
  [
    "replaced by a route without our mark, which we do not take away",
    [add, "route replace 192.168.4.0/27 via 192.168.4.29 dev vboxnet0", list, other(del), list],
  ],
  [
    "a route without a mark is taken away by whoever gives none",
    [
      "route add 192.168.4.0/27 via 192.168.4.30 dev vboxnet0",
      list,
      "route del 192.168.4.0/27 via 192.168.4.30 dev vboxnet0",
      list,
    ],
  ],
  ["taken away through another gateway", [add, other(del), list]],
  ["taken away where there is none", [del]],
  ["a gateway that is not reached", [add.replace("192.168.4.30", "10.9.8.7"), list]],
  [
    "replaced through a gateway that is not reached",
    [add, add.replace("add", "replace").replace("192.168.4.30", "10.9.8.7"), list],
  ],
  ["an interface that is not there", [add.replace("vboxnet0", "vboxnet7"), del.replace("vboxnet0", "vboxnet7")]],
  ["host bits", [add.replace("4.0/27", "4.1/27")]],
  ["no network", [add.replace("192.168.4.0/27", "x/27")]],
  ["an unknown command", ["route frob", "frob"]],
])("%s: the simulated ip answers as the real one does", async (_what, commands) => {
  for (const command of commands) {
    const args = command.split(" ");
    expect({ command, ...seen(simulated(network, args)) }).toEqual({ command, ...seen(await real(args)) });
  }
});

test("the program sees the same interfaces", async () => {
  const names = await linuxRoutes((_file, args) => Promise.resolve(simulated(network, args))).interfaces();
  expect(names.sort()).toEqual((await linuxRoutes((_file, args) => real(args)).interfaces()).sort());
});
