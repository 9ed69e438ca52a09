import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exec, type ExecResult } from "../../common/exec";
import { PartialFailure } from "../../providers/dynamic";
import { vboxVmProvider } from "../../providers/vboxVm";
import { misused, refused } from "../../dev/simulator/virtualBox/refusal";
import { testContext } from "../support/context";
import { SimulatedVirtualBox } from "../support/simulatedVirtualBox";

// A machine that VirtualBox does not start, resume or delete.
const folder = mkdtempSync(join(tmpdir(), "vbox-vm-"));
afterAll(() => rmSync(folder, { recursive: true }));

let box: SimulatedVirtualBox;
let provider: ReturnType<typeof vboxVmProvider>;
const context = testContext();
beforeEach(async () => {
  box = await SimulatedVirtualBox.make(folder);
  provider = vboxVmProvider(box.exec);
});

type Inputs = Parameters<typeof provider.create>[0];
const wanted = (changes: Partial<Inputs> = {}): Inputs => ({
  ...(provider.defaults as Inputs),
  name: "node1",
  stack: "shop/test",
  baseImage: "base",
  nics: [{ type: "intnet", network: "node", mac: "080027A1B201" }],
  ...changes,
});
const create = (changes?: Partial<Inputs>) => provider.create(wanted(changes), context);
const failureOf = (operation: Promise<unknown>) =>
  operation.then(
    () => expect("success").toBe("a failure"),
    (error: Error) => error,
  ) as Promise<Error>;

const fails = (verb: string, result: ExecResult) =>
  void (box.fault = (args) => (args[0] === verb || args.slice(0, 3).join(" ").endsWith(verb) ? result : undefined));
const start = (words: string, component: "Console" | "Machine" = "Console") =>
  refused(words, "NS_ERROR_FAILURE", component).result;
/** As 7.2.22 has it where there is no /dev/vboxdrv (run). */
const ENDED = misused(
  "The virtual machine 'node1' has terminated unexpectedly during startup with exit code 1 (0x1)\nVBoxManage: error: Details: code NS_ERROR_FAILURE (0x80004005), component MachineWrap, interface IMachine",
).result;
const CATALAN = {
  ...ENDED,
  stderr: ENDED.stderr.replace(
    /The virtual.*code 1/,
    "La màquina virtual «node1» ha acabat inesperadament amb el codi de sortida 1",
  ),
};

