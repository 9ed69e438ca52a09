import { join } from "node:path";
import { hostFiles } from "../../checks/hostFiles";
import { failed, ok } from "../support/vboxResults";
import { calls, change, intercept, problems, put, remove, root, useLookedAtSite } from "../support/lookedAtSite";

useLookedAtSite();

test.each<[string, () => unknown, RegExp]>([
  [
    "is too old",
    () => change(({ virtualBox }) => void (virtualBox.version = "6.0.24r1")),
    /^wrong: VirtualBox 6\.0\.24r1 is too old$/,
  ],
  [
    "speaks another language",
    () => change(({ virtualBox }) => void (virtualBox.language = "ca")),
    /^wrong: VirtualBox speaks Catalan/,
  ],
  [
    "is newer",
    () => change(({ virtualBox }) => void (virtualBox.version = "9.0.0r1")),
    /^warning: VirtualBox 9\.0\.0r1 is newer/,
  ],
  [
    "fails for a reason of its own",
    () => intercept(([verb]) => (verb === "--version" ? failed("x", 126) : undefined)),
    /^warning: VirtualBox could not be looked at: .* failed with exit code 126$/,
  ],
])("VirtualBox that %s", async (_what, arrange, expected) => {
  await arrange();
  expect((await problems())[0]).toMatch(expected);
});

test("without VirtualBox nothing else of it is asked", async () => {
  intercept(() => ok("no VBoxManage\n"));
  expect(await problems()).toEqual([
    "wrong: VBoxManage --version gave no version",
    "later: what VirtualBox has: base image, networks, room",
  ]);
  expect(new Set(calls)).toEqual(new Set(["--version"]));
});

test.each<[string, () => unknown, string[]]>([
  [
    "no driver",
    () => remove("/dev/vboxdrv"),
    ["wrong: VirtualBox's kernel driver is not loaded: there is no /dev/vboxdrv, and no machine starts without it"],
  ],
  [
    "no driver, and KVM, which some builds run on",
    () => (remove("/dev/vboxdrv"), put("/dev/kvm", "")),
    [expect.stringMatching(/^warning: there is no \/dev\/vboxdrv: only a VirtualBox that is built on KVM/)],
  ],
  [
    "no vmx and no svm",
    () => put("/proc/cpuinfo", "flags\t\t: fpu sse2\n"),
    ["wrong: the host's processor shows neither VT-x nor AMD-V (no vmx or svm in /proc/cpuinfo)"],
  ],
  ["vmx", () => put("/proc/cpuinfo", "flags\t\t: fpu vmx sse2\n"), []],
  ["a cpuinfo without flags", () => put("/proc/cpuinfo", "processor : 0\n"), []],
  [
    "KVM in use",
    () => put("/sys/module/kvm_intel/refcnt", "3\n"),
    ["warning: KVM (kvm_intel) is in use by another virtual machine, and may have the processor's virtualization"],
  ],
  ["an idle KVM", () => put("/sys/module/kvm_amd/refcnt", "0\n"), []],
  [
    "a KVM that VirtualBox shares",
    () => (put("/sys/module/kvm_amd/refcnt", "0\n"), put("/sys/module/kvm/parameters/enable_virt_at_load", "Y\n")),
    [],
  ],
  [
    "a KVM that VirtualBox does not share",
    () => (
      put("/sys/module/kvm_amd/refcnt", "0\n"),
      put("/sys/module/kvm/parameters/enable_virt_at_load", "Y\n"),
      change(({ virtualBox }) => void (virtualBox.version = "7.2.8r1"))
    ),
    ["warning: KVM (kvm_amd) has the processor's virtualization, which VirtualBox 7.2.8r1 does not share"],
  ],
])("a host with %s", async (_what, arrange, expected) => {
  await arrange();
  expect(await problems()).toEqual(expected);
  expect(await problems({ autostart: false })).toEqual([]);
});

test("a host whose files cannot be seen is not judged by them", async () => {
  expect(await problems({}, {}, { files: hostFiles(join(root, "none"), "linux") })).toContainEqual(
    expect.stringMatching(/^later: VirtualBox's kernel driver/),
  );
  expect(await problems({}, {}, { files: hostFiles(root, "darwin") })).toEqual([
    expect.stringMatching(/^later: VirtualBox's kernel driver/),
  ]);
});
