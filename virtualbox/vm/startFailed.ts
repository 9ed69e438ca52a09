import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../common/errors";
import { lastLines, TimedOut } from "../../common/exec";
import { shellCommand } from "../../common/shell";
import { VBoxError } from "../error";
import type { VmInfo } from "../vmInfo";

/** A cause that VirtualBox's status codes give away, whatever its language; words where it has no code. */
type Cause = readonly [output: RegExp, cause: string, hint: string | ((vm: VmInfo) => string)];

/** How to get VirtualBox's kernel driver. */
export const DRIVER =
  "Linux: install your kernel's headers and run `sudo /sbin/vboxconfig` (Debian, Ubuntu: `sudo apt install virtualbox-dkms linux-headers-$(uname -r)`), until /dev/vboxdrv is there; " +
  "with Secure Boot, sign the modules; macOS: allow Oracle's extension in System Settings, Privacy & Security, and restart; Windows: install VirtualBox again";

const LINUX_KVM = "/sys/module/kvm/parameters/enable_virt_at_load";

/**
 * What to do about KVM. Since Linux 6.12 it keeps the processor's virtualization from its start on, and VirtualBox
 * 7.2.10 and later share it.
 * @param enabled the value of its parameter enable_virt_at_load
 */
export const kvmCure = (enabled: string | undefined) =>
  `stop the other hypervisor: \`sudo modprobe -r kvm_intel kvm_amd kvm\`; on Linux 6.12 and later give the kernel kvm.enable_virt_at_load=0 for VirtualBox up to 7.2.8, =1 for 7.2.10 and later${enabled === undefined ? "" : ` (it is ${enabled} now)`}`;

const kvm = () => kvmCure(existsSync(LINUX_KVM) ? readFileSync(LINUX_KVM, "utf8").trim() : undefined);

const named = (list: string) => `give the name as \`VBoxManage list ${list}\` has it, or make that network`;