describe("a start that fails names its cause and the cure", () => {
  test.each([
    [
      "KVM, Intel",
      start("VT-x is being used by another hypervisor (VERR_VMX_IN_VMX_ROOT_MODE)"),
      /another hypervisor, often KVM.*\n[^]*→ stop the other hypervisor: `sudo modprobe -r kvm_intel kvm_amd kvm`.*kvm\.enable_virt_at_load=0 for VirtualBox up to 7\.2\.8, =1/,
    ],
    ["KVM, AMD", start("AMD-V is being used by another hypervisor (VERR_SVM_IN_USE)"), /another hypervisor, often KVM/],
    [
      "AMD-V that the kernel left off",
      start("x (VERR_SVM_HOST_SVME_NOT_ENABLED)"),
      /AMD-V is not switched on\n[^]*→ switch on SVM in the host's firmware, or load KVM/,
    ],
    [
      "the firmware, AMD",
      start("AMD-V is disabled in the BIOS (VERR_SVM_DISABLED)"),
      /→ switch on VT-x or AMD-V \(SVM\) in the host's firmware/,
    ],
    [
      "the firmware, Intel",
      start("VT-x is disabled in the BIOS for all CPU modes (VERR_VMX_MSR_ALL_VMX_DISABLED)"),
      /→ switch on VT-x or AMD-V/,
    ],
    [
      "no virtualization",
      start("VT-x is not available (VERR_VMX_NO_VMX)"),
      /has no VT-x or AMD-V\n[^]*→ .*nested virtualization/,
    ],
    [
      "Hyper-V",
      start("Call to WHvSetupPartition failed (VERR_NEM_VM_CREATE_FAILED)"),
      /the system's own hypervisor[^]*hypervisorlaunchtype off/,
    ],
    ["no driver", ENDED, /kernel driver is not loaded\n[^]*→ Linux: .*vboxconfig/],
    ["no driver, told in Catalan", CATALAN, /kernel driver is not loaded\n[^]*→ Linux: .*vboxconfig/],
    [
      "no driver, by its code",
      start("The VirtualBox support driver is not installed (VERR_VM_DRIVER_NOT_INSTALLED)"),
      /kernel driver is missing[^]*→ Linux: .*vboxconfig/,
    ],
    ["an old driver", start("x (VERR_VM_DRIVER_VERSION_MISMATCH)"), /of another version\n[^]*rcvboxdrv restart/],
    [
      "no module for networks",
      start(
        "Failed to open/create the internal network 'HostInterfaceNetworking-vboxnet0' (VERR_SUPDRV_COMPONENT_NOT_FOUND)",
      ),
      /modprobe -a vboxnetflt vboxnetadp/,
    ],
    ["no memory", start("x (VERR_NO_MEMORY)"), /not enough free memory\n[^]*`memoryMb`/],
    [
      "no such adapter",
      start("Nonexistent host networking interface, name 'vboxnet7' (VERR_INTERNAL_ERROR)"),
      /a NIC's adapter does not exist on the host\n[^]*VBoxManage list hostonlyifs/,
    ],
    [
      "no such bridge",
      start("Failed to attach the network LUN (VERR_INTNET_FLT_IF_NOT_FOUND)"),
      /a NIC's adapter does not exist/,
    ],
    ["macOS", start("Host-only adapters are no longer supported!", "Machine"), /give the NIC the type hostonlynet/],
    [
      "a port in use",
      start("NamedPipe#0 failed to create the socket (VERR_NET_ADDRESS_IN_USE)"),
      /in use\n[^]*look at its serial ports and forwardings/,
    ],
    [
      "a file that cannot be made",
      start("RawFile#0 failed to create the raw output file /x/console.log (VERR_FILE_NOT_FOUND)"),
      /missing or in use/,
    ],
    [
      "anything else",
      start("something odd"),
      /node1 did not start\n {4}something odd\n[^]*→ look at \S+Logs and at the machine in VirtualBox; it stays as it is, and the next `pulumi up` only starts it/,
    ],
  ])("%s", async (_what, result, says) => {
    fails("startvm", result);
    const error = await failureOf(create());
    expect(error.message).toMatch(/^node1 did not start/);
    expect(error.message).toMatch(says);
  });
});

test("a machine that did not start stays, and the next update only starts it", async () => {
  fails("startvm", start("x (VERR_VMX_IN_VMX_ROOT_MODE)"));
  const error = (await failureOf(create())) as PartialFailure;
  expect(error).toBeInstanceOf(PartialFailure);
  expect(error.outs).toMatchObject({ uuid: box.vm("node1").uuid, state: "poweroff", ready: false });
  expect(box.verbs).not.toContain("unregistervm");
  const calls = box.calls.length;
  await failureOf(provider.update(error.id, error.outs as never, wanted(), context));
  box.fault = () => undefined;
  const outs = await provider.update(error.id, error.outs as never, wanted(), context);
  expect(outs).toMatchObject({ uuid: error.id, state: "running", ready: true });
  expect(box.verbs.slice(calls).filter((verb) => /clone|unregister|modify/.test(verb))).toEqual([]);
  expect(await provider.read(error.id, outs, context)).toEqual(outs);
});

test("a start that passes its deadline leaves the machine as it is too, and a later update only starts it", async () => {
  const slow = vboxVmProvider(async (file, args, options) =>
    args[0] === "startvm" ? exec("sleep", ["5"], { timeoutMs: 50 }) : box.exec(file, args, options),
  );
  const error = (await failureOf(slow.create(wanted(), context))) as PartialFailure;
  expect(error.message).toMatch(
    /^node1 did not start: sleep 5 did not end within 0\.05 s\n→ .*`timeouts\.start`.*the next `pulumi up` only starts it$/,
  );
  expect(error).toBeInstanceOf(PartialFailure);
  expect(box.verbs).not.toContain("unregistervm");
  expect(await provider.update(error.id, error.outs as never, wanted(), context)).toMatchObject({
    uuid: error.id,
    state: "running",
  });
});

