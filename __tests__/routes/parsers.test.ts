import { parseRoutes } from "../../routes/linux";
import { parseNetstat } from "../../routes/macos";
import { listedRoutes, parseListing } from "../../routes/windows";

describe("Linux: ip -j -N route show exact", () => {
  const via = (gateway: string, dev: string, ours: boolean) => ({
    destination: "192.168.4.0/27",
    gateway,
    interface: dev,
    ours,
  });

  test.each([
    ["an empty list", "[]", []],
    [
      "ours",
      '[{"dst":"192.168.4.0/27","gateway":"192.168.4.30","dev":"vboxnet0","protocol":"157","flags":[]}]',
      [via("192.168.4.30", "vboxnet0", true)],
    ],
    [
      "one made by hand, whose protocol (boot) is not shown",
      '[{"dst":"192.168.4.0/27","gateway":"192.168.4.30","dev":"vboxnet0","metric":60,"flags":["onlink"]}]',
      [via("192.168.4.30", "vboxnet0", false)],
    ],
    [
      "an on-link route",
      '[{"dst":"192.168.4.0/27","dev":"eth0","protocol":"2","scope":"253","flags":[]}]',
      [via("", "eth0", false)],
    ],
    ["a blackhole", '[{"type":"blackhole","dst":"192.168.4.0/27","flags":[]}]', [via("", "", false)]],
    [
      "a multipath route",
      '[{"dst":"192.168.4.0/27","flags":[],"nexthops":[{"gateway":"10.0.0.1","dev":"eth0","weight":1,"flags":[]}]}]',
      [via("", "", false)],
    ],
  ])("%s", (_what, json, expected) => expect(parseRoutes(json, "192.168.4.0/27")).toEqual(expected));
});

describe("macOS: netstat -rn -f inet", () => {
  const current = `Routing tables

Internet:
Destination        Gateway            Flags               Netif Expire
default            10.0.1.1           UGScg                 en0
default            link#21            UCSIg           bridge100      !
127                127.0.0.1          UCS                   lo0
127.0.0.1          127.0.0.1          UH                    lo0
169.254            link#12            UCS                   en0      !
172.16             10.0.1.7           UGSc                  en0
192.168.4/27       192.168.4.30       UGSc             vboxnet0
192.168.4.32/27    192.168.4.62       UGSc             vboxnet0
192.168.56         link#18            UC               vboxnet0      !
192.168.56.255     ff:ff:ff:ff:ff:ff  UHLWb            vboxnet0      !
224.0.0/4          link#12            UmCS                  en0      !
`;

  test("short destinations are spelled out, link-level gateways are none, scoped routes are left out", () => {
    expect(parseNetstat(current)).toEqual([
      { destination: "0.0.0.0/0", gateway: "10.0.1.1", interface: "en0" },
      { destination: "127.0.0.0/8", gateway: "127.0.0.1", interface: "lo0" },
      { destination: "127.0.0.1/32", gateway: "127.0.0.1", interface: "lo0" },
      { destination: "169.254.0.0/16", gateway: "", interface: "en0" },
      { destination: "172.16.0.0/16", gateway: "10.0.1.7", interface: "en0" },
      { destination: "192.168.4.0/27", gateway: "192.168.4.30", interface: "vboxnet0" },
      { destination: "192.168.4.32/27", gateway: "192.168.4.62", interface: "vboxnet0" },
      { destination: "192.168.56.0/24", gateway: "", interface: "vboxnet0" },
      { destination: "192.168.56.255/32", gateway: "", interface: "vboxnet0" },
      { destination: "224.0.0.0/4", gateway: "", interface: "en0" },
    ]);
  });

  test("older systems have two more columns", () => {
    const older = `Routing tables

Internet:
Destination        Gateway            Flags        Refs      Use   Netif Expire
192.168.4/27       192.168.4.30       UGSc            1       12 vboxnet0
`;
    expect(parseNetstat(older)).toEqual([
      { destination: "192.168.4.0/27", gateway: "192.168.4.30", interface: "vboxnet0" },
    ]);
  });

  test("without a heading it is an error", () =>
    expect(() => parseNetstat("netstat: sysctl: something\n")).toThrow(/did not answer with a table of routes/));
});

describe("Windows: Get-NetRoute and Get-NetAdapter as JSON", () => {
  test("a route has its adapter's description for a name, and no next hop is no gateway", () => {
    const json = JSON.stringify({
      routes: [
        { DestinationPrefix: "192.168.4.0/27", NextHop: "192.168.4.30", ifIndex: 12 },
        { DestinationPrefix: "192.168.56.0/24", NextHop: "0.0.0.0", ifIndex: 12 },
        { DestinationPrefix: "127.0.0.0/8", NextHop: "0.0.0.0", ifIndex: 1 },
      ],
      adapters: [{ InterfaceDescription: "VirtualBox Host-Only Ethernet Adapter", ifIndex: 12 }],
    });
    expect(listedRoutes(parseListing(json))).toEqual([
      { destination: "192.168.4.0/27", gateway: "192.168.4.30", interface: "VirtualBox Host-Only Ethernet Adapter" },
      { destination: "192.168.56.0/24", gateway: "", interface: "VirtualBox Host-Only Ethernet Adapter" },
      { destination: "127.0.0.0/8", gateway: "", interface: "IF 1" },
    ]);
  });
});
