import { resolveTarget } from "../access/bastion";
import { type Readiness, waitForCloudInit } from "./wait";
import { UserError } from "../common/errors";
import type { Exec } from "../common/exec";
import type { Nic } from "../virtualbox/machine";
import type { Log } from "../common/log";

interface Guest extends Readiness {
  name: string;
  nics: readonly Nic[];
  vboxManage: string;
  commandTimeoutSeconds: number;
  log: Log;
}

/**
 * Waits until a machine's first boot is done.
 * @returns the address that the guest has on its first NIC
 * @throws UserError when it has none there
 */
export async function guestAddress(guest: Guest, exec: Exec): Promise<string> {
  const { nics, vboxManage, commandTimeoutSeconds } = guest;
  const target = await resolveTarget(guest.target, vboxManage, exec);
  const { addresses } = await waitForCloudInit({ ...guest, target, commandTimeoutMs: commandTimeoutSeconds * 1000 });
  const mac = nics[0]!.mac.toLowerCase().replace(/..(?=.)/g, "$&:");
  const address = addresses.get(mac);
  if (address) return address;
  throw new UserError(`the guest has no IPv4 address on its first network adapter (${mac})`, {
    hint: "look at the network's DHCP server, and at `ip address` on the guest",
  });
}
