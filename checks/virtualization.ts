import type { Finding } from "../common/finding";
import { later, right } from "../common/finding";
import type { HostFiles } from "./hostFiles";
import { DRIVER, kvmCure } from "../virtualbox/vm/startFailed";

/**
 * Whether the processor's flags are known, and none of them is the virtualization's. Linux hides one that the firmware
 * has switched off.
 */
const hasNoVirtualization = (cpuinfo: string | undefined) =>
  cpuinfo !== undefined && /^flags\s*:/m.test(cpuinfo) && !/^flags\s*:.*\b(vmx|svm)\b/m.test(cpuinfo);

/**
 * The first VirtualBox that shares the processor's virtualization with the KVM of Linux 6.12 and later, and needs it to
 * be on.
 */
const SHARES_KVM = [7, 2, 10] as const;

/**
 * What a machine's start needs of the processor and of VirtualBox's driver, as far as that can be seen without one.
 * @param version of VirtualBox, such as `7.2.22_Debianr175245`
 */
export function lookAtVirtualization(files: HostFiles, version: string): Finding[] {
  const driver = files.exists("/dev/vboxdrv");
  if (files.platform !== "linux" || driver === undefined)
    return [later("VirtualBox's kernel driver: only a machine's start shows it on this system")];
  const findings: Finding[] = [];
  if (!driver && files.exists("/dev/kvm"))
    findings.push({
      is: "warning",
      what: "there is no /dev/vboxdrv: only a VirtualBox that is built on KVM, as NixOS has it (enableKvm), starts machines without it",
      hint: DRIVER,
    });
  else if (!driver)
    findings.push({
      is: "wrong",
      what: "VirtualBox's kernel driver is not loaded: there is no /dev/vboxdrv, and no machine starts without it",
      hint: DRIVER,
    });
  if (hasNoVirtualization(files.read("/proc/cpuinfo")))
    findings.push({
      is: "wrong",
      what: "the host's processor shows neither VT-x nor AMD-V (no vmx or svm in /proc/cpuinfo)",
      hint: "switch it on in the host's firmware (BIOS, UEFI); a host that is itself a virtual machine needs nested virtualization",
    });
  const kvm = kvmProblem(files, version);
  if (kvm !== undefined)
    findings.push({ is: "warning", what: kvm, hint: kvmCure(files.read(ENABLE_VIRT_AT_LOAD)?.trim()) });
  return findings.length > 0
    ? findings
    : [right("VirtualBox's kernel driver is loaded, and nothing else has the processor's virtualization")];
}

const ENABLE_VIRT_AT_LOAD = "/sys/module/kvm/parameters/enable_virt_at_load";

/** What of KVM may keep a machine from starting. It may be gone, or be shared, by then. */
function kvmProblem(files: HostFiles, version: string): string | undefined {
  const vendor = ["kvm_intel", "kvm_amd"].find((module) => files.exists(`/sys/module/${module}`));
  if (vendor === undefined) return undefined;
  const isOn = /^[Y1]/.test(files.read(ENABLE_VIRT_AT_LOAD) ?? "");
  if (isOn && !sharesKvm(version))
    return `KVM (${vendor}) has the processor's virtualization, which VirtualBox ${version} does not share`;
  const users = Number(files.read(`/sys/module/${vendor}/refcnt`) ?? 0);
  return users > 0 && !isOn
    ? `KVM (${vendor}) is in use by another virtual machine, and may have the processor's virtualization`
    : undefined;
}

function sharesKvm(version: string): boolean {
  const parts = version
    .split(/[._]/)
    .slice(0, 3)
    .map((part) => Number.parseInt(part, 10));
  const differs = SHARES_KVM.findIndex((part, i) => parts[i] !== part);
  return differs === -1 || parts[differs]! > SHARES_KVM[differs]!;
}