test("a machine that is complete is not taken back, whatever fails then", async () => {
  box.fault = (args) =>
    args[2] === "vbox-kubeadm/finished" && args[3] !== undefined ? { exitCode: 0, stdout: "", stderr: "" } : undefined;
  const error = (await failureOf(create({ autostart: false }))) as PartialFailure;
  expect(error.message).toMatch(/did not keep the mark of node1/);
  box.fault = () => undefined;
  expect(await provider.update(error.id, error.outs as never, wanted(), context)).toMatchObject({
    uuid: error.id,
    ready: true,
  });
});

test("a machine whose state was lost with it is started as well, and not cloned again", async () => {
  fails("startvm", start("x (VERR_VMX_IN_VMX_ROOT_MODE)"));
  const { id } = (await failureOf(create())) as PartialFailure;
  box.fault = () => undefined;
  expect((await create()).id).toBe(id);
  expect(box.verbs.filter((verb) => verb === "clonevm")).toHaveLength(1);
});

describe("a machine that is there", () => {
  test("paused by the host's power management says how to go on", async () => {
    const { id, outs } = await create();
    await box.run("controlvm", id, "pause");
    fails("resume", refused("VM is paused due to host power management", "VBOX_E_INVALID_VM_STATE", "Console").result);
    const { message } = await failureOf(provider.update(id, outs, wanted(), context));
    expect(message).toMatch(
      /^node1 is paused by VirtualBox itself, .*\n {4}VM is paused due to host power management\n[^]*→ wait until the host is fully awake.*; or cut its power: `VBoxManage controlvm \S+ poweroff`/,
    );
    await provider.delete(id, outs, context);
  });

  test("saved on another host says how to throw the state away, and comes up then", async () => {
    const { id, outs } = await create();
    await box.run("controlvm", id, "savestate");
    fails("startvm", start("x (VERR_SSM_LOAD_CPUID_MISMATCH)"));
    for (const inputs of [wanted(), wanted({ cpus: 4 })]) {
      const { message } = await failureOf(provider.update(id, outs, inputs, context));
      expect(message).toMatch(
        /^node1 did not start: its saved state cannot be resumed here\n[^]*→ throw the state away, as if its power was cut: `VBoxManage discardstate \S+`; then run `pulumi up`$/,
      );
    }
    box.fault = () => undefined;
    await box.run("discardstate", id);
    expect(await provider.update(id, outs, wanted(), context)).toEqual(outs);
  });

  test("and that somebody's linked clone needs is not deleted, and both are named", async () => {
    const { id, outs } = await create({ autostart: false });
    await box.run("snapshot", id, "take", "mine");
    await box.run("clonevm", id, "--snapshot", "mine", "--options", "link", "--name", "users", "--register");
    const before = [box.names, box.media];
    const { message } = await failureOf(provider.delete(id, outs, context));
    expect(message).toMatch(
      /^node1 is not deleted, as disks of other machines hold only what differs from its own\n {4}\S+\/users\/Snapshots\/\S+, of users\n→ delete these linked clones first \(VBoxManage unregistervm NAME --delete\)/,
    );
    expect([box.names, box.media]).toEqual(before);
    expect(box.verbs).not.toContain("unregistervm");
    await box.run("unregistervm", "users", "--delete");
    await provider.delete(id, outs, context);
    expect(box.names).toEqual(["base"]);
  });

  test("no more, but whose disks somebody's linked clone needs, is told so too", async () => {
    const { id, outs } = await create({ autostart: false });
    await box.run("snapshot", id, "take", "mine");
    await box.run("clonevm", id, "--snapshot", "mine", "--options", "link", "--name", "users", "--register");
    await box.run("unregistervm", id);
    const { message } = await failureOf(provider.delete(id, outs, context));
    expect(message).toMatch(/^node1 is not deleted, as disks of other machines.*\n.*, of users\n/);
  });
});

test("an ARM base image is refused by name before it is cloned", async () => {
  await box.change(({ machines }) => void (machines[0]!.settings["platform-architecture"] = "ARM"));
  await expect(create()).rejects.toThrow(
    /the base image base is a machine of the architecture ARM\n→ give a `baseImage` for x86/,
  );
  expect(box.verbs).not.toContain("clonevm");
});
