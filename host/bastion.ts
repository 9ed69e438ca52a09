import { type Exec, exec as execHere } from "./exec";
import { UserError } from "./errors";
import { shellCommand } from "./shell";
import type { SshHost, SshTarget } from "./ssh";
import { SshError } from "./sshError";
import { VBoxManage } from "./vboxmanage";
import type { VmInfo } from "./vminfo";

/** The machine that stands between us and the cluster's networks: given by its address, or by its VM. */
export interface BastionArgs {
  /** Its address or host name. Either this or `vm` is needed; this one wins. */
  address?: string;
  /** Name of its VM in VirtualBox, which is asked for the address. Needs Guest Additions in the VM. */
  vm?: string;
  /** The VM's interface that has the address, counted from 0 as Guest Additions count. Default 0. */
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
  /** What stands between. Default: nothing. */
  bastion?: BastionArgs;
}

/**
 * The bastion with an address: its own, or the one that its Guest Additions report.
 * @throws SshError `unreachable` when VirtualBox has no address for it
 */
export async function resolveBastion(bastion: BastionArgs, vboxManage: string, exec: Exec = execHere): Promise<SshHost> {
  const { vm, interface: nic = 0, ...host } = bastion;
  if (host.address) return { ...host, address: host.address };
  if (!vm)
    throw new UserError("the bastion has neither an address nor a VM", { todo: "give the bastion's `address`, or the name of its `vm`" });
  const property = `/VirtualBox/GuestInfo/Net/${nic}/V4/IP`;
  const vbox = new VBoxManage(vboxManage, exec);
  const address = await vbox.guestProperty(vm, property);
  if (address) return { ...host, address };
  throw withoutAddress(vm, property, await vbox.showVm(vm));
}

function withoutAddress(vm: string, property: string, info: VmInfo | undefined): SshError {
  if (!info) return new SshError("unreachable", `VirtualBox has no machine ${vm}, which is to be the bastion`, { todo: "make it, or give the bastion's `address` or another `vm`" });
  if (info.condition === "running") {
    return new SshError("unreachable", `VirtualBox does not know the address of the bastion ${vm}: its guest property ${property} has no value`, {
      todo: "wait for the VM's Guest Additions, choose another `interface`, or give the bastion's `address`",
    });
  }
  return new SshError("unreachable", `the bastion ${vm} is ${info.state}, so VirtualBox does not know its address`, {
    todo: `start it (${shellCommand(["VBoxManage", "startvm", vm, "--type", "headless"])}), or give the bastion's \`address\``,
  });
}

/** The target with its bastion's address, see {@link resolveBastion}. */
export async function resolveTarget(target: SshTargetArgs, vboxManage: string, exec: Exec = execHere): Promise<SshTarget> {
  const { bastion, ...machine } = target;
  return bastion ? { ...machine, bastion: await resolveBastion(bastion, vboxManage, exec) } : machine;
}
