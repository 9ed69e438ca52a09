import { createHash } from "node:crypto";

/**
 * The MAC address of a machine's NIC: the same each time for the same stack, machine and NIC, so that a machine that is
 * recreated gets its DHCP lease and its name again, and no two machines share one.
 *
 * @param stack the owner, `clusterName/stack`
 * @param vm the machine's name
 * @param nic the NIC's number, from 1 as VirtualBox counts
 * @returns 12 upper-case hexadecimal digits, as VirtualBox writes them, with VirtualBox's own prefix 08:00:27
 */
export function macAddress(stack: string, vm: string, nic: number): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([stack, vm, nic]))
    .digest("hex");
  return `080027${digest.slice(0, 6)}`.toUpperCase();
}
