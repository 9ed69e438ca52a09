import { isIPv4 } from "node:net";
import { type Exec, exec as execHere } from "../common/exec";
import { UserError } from "../common/errors";
import { shellCommand } from "../common/shell";
import type { SshHost, SshTarget } from "../ssh/target";
import { SshError } from "../ssh/error";
import { VBoxManage } from "../virtualbox/vboxManage";
import type { VmInfo } from "../virtualbox/vmInfo";

/** The machine that stands between us and the cluster's networks: given by its address, or by its VM. */
export interface BastionArgs {
  /** Its address or host name. Either this or `vm` is needed; this one wins. */
  address?: string;
  /** Name of its VM in VirtualBox, which is asked for the address. Needs Guest Additions in the VM. */
  vm?: string;
  /**
   * The VM's network adapter that has the address, counted from 0: 0 is VirtualBox's NIC 1 (`modifyvm --nic1`), 1 its
   * NIC 2. Default: the first that is not `nat`, which this machine cannot reach, and has an address.
   */
  interface?: number;
  /** TCP port of its sshd. Default 22. */
  port?: number;
  /** The user to log in as. */
  user: string;
  /** Its host keys, as in known_hosts without the names: `ssh-ed25519 AAAA…`. */
  hostKeys: string[];
}

/** A machine that is reached by SSH, through a bastion where one is given. */
export interface SshTargetArgs {
  /** Its address, or its name as the bastion resolves it. */
  address: string;
  /** TCP port of its sshd. Default 22. */
  port?: number;
  /** The user to log in as. */
  user: string;
  /** Its host keys, as in known_hosts without the names: `ssh-ed25519 AAAA…`. */
  hostKeys: string[];
  /** File with the private key for it and the bastion. Default: the SSH agent's keys. */
  privateKeyFile?: string;
  /** Which of the agent's keys is offered, as in a `.pub` file. Default: each in turn, of which sshd takes six. */
  publicKey?: string;
  /** What stands between. Default: nothing. */
  bastion?: BastionArgs;
}

/**
 * The bastion with an address: its own, or the one that Guest Additions report for the VM's network adapter.
 * @throws SshError `unreachable` when VirtualBox has no address for it
 * @throws UserError for an `interface` that the VM does not have
 */
export async function resolveBastion(
  bastion: BastionArgs,
  vboxManage: string,
  exec: Exec = execHere,
): Promise<SshHost> {
  const { vm, interface: index, ...host } = bastion;
  if (host.address) return { ...host, address: host.address };
  if (!vm)
    throw new UserError("the bastion has neither an address nor a VM", {
      hint: "give the bastion's `address`, or the name of its `vm`",
    });
  const vbox = new VBoxManage(vboxManage, exec);
  const info = await vbox.showVm(vm);
  if (!info)
    throw new SshError("unreachable", `VirtualBox has no machine ${vm}, which is to be the bastion`, {
      hint: "make it, or give the bastion's `address` or another `vm`",
    });
  const adapters = adaptersOf(info, index);
  const reported = await guestAddresses(vbox, vm);
  for (const { mac } of adapters) {
    const addresses = reported.get(mac);
    if (addresses?.length === 1) return { ...host, address: addresses[0]! };
    if (addresses) throw ambiguous(vm, mac, addresses);
  }
  throw withoutAddress(info, adapters);
}

type Adapter = { number: number; mac: string };

/** The adapters that may have the bastion's address, in their order. */
function adaptersOf({ name, nics }: VmInfo, index: number | undefined): Adapter[] {
  const all = nics.map(({ type, mac }, i) => ({ number: i + 1, type, mac })).filter(({ type }) => type !== "none");
  if (index === undefined) return all.filter(({ type }) => type !== "nat");
  const chosen = all.find(({ number }) => number === index + 1);
  if (chosen) return [chosen];
  throw new UserError(
    `the bastion ${name} has no network adapter NIC ${index + 1}, which is its \`interface\` ${index}`,
    {
      hint: `choose one of ${all.map(({ number }) => number - 1).join(", ")}: they are counted from 0`,
    },
  );
}

/** More interfaces than any bastion has. */
const MOST_INTERFACES = 64;

/**
 * The IPv4 addresses that Guest Additions report, by MAC address. They number the guest's interfaces from 0 in the
 * guest's own order, which a restart may change, and count bridges of containers too: only the MAC tells the adapter.
 */
async function guestAddresses(vbox: VBoxManage, vm: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (let index = 0; index < MOST_INTERFACES; index++) {
    const property = (name: string) => vbox.guestProperty(vm, `/VirtualBox/GuestInfo/Net/${index}/${name}`);
    const mac = (await property("MAC"))?.toUpperCase();
    if (mac === undefined) break;
    const address = await property("V4/IP");
    if (address !== undefined && isIPv4(address)) found.set(mac, [...new Set([...(found.get(mac) ?? []), address])]);
  }
  return found;
}

const ambiguous = (vm: string, mac: string, addresses: readonly string[]) =>
  new SshError(
    "unreachable",
    `the guest of the bastion ${vm} reports several addresses for its network adapter ${mac}: ${addresses.join(", ")}`,
    {
      hint: "give the bastion's `address`",
    },
  );

function withoutAddress({ name, state, condition }: VmInfo, adapters: readonly Adapter[]): SshError {
  if (condition !== "running") {
    return new SshError("unreachable", `the bastion ${name} is ${state}, so VirtualBox does not know its address`, {
      hint: `start it (${shellCommand(["VBoxManage", "startvm", name, "--type", "headless"])}), or give the bastion's \`address\``,
    });
  }
  const looked = adapters.map(({ number, mac }) => `NIC ${number} (${mac})`).join(", ") || "any adapter but nat";
  return new SshError(
    "unreachable",
    `VirtualBox does not know the address of the bastion ${name}: Guest Additions report none for ${looked}`,
    {
      hint:
        "wait for the VM's Guest Additions, choose another `interface`, or give the bastion's `address`; see VBoxManage guestproperty enumerate " +
        name,
    },
  );
}

/** The target with its bastion's address, see {@link resolveBastion}. */
export async function resolveTarget(
  target: SshTargetArgs,
  vboxManage: string,
  exec: Exec = execHere,
): Promise<SshTarget> {
  const { bastion, ...machine } = target;
  return bastion ? { ...machine, bastion: await resolveBastion(bastion, vboxManage, exec) } : machine;
}