const CAUSES: readonly Cause[] = [
  [
    /VERR_VMX_IN_VMX_ROOT_MODE|VERR_SVM_IN_USE/,
    "another hypervisor, often KVM, has the processor's virtualization",
    kvm,
  ],
  [
    /VERR_SVM_HOST_SVME_NOT_ENABLED/,
    "AMD-V is not switched on",
    () => `switch on SVM in the host's firmware, or load KVM (\`sudo modprobe kvm_amd\`); or ${kvm()}`,
  ],
  [
    /VERR_SVM_DISABLED|VERR_VMX_MSR_\w+/,
    "VT-x or AMD-V is switched off",
    "switch on VT-x or AMD-V (SVM) in the host's firmware (BIOS, UEFI)",
  ],
  [
    /VERR_(VMX_NO_VMX|SVM_NO_SVM|VMX_NOT_SUPPORTED|SVM_NOT_SUPPORTED|UNSUPPORTED_CPU)/,
    "the host's processor has no VT-x or AMD-V",
    "choose another host; one that is itself a virtual machine needs nested virtualization",
  ],
  [
    /VERR_NEM_\w+/,
    "the system's own hypervisor is in the way",
    "Windows: switch off Hyper-V and what uses it (`bcdedit /set hypervisorlaunchtype off`, then restart); macOS: update it, or VirtualBox",
  ],
  [
    /VERR_VM_DRIVER_VERSION_MISMATCH|VERR_VERSION_MISMATCH/,
    "VirtualBox's kernel driver is of another version",
    `end all of VirtualBox, then load its new driver: \`sudo /sbin/rcvboxdrv restart\`, or restart the host`,
  ],
  [
    /VERR_SUPDRV_COMPONENT_NOT_FOUND/,
    "VirtualBox's kernel modules for networks are not loaded",
    "`sudo modprobe -a vboxnetflt vboxnetadp`, or `sudo /sbin/vboxconfig`",
  ],
  [
    /VERR_VM_DRIVER_\w+|VERR_SUPDRV_\w+|VERR_SUPLIB_\w+|\(rc=-19(08|09|10|12)\)/,
    "VirtualBox's kernel driver is missing, or does not let this user in",
    DRIVER,
  ],
  [
    /\b1 \(0x1\)[^]*component MachineWrap, interface IMachine\b/,
    "the machine's process ended at once: mostly, VirtualBox's kernel driver is not loaded",
    DRIVER,
  ],
  [
    /VERR_(NO_MEMORY|NO_LOW_MEMORY|NO_PAGE_MEMORY|NO_PHYS_MEMORY|NO_CONT_MEMORY|GMM_\w+)|E_OUTOFMEMORY|NS_ERROR_OUT_OF_MEMORY/,
    "the host has not enough free memory",
    "end other programs or machines, or give the workers a smaller `memoryMb`",
  ],
  [
    /Host-only adapters are no longer supported/,
    "VirtualBox on macOS has no host-only adapters any more",
    "give the NIC the type hostonlynet, and a network of `VBoxManage list hostonlynets`",
  ],
  [
    /VERR_INTNET_FLT_IF_NOT_FOUND|VERR_INTNET_FLT_IF_FAILED|Nonexistent host networking interface/,
    "a NIC's adapter does not exist on the host",
    `${named("hostonlyifs")} (bridged: \`list bridgedifs\`)`,
  ],
  [
    /NAT ?network.*(not|doesn't) (exist|found)|VERR_NAT_REDIR_SETUP/i,
    "a NIC's NAT network does not exist",
    named("natnets"),
  ],
  [
    /VERR_SSM_\w+|VERR_VUSB_SAVED_STATE\w*/,
    "its saved state cannot be resumed here",
    ({ uuid }) =>
      `throw the state away, as if its power was cut: \`${shellCommand(["VBoxManage", "discardstate", uuid])}\`; then run \`pulumi up\``,
  ],
  [
    /(RawFile|NamedPipe|TCP|HostSerial|HostParallel)#\d|VERR_NET_ADDRESS_IN_USE|VERR_HOSTIF_\w+|VERR_PDM_\w*PARPORT\w*/,
    "a file, port or device of the host that the machine wants is missing or in use",
    ({ uuid }) =>
      `look at its serial ports and forwardings: \`${shellCommand(["VBoxManage", "showvminfo", uuid])}\`; a clone has only those that \`keepOpen\` names`,
  ],
];

/**
 * The failure of a machine's start, with the cause that VirtualBox's words or else its log give away.
 * @param error what `startvm` failed with; anything but a refusal of VirtualBox and a deadline that passed is given
 * back
 */
export async function startFailed(error: unknown, vm: VmInfo): Promise<unknown> {
  if (error instanceof TimedOut) return tooLate(error, vm);
  if (!(error instanceof VBoxError)) return error;
  const output = [error.detail.output, await endOfLog(vm)].filter(Boolean).join("\n");
  const [, cause, hint] =
    CAUSES.find(([code]) => code.test(error.result.stderr)) ?? CAUSES.find(([code]) => code.test(output)) ?? [];
  const what = `${vm.name} did not start${cause === undefined ? "" : `: ${cause}`}`;
  const look = `look at ${vm.logFolder} and at the machine in VirtualBox; it stays as it is, and the next \`pulumi up\` only starts it`;
  const cure = hint === undefined ? (error.detail.hint ?? look) : typeof hint === "string" ? hint : hint(vm);
  return new UserError(what, { output, hint: cure, cause: error });
}

/**
 * The failure of a paused machine's resumption: after a sleep of the host or a lack of disk space, only VirtualBox
 * itself may resume it.
 */
export function resumeFailed(error: unknown, { name, uuid }: VmInfo): unknown {
  if (!(error instanceof VBoxError)) return error;
  const { output } = error.detail;
  if (error.code !== "VBOX_E_INVALID_VM_STATE")
    return new UserError(`${name} is paused, and was not resumed`, { output, hint: powerOffTodo(uuid), cause: error });
  return new UserError(`${name} is paused by VirtualBox itself, mostly as the host slept or its battery was low`, {
    output,
    hint: `wait until the host is fully awake, and run \`pulumi up\`; or ${powerOffTodo(uuid)}`,
    cause: error,
  });
}

const powerOffTodo = (uuid: string) =>
  `cut its power: \`${shellCommand(["VBoxManage", "controlvm", uuid, "poweroff"])}\`; then run \`pulumi up\``;

/** VirtualBox may go on with it. */
const tooLate = (error: TimedOut, { name, logFolder }: VmInfo) =>
  new UserError(`${name} did not start: ${error.summary}`, {
    output: error.detail.output,
    hint: `look at ${logFolder} and at the machine in VirtualBox; a slow host may need a longer \`timeouts.start\`; the machine stays as it is, and the next \`pulumi up\` only starts it`,
    cause: error,
  });

async function endOfLog({ logFolder }: VmInfo): Promise<string | undefined> {
  const file = join(logFolder, "VBox.log");
  const log = await readFile(file, "utf8").catch(() => undefined);
  return log && `${file} ends:\n${lastLines(log, 8)}`;
}
