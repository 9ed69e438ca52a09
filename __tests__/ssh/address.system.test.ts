import { isHost, jumpHost, parseSshAddress } from "../../ssh/address";
import { exec } from "../../dev/lab/exec";
import { openSsh } from "../support/openssh";

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

test.each([
  "",
  ".",
  "a:",
  "a:0",
  "a:65536",
  "a:b",
  "a:22:22",
  "@a",
  "-x@a",
  "a b",
  "-a",
  "[a]:22",
  "[::1",
  "::1]:22",
  "fe80::1%",
  "fe80::1%a b",
  "a/b",
  "a\n",
])("%j is none", (text) => expect(parseSshAddress(text)).toBeUndefined());

test("a host has no port", () =>
  expect(["a", "::1", "a:22", "[::1]", "u@a"].map(isHost)).toEqual([true, true, false, false, false]));

// `ssh -G` resolves the way of a real login, but for what becomes of the jump host's percent signs, which its
// ProxyCommand shows.
test.each<[string, Parameters<typeof jumpHost>[0]]>([
  ["debian@192.168.4.57", { user: "debian", address: "192.168.4.57" }],
  ["debian@busybox.kube.demo:2222", { user: "debian", address: "busybox.kube.demo", port: 2222 }],
  ["debian@[fd00::57]", { user: "debian", address: "fd00::57" }],
  ["debian@[fd00::57]:22", { user: "debian", address: "fd00::57", port: 22 }],
  ["debian@[fe80::1%%lo]:1", { user: "debian", address: "fe80::1%lo", port: 1 }],
])("OpenSSH takes the jump host %s", async (text, address) => {
  const { program, env } = await openSsh();
  const ssh = (...args: string[]) =>
    exec(program("usr/bin/ssh"), ["-F", "none", ...args, "-J", text, "debian@kube-node01.kube.demo"], { env });
  expect(jumpHost(address)).toBe(text);
  const { exitCode, stdout } = await ssh("-G");
  expect(exitCode).toBe(0);
  const [, jump] = /^proxyjump (.*)$/m.exec(stdout)!;
  // It shows every address in brackets.
  expect(parseSshAddress(jump!.replaceAll("%%", "%").replace(/\[([^:]*)\]/, "$1"))).toEqual(address);
  if (text.includes("%"))
    expect((await ssh("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes")).stderr).toContain(
      "connect to host fe80::1%lo port 1",
    );
});
