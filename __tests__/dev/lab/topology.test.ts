import { BlockList } from "node:net";
import { dnsmasqArguments } from "../../../dev/lab/dnsmasq";
import { dhcpRange, hostonly, networks, nics, type LabNetwork } from "../../../dev/lab/topology";

const contains = ({ router, prefix }: LabNetwork, address: string) => {
  const block = new BlockList();
  block.addSubnet(router, prefix);
  return block.check(address);
};

test("every address is in its own network", () => {
  for (const network of Object.values<LabNetwork>(networks))
    if (network.dns) expect(contains(network, network.dns)).toBe(true);
  for (const nic of nics) expect(contains(networks[nic.network], nic.address)).toBe(true);
  expect(contains(networks.node, dhcpRange.first) && contains(networks.node, dhcpRange.last)).toBe(true);
});

test("networks behind the gate do not overlap", () => {
  const all = Object.values<LabNetwork>(networks);
  for (const one of all) for (const other of all) if (one !== other) expect(contains(one, other.router)).toBe(false);
});

test("the bastion's address is on link for the workstation, so that it takes a route to reach it", () => {
  const workstation = { bridge: "", router: hostonly.host, prefix: hostonly.prefix };
  for (const nic of nics) expect(contains(workstation, nic.address)).toBe(true);
});

test("interface names fit into Linux's 15 characters", () => {
  for (const { bridge } of Object.values(networks)) expect(bridge.length).toBeLessThanOrEqual(15);
});

describe("dnsmasq", () => {
  const args = dnsmasqArguments({ pid: "/run/d.pid", leases: "/run/d.leases", log: "/log/d.log" });

  test("gives out addresses on node alone", () => {
    expect(args).toContain("--dhcp-range=192.168.2.130,192.168.2.253,255.255.255.0,12h");
    const without = args.filter((arg) => arg.startsWith("--no-dhcp-interface="));
    expect(without).toEqual(["--no-dhcp-interface=br-mast", "--no-dhcp-interface=br-dmz.42"]);
  });

  test("knows the master and the bastion by short and by full name", () => {
    expect(args).toContain("--host-record=kube-mast01.kube.demo,kube-mast01,192.168.1.2");
    expect(args).toContain("--host-record=busybox.kube.demo,busybox,192.168.4.57");
  });

  test("tells guests by what they call themselves, as the tutorial's gate does", () =>
    expect(args).not.toContain("--dhcp-ignore-clid"));
});
