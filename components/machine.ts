import * as pulumi from "@pulumi/pulumi";
import type { SshTargetArgs } from "../access/bastion";
import { FIRST_BOOT_MARK } from "../cloudinit/report";
import { CloudInitIso } from "../providers/cloudInitIso";
import type { CloudInitIsoArgs } from "../providers/cloudInitIsoArgs";
import { VBoxVm } from "../providers/vboxVm";
import type { VBoxVmArgs } from "../providers/vboxVmArgs";
import type { Nic } from "../virtualbox/machine";

/** Arguments of {@link Machine}. A change of one within `iso` or `vm` means what it means for that resource. */
export interface MachineArgs {
  /** The machine's host name. A change replaces. */
  name: string;
  /** The domain of its network: it is reached as `name.zone`. A change replaces. */
  zone: string;
  /** Its network adapters. The ISO is told their MAC addresses. */
  nics: readonly Nic[];
  /** Its cloud-init ISO. */
  iso: Omit<CloudInitIsoArgs, "name" | "zone" | "macAddresses">;
  /** Its virtual machine, which is attached to that ISO. */
  vm: Omit<VBoxVmArgs, "name" | "nics" | "isoPath" | "isoSha256" | "seed" | "readiness">;
  /** How to log in on it: the address and the host key are its own. */
  login: Omit<SshTargetArgs, "address" | "hostKeys">;
  /** How long its first boot may take, in seconds. */
  cloudInitTimeoutSeconds: number;
}

/** Up to version 0.1.0 all resources stood side by side: a stack of that time keeps them, by this alias. */
const AT_THE_ROOT: pulumi.Alias = { parent: pulumi.rootStackResource };

/** Options of a resource that belongs to a machine, and is shown below it: a token, say. */
export const belongsTo = (machine: pulumi.Resource): pulumi.CustomResourceOptions => ({
  parent: machine,
  aliases: [AT_THE_ROOT],
});

/** A machine: a cloud-init ISO, and the virtual machine whose first boot it describes. */
export class Machine extends pulumi.ComponentResource {
  /** The name by which it is reached. */
  readonly fullName: string;
  /** How it is reached by SSH. */
  readonly target: pulumi.Output<SshTargetArgs>;
  /** Its host key, as a line of known_hosts. */
  readonly knownHost: pulumi.Output<string>;
  readonly vm: VBoxVm;
  /** What makes it another machine; unlike its UUID it is known in a preview of a change in place. */
  readonly identity: pulumi.Output<string>;

  /** @param opts `dependsOn` holds for the ISO and the VM */
  constructor(name: string, args: MachineArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("vbox-kubeadm:index:Machine", name, {}, opts);
    const child = { ...belongsTo(this), dependsOn: opts.dependsOn };
    const iso = new CloudInitIso(
      name,
      { ...args.iso, name: args.name, zone: args.zone, macAddresses: args.nics.map(({ mac }) => mac) },
      child,
    );
    const fullName = `${args.name}.${args.zone}`;
    const target = iso.hostPublicKey.apply((key) => ({ ...args.login, address: fullName, hostKeys: [key] }));
    const readiness = pulumi
      .all([target, iso.reboots, endsUnmarked(args, iso)])
      .apply(([target, rebootExpected, endsUnmarked]) => ({
        target,
        rebootExpected,
        ...(endsUnmarked && { endsUnmarked }),
        timeoutSeconds: args.cloudInitTimeoutSeconds,
      }));
    const { path: isoPath, sha256: isoSha256, seed } = iso;
    const vm = new VBoxVm(
      name,
      { ...args.vm, name: args.name, nics: [...args.nics], isoPath, isoSha256, seed, readiness },
      child,
    );

    this.fullName = fullName;
    this.target = target;
    this.knownHost = iso.hostPublicKey.apply((key) => `${fullName} ${key}\n`);
    this.vm = vm;
    this.identity = pulumi.interpolate`${vm.baseImage} ${vm.isoSha256}`;
    this.registerOutputs();
  }
}

/**
 * Whether the user-data lacks the mark of its end: only a template of one's own can, that version 0.1.0 put on the ISO.
 */
const endsUnmarked = ({ iso: { userData } }: MachineArgs, iso: CloudInitIso): pulumi.Output<boolean> =>
  userData === undefined
    ? pulumi.output(false)
    : pulumi.unsecret(iso.userData).apply((rendered) => !rendered.includes(FIRST_BOOT_MARK));
