import { journalName } from "../../../dev/simulator/virtualBox/journalName";
import { useSimulatedMachine, world } from "../../support/simulatedMachine";

useSimulatedMachine();

describe("the journal's name of a call has names, and nothing that is otherwise the next time", () => {
  const GONE = "11111111-2222-3333-4444-555555555555";
  const slot = (controller: string) => ["--storagectl", controller, "--port", "1", "--device", "0"];

  test.each<[string, string[]]>([
    ["--version", ["--version"]],
    ["list hdds", ["list", "hdds"]],
    ["showvminfo base", ["showvminfo", "BASE", "--machinereadable"]],
    ["showvminfo …", ["showvminfo", GONE, "--machinereadable"]],
    ["getextradata base vbox-kubeadm/owner", ["getextradata", "BASE", "vbox-kubeadm/owner"]],
    ["setextradata base vbox-kubeadm/owner", ["setextradata", "BASE", "vbox-kubeadm/owner", "a/b/c"]],
    [
      "guestproperty get busybox /VirtualBox/GuestInfo/Net/0/V4/IP",
      ["guestproperty", "get", "busybox", "/VirtualBox/GuestInfo/Net/0/V4/IP"],
    ],
    [
      "clonevm base n1",
      [
        ...["clonevm", "BASE", "--mode", "machine", "--snapshot", "s", "--name", "n1"],
        ...["--uuid", GONE, "--basefolder", "/x", "--register"],
      ],
    ],
    ["modifyvm base", ["modifyvm", "BASE", "--cpus", "2", "--macaddress1", "080027A1B201"]],
    ["storagectl base IDE", ["storagectl", "BASE", "--name", "IDE", "--add", "ide"]],
    [
      "storageattach base IDE 1 0 dev/n1.iso",
      ["storageattach", "BASE", ...slot("IDE"), "--type", "dvddrive", "--medium", "/x/dev/n1.iso"],
    ],
    ["storageattach base SATA 1 0 none", ["storageattach", "BASE", ...slot("SATA"), "--medium", "none"]],
    [
      "createmedium disk n1/vbox-kubeadm-disk-1.vdi",
      ["createmedium", "disk", "--filename", "/x/n1/vbox-kubeadm-disk-1.vdi", "--size", "20"],
    ],
    ["modifymedium disk base/base.vdi", ["modifymedium", "disk", "DISK", "--resize", "30"]],
    ["showmediuminfo disk base/{…}.vdi", ["showmediuminfo", "disk", `/x/base/Snapshots/{${GONE}}.vdi`]],
    ["closemedium disk …", ["closemedium", "disk", GONE, "--delete"]],
    ["startvm base", ["startvm", "BASE", "--type", "headless"]],
    ["controlvm base acpipowerbutton", ["controlvm", "BASE", "acpipowerbutton"]],
    ["unregistervm base", ["unregistervm", "BASE", "--delete"]],
  ])("%s", (name, args) => {
    const { virtualBox } = world.read();
    const uuids: Record<string, string> = { BASE: virtualBox.machines[0]!.uuid, DISK: virtualBox.media[0]!.uuid };
    const real = args.map((arg) => uuids[arg] ?? arg);
    expect(journalName(virtualBox, real)).toBe(`VBoxManage ${name}`);
  });
});
