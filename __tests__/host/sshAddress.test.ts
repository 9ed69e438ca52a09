import { isHost, parseSshAddress } from "../../host/sshAddress";

test.each([
  ["kube-mast01", { address: "kube-mast01" }],
  ["kube-mast01.kube.demo:2222", { address: "kube-mast01.kube.demo", port: 2222 }],
  ["admin@192.168.1.10:22", { address: "192.168.1.10", port: 22, user: "admin" }],
  ["::1", { address: "::1" }],
  ["[::1]", { address: "::1" }],
  ["root@[fd00::57]:2222", { address: "fd00::57", port: 2222, user: "root" }],
  ["fe80::1%eth0", { address: "fe80::1%eth0" }],
  ["[fe80::1%eth0]:22", { address: "fe80::1%eth0", port: 22 }],
])("%s", (text, expected) => expect(parseSshAddress(text)).toEqual(expected));

test.each(["", ".", "a:", "a:0", "a:65536", "a:b", "a:22:22", "@a", "-x@a", "a b", "-a", "[a]:22", "[::1", "::1]:22", "fe80::1%", "fe80::1%a b", "a/b", "a\n"])("%j is none", (text) =>
  expect(parseSshAddress(text)).toBeUndefined(),
);

test("a host has no port", () => expect(["a", "::1", "a:22", "[::1]", "u@a"].map(isHost)).toEqual([true, true, false, false, false]));
