import { render } from "../../cloudinit/render";
import { filesOf, renderOptions, someHostKey, userDataOf } from "../support/cloudInit";
import { dhcpSiteUp, type DhcpSite } from "../support/dhcpSite";
import { inGuest } from "../support/guestRoot";

// The real ifupdown, dhclient and dhcpcd on a machine with two NICs, each of which is offered a default route, by our
// network-config.
jest.setTimeout(300_000);

const [first, second] = ["08:00:27:a1:b2:c3", "08:00:27:a1:b2:c4"] as const;
const options = renderOptions({ macAddresses: ["080027A1B2C3", "080027A1B2C4"] });
const program = "/usr/local/sbin/complete-network-config";

let site: DhcpSite;
beforeEach(async () => (site = await dhcpSiteUp([first, second])));
afterEach(() => site.down());

/**
 * The first boot of a new installation, and a later one: what of the network is seen after each, and before our step.
 */
async function boots(prepare: string): Promise<string[]> {
  const script = `
    mount -t sysfs sys /sys
    ${prepare}
    mkdir -p /etc/network/interfaces.d /run/network /var/lib/dhcp
    cloud-init devel net-convert -p /network-config -k yaml -d / -D debian -O eni >/dev/null 2>&1
    sed -i 's/nic1/enp0s3/; s/nic2/enp0s8/' /etc/network/interfaces.d/50-cloud-init
    echo 'source /etc/network/interfaces.d/*' >/etc/network/interfaces
    # The further NIC is the quicker one.
    up() { ifup enp0s8; ifup enp0s3; } >/dev/null 2>&1
    power_off() {
      kill -9 $(cat /run/dhclient.*.pid /run/dhcpcd/*.pid 2>/dev/null) || true
      rm -rf /run/network/* /run/dhc*
      for name in enp0s3 enp0s8; do ip address flush dev $name; ip link set $name down; done
    }
    seen() { ip -4 -o address show scope global | awk '{print $2, $4}'; ip -4 route show default | awk '{print $1, $3}'; echo ----; }
    up; seen
    ${program} '${first} ${second}' >/dev/null 2>&1; seen
    power_off; up; seen; power_off`;
  const files = {
    [program]: filesOf(userDataOf(options))[program]!,
    "/network-config": render(options, someHostKey).files["network-config"],
  };
  const { stdout, stderr, exitCode } = await inGuest(script, files, site.guest);
  expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
  return stdout.split("----\n").slice(0, 3);
}

/** The address of a NIC. */
const addressOf = (name: string, seen: string) => new RegExp(`^${name} ([\\d.]+)/24$`, "m").exec(seen)?.[1];

const clients = [
  ["dhclient", "rm /etc/dhcpcd.conf"],
  // It would look for another machine with the address for 5 s.
  ["dhcpcd", "rm -r /etc/dhcp /usr/sbin/dhclient; echo noarp >>/etc/dhcpcd.conf"],
] as const;

test.each(clients)(
  "%s: one default route, now and later, and the address of the machine before",
  async (_, prepare) => {
    const [untouched, completed, later] = await boots(prepare);
    expect(untouched).toContain("default 10.0.3.2");
    for (const seen of [completed!, later!]) {
      expect(seen.match(/^default .*$/gm)).toEqual(["default 192.168.2.254"]);
      expect(addressOf("enp0s8", seen)).toMatch(/^10\.0\.3\./);
    }
    const address = addressOf("enp0s3", completed!);
    expect(addressOf("enp0s3", later!)).toBe(address);
    // The lease that it had by another identity is given back.
    expect((await site.leases()).split("\n").filter((line) => line.includes(first))).toEqual([
      expect.stringMatching(`${address} \\S+ 01:${first}$`),
    ]);
    const [, replacement] = await boots(prepare);
    expect(addressOf("enp0s3", replacement!)).toBe(address);
  },
);
