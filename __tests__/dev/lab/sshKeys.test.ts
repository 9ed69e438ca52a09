import { knownHostsLine, sshConfig } from "../../../dev/lab/sshKeys";

test("a known_hosts line has all names, and leaves out the key's comment", () => {
  expect(knownHostsLine(["busybox", "192.168.4.57"], "ssh-ed25519 AAAAC3Nz busybox\n")).toBe(
    "busybox,192.168.4.57 ssh-ed25519 AAAAC3Nz\n",
  );
});

test("the client configuration checks host keys, against the lab's own alone", () => {
  const config = sshConfig({
    identity: "/my lab/id",
    knownHosts: "/my lab/known_hosts",
    workersKnownHosts: "/my lab/workers",
    config: "/my lab/config",
  });
  expect(config).toContain("StrictHostKeyChecking yes");
  expect(config).toContain("GlobalKnownHostsFile none");
  expect(config).toContain('IdentityFile "/my lab/id"');
  expect(config).toContain('UserKnownHostsFile "/my lab/known_hosts" "/my lab/workers"');
});
