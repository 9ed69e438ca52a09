import { basename } from "node:path";
import type { SimulatedStack } from "../simulator/stack";
import type { Medium, SiteState } from "../simulator/state";

const UUID = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi;
const SHA256 = /\b[0-9a-f]{64}\b/gi;
/** The end of a cloud-init instance-id. */
const INSTANCE = /-[0-9a-f]{16}\b/g;
const STACK_ID = /\b[0-9a-f]{32}\b/g;
const PUBLIC_KEY = /\bssh-ed25519 [\w+/=]+/g;

/** The machines and Nodes of a site, by their UUIDs. */
export const identities = ({ virtualBox, cluster }: SiteState): ReadonlySet<string> =>
  new Set([...virtualBox.machines.map(({ uuid }) => uuid), ...cluster.nodes.map(({ uid }) => uid)]);

/** VirtualBox calls differences by their UUID: here by what they are differences from. */
function fileName({ location, parent }: Medium, media: readonly Medium[]): string {
  const from = media.find(({ uuid }) => uuid === parent);
  return from ? `<differences from ${fileName(from, media)}>` : `<${basename(location)}>`;
}

/**
 * Gives what differs from run to run a name: a UUID and a leased address the name of what has it, so that what belongs
 * together is seen to; hashes, host keys and folders one for all. A machine or a Node is called `old` where it was
 * there before.
 * @param before those that were
 */
export function namesIn({ world, folder }: SimulatedStack, before: ReadonlySet<string>): (text: string) => string {
  const { virtualBox, cluster, network } = world.read();
  const age = (uuid: string) => (before.has(uuid) ? "old" : "new");
  const names = new Map([
    ...virtualBox.media.map((medium) => [medium.uuid, fileName(medium, virtualBox.media)] as const),
    ...virtualBox.machines.map(({ uuid, name }) => [uuid, `<${age(uuid)} machine ${name}>`] as const),
    ...cluster.nodes.map(({ uid, name }) => [uid, `<${age(uid)} Node ${name}>`] as const),
  ]);
  const leases = Object.entries(network.leases).map(
    ([mac, address]) => [new RegExp(`\\b${address.replaceAll(".", "\\.")}\\b`, "g"), `<address of ${mac}>`] as const,
  );
  return (text) =>
    leases
      .reduce((rest, [address, name]) => rest.replace(address, name), text.replaceAll(folder, "<folder>"))
      .replace(UUID, (uuid) => names.get(uuid.toLowerCase()) ?? "<UUID>")
      .replace(SHA256, "<SHA-256>")
      .replace(STACK_ID, "<stack id>")
      .replace(INSTANCE, "-<hash>")
      .replace(PUBLIC_KEY, "<public key>");
}
