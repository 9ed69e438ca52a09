import { render } from "../../cloudinit/render";
import { filesOf, renderOptions, someHostKey, userDataOf } from "../support/cloudInit";
import { inGuest } from "../support/guestRoot";

// What each of cloud-init's renderers makes of our network-config, and what the first boot adds to it, in a Debian with
// the real cloud-init. dhcp.system.test.ts runs ifupdown, dhclient and dhcpcd by it.
jest.setTimeout(120_000);

const macs = ["080027A1B2C3", "080027A1B2C4"];
const [first, second] = ["08:00:27:a1:b2:c3", "08:00:27:a1:b2:c4"];

/** Lets a renderer write its files, and runs the step of the first boot; prints the files. */
async function complete(renderer: string, macAddresses: string[], files: Record<string, string> = {}, show = "true") {
  const options = renderOptions({ macAddresses });
  const userData = userDataOf(options);
  const program = "/usr/local/sbin/complete-network-config";
  const [, argument] = userData.runcmd.find(([file]) => file === program)!;
  const script = `
    mount -t sysfs sys /sys; chmod +x /usr/local/bin/*
    ip link add enp0s3 address ${first} type bridge; ip link add enp0s8 address ${second} type bridge
    ip link set enp0s8 up; ip address add 10.0.3.15/24 dev enp0s8; ip route add default via 10.0.3.2 dev enp0s8
    printf '#!/bin/sh\\necho wait-online "$@"\\n' >/usr/lib/systemd/systemd-networkd-wait-online
    ${renderer && `cloud-init devel net-convert -p /network-config -k yaml -d / -D debian -O ${renderer} >/dev/null 2>&1`}
    ${program} "${argument}"
    ${show}`;
  return inGuest(script, {
    [program]: filesOf(userData)[program]!,
    "/network-config": render(options, someHostKey).files["network-config"],
    "/usr/local/bin/networkctl": '#!/bin/sh\necho "networkctl $*"\n',
    "/usr/local/bin/ifdown": "#!/bin/sh\n",
    "/usr/local/bin/ifup": "#!/bin/sh\n",
    ...files,
  });
}

test("netplan has all of it", async () => {
  const { stdout } = await complete("netplan", macs, {}, "cat /etc/netplan/*");
  expect(stdout.match(/dhcp-identifier: mac/g)).toHaveLength(2);
  expect(stdout).toMatch(/use-routes: false[^]*optional: true/);
});

test("systemd-networkd gets it as drop-ins, and a lease by the MAC address at once", async () => {
  const { stdout } = await complete("networkd", macs, {}, "cd /etc/systemd/network; head -n 20 *.d/*");
  expect(stdout).toMatch(
    /^networkctl reload\nnetworkctl reconfigure enp0s3\nnetworkctl reconfigure enp0s8\nwait-online --interface=enp0s3:routable --timeout=60\n/,
  );
  expect(stdout).toContain("==> 10-cloud-init-nic1.network.d/50-complete.conf <==\n[DHCPv4]\nClientIdentifier=mac\n\n");
  expect(stdout).toContain(
    "==> 10-cloud-init-nic2.network.d/50-complete.conf <==\n[DHCPv4]\nClientIdentifier=mac\nUseRoutes=no\nUseGateway=no\n[Link]\nRequiredForOnline=no",
  );
});

const interfaces = `sed -i 's/nic1/enp0s3/; s/nic2/enp0s8/' /etc/network/interfaces.d/50-cloud-init`;

test("ifupdown with dhclient: the further ones bring no route, now and later, and no boot waits for them", async () => {
  const hook = "/etc/dhcp/dhclient-enter-hooks.d/complete";
  const files = {
    "/etc/dhcp/dhclient.conf": "",
    "/usr/local/bin/cloud-init": `#!/bin/sh\n/usr/bin/cloud-init "$@"; ${interfaces}\n`,
  };
  const routers = (name: string) =>
    `interface=${name} new_routers=10.0.3.2; . ${hook}; echo "$interface: \${new_routers-none}"`;
  const { stdout } = await complete(
    "eni",
    macs,
    files,
    `ip route; ${routers("enp0s3")}; ${routers("enp0s8")}; grep enp0s /etc/network/interfaces.d/50-cloud-init`,
  );
  expect(stdout).not.toContain("default");
  expect(stdout).toContain(
    "enp0s3: 10.0.3.2\nenp0s8: none\nauto enp0s3\niface enp0s3 inet dhcp\nallow-hotplug enp0s8\niface enp0s8 inet dhcp",
  );
});

test("ifupdown with dhcpcd: the same, and the lease goes by the MAC address", async () => {
  const files = { "/usr/local/bin/cloud-init": `#!/bin/sh\n/usr/bin/cloud-init "$@"; ${interfaces}\n` };
  const { stdout } = await complete(
    "eni",
    macs,
    files,
    "grep -E 'duid|^clientid|^interface|^nogateway' /etc/dhcpcd.conf; dhcpcd --version | head -n 1",
  );
  expect(stdout).toMatch(/^#duid\nclientid\ninterface enp0s8\nnogateway\ninterface nic2\nnogateway\ndhcpcd /m);
});

test("NetworkManager: the lease goes by the MAC address; further ones, for which the boot would wait, are refused", async () => {
  const { stdout } = await complete(
    "network-manager",
    macs.slice(0, 1),
    {},
    "cat /etc/NetworkManager/system-connections/*",
  );
  expect(stdout).toContain("[ipv4]\ndhcp-client-id=mac\n");
  const { exitCode, stderr } = await complete("network-manager", macs);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(
    "complete-network-config: NetworkManager lets the boot wait for every network interface: use a base image with netplan.io or systemd-networkd, or give networkConfig",
  );
});

test("what is not known is left alone with one, and refused with more", async () => {
  expect(await complete("", macs.slice(0, 1))).toMatchObject({ exitCode: 0 });
  expect((await complete("", macs)).stderr).toContain("what configures this image's network is not known");
});
