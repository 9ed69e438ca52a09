import fc from "fast-check";
import { cidr, netmask, networkOf } from "../../common/ipv4";

test.each([
  ["192.168.4.0/27", "192.168.4.0/27", "255.255.255.224"],
  ["192.168.4.57/27", "192.168.4.32/27", "255.255.255.224"],
  ["192.168.254.1/16", "192.168.0.0/16", "255.255.0.0"],
  ["255.255.255.255/32", "255.255.255.255/32", "255.255.255.255"],
  ["10.1.2.3/0", "0.0.0.0/0", "0.0.0.0"],
])("%s is in %s", (text, network, mask) => {
  const parsed = networkOf(text)!;
  expect(cidr(parsed)).toBe(network);
  expect(netmask(parsed.prefix)).toBe(mask);
});

test.each([
  "",
  "192.168.4.0",
  "192.168.4/24",
  "192.168.4.0/33",
  "192.168.4.0/027",
  "192.168.04.0/24",
  "256.1.1.1/8",
  "fe80::/64",
  "1.2.3.4/8\n",
])("%j is no network", (text) => expect(networkOf(text)).toBeUndefined());

test("a network is its own network, and holds as many addresses as its prefix says", () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), (address, prefix) => {
      const network = networkOf(`${address}/${prefix}`)!;
      expect(networkOf(cidr(network))).toEqual(network);
      expect(bits(address).slice(0, prefix)).toBe(bits(network.address).slice(0, prefix));
      expect(bits(network.address).slice(prefix)).toBe("0".repeat(32 - prefix));
    }),
  );
});

const bits = (address: string) =>
  address
    .split(".")
    .map((octet) => Number(octet).toString(2).padStart(8, "0"))
    .join("");
