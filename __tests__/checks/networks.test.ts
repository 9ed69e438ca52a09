import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { PlannedWorker } from "../../checks/site";
import type { SiteState } from "../../dev/simulator/state";
import { change, nic, problems, put, remove, root, useLookedAtSite } from "../support/lookedAtSite";

useLookedAtSite();

test.each<[string, Partial<PlannedWorker>, (state: SiteState) => unknown, RegExp | undefined]>([
  ["a host-only adapter", nic("hostonly", "vboxnet0"), () => {}, undefined],
  [
    "no host-only adapter",
    nic("hostonly", "vboxnet7"),
    () => {},
    /^wrong: nics: VirtualBox has no network vboxnet7 of type hostonly \(it has: vboxnet0\)$/,
  ],
  ["a bridged adapter", nic("bridged", "eth0"), () => {}, undefined],
  [
    "no bridged adapter",
    nic("bridged", "en0: Wi-Fi"),
    () => {},
    /^wrong: nics: VirtualBox has no network en0: Wi-Fi of type bridged/,
  ],
  [
    "a NAT network",
    nic("natnetwork", "my net"),
    ({ virtualBox }) => (virtualBox.networks = { natnets: [{ name: "my net", address: "10.0.9.0/24" }] }),
    undefined,
  ],
  [
    "no NAT network",
    nic("natnetwork", "my net"),
    () => {},
    /^wrong: nics: VirtualBox has no network my net of type natnetwork \(it has: none\)$/,
  ],
  [
    "no adapter for the routes",
    {},
    ({ network }) => (network.interfaces = ["lo"]),
    /^wrong: there is no network interface vboxnet0, by which the routes go \(there are: lo\)$/,
  ],
])("%s", async (_what, worker, arrange, expected) => {
  await change((state) => void arrange(state));
  expect(await problems({}, worker)).toEqual(expected ? [expect.stringMatching(expected)] : []);
});

test.each([
  ["", "192.168.254.1", 1],
  ["* 10.0.0.0/8 192.168.0.0/16\n", "192.168.254.1", 0],
  ["# * 192.168.0.0/16\n", "192.168.254.1", 1],
  ["", "192.168.56.1", 0],
  ["", "192.168.63.254", 0],
  ["* 192.168.0.0/16\n", "172.16.0.1", 1],
])("networks.conf %j and the address %s", async (conf, address, count) => {
  put("/etc/vbox/networks.conf", conf);
  await change(({ virtualBox }) => void (virtualBox.networks = { hostonlyifs: [{ name: "vboxnet0", address }] }));
  expect(await problems()).toEqual(
    Array(count).fill(
      expect.stringMatching(
        /^warning: the address .* of the host-only adapter vboxnet0 is in no range of \/etc\/vbox\/networks\.conf/,
      ),
    ),
  );
});

test("a file of the host that cannot be read is a warning with the system's reason", async () => {
  remove("/etc/vbox/networks.conf");
  mkdirSync(join(root, "/etc/vbox/networks.conf"));
  expect(await problems()).toEqual([expect.stringMatching(/^warning: .* could not be looked at: EISDIR/)]);
});
