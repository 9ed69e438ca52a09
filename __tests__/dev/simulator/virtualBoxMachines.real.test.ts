import { ensureVirtualBox } from "../../../dev/lab/virtualBox";
import { TwoVirtualBoxes } from "../../support/twoVirtualBoxes";

// VirtualBox's own VBoxManage and the simulated one get the same calls: those about machines and what they have.
const both = new TwoVirtualBoxes();
const { accept, refuse, print, expectSameState } = both;

// A call of VBoxManage now and then takes 10 seconds.
jest.setTimeout(180_000);

beforeAll(async () => {
  await ensureVirtualBox(() => {});
}, 900_000);

afterAll(() => both.end());

test("the version, and the folder of machines", async () => {
  await accept("list", "systemproperties");
  await accept("setproperty", "machinefolder", "DIR/vms");
  await accept("setproperty", "loghistorycount", "3");
  await refuse("setproperty", "loghistorycount");
  await expectSameState();
});

describe("machines", () => {
  test("are created, once", async () => {
    await both.makeMachine("made");
    await expectSameState();
    await refuse("createvm", "--name", "made", "--ostype", "Debian_64", "--register");
    await refuse("createvm", "--name", "odd", "--ostype", "Nonsense", "--register");
    await refuse("createvm", "--register");
    await accept("createvm", "--name", "nowhere", "--register");
    await accept("createvm", "--name", "unregistered");
    await refuse("modifyvm", "unregistered", "--cpus", "2");
    await expectSameState();
  });

  test.each([
    ["showvminfo", "nobody", "--machinereadable"],
    ["showvminfo", "11111111-2222-3333-4444-555555555555", "--machinereadable"],
    ["modifyvm", "nobody", "--cpus", "1"],
    ["controlvm", "nobody", "poweroff"],
    ["startvm", "nobody", "--type", "headless"],
    ["unregistervm", "nobody", "--delete"],
    ["getextradata", "nobody", "key"],
    ["setextradata", "nobody", "key", "value"],
    ["guestproperty", "get", "nobody", "/key"],
    ["guestproperty", "set", "nobody", "/key", "value"],
    ["clonevm", "nobody", "--name", "clone", "--register"],
    ["snapshot", "nobody", "take", "snapshot"],
    ["discardstate", "nobody"],
    ["storagectl", "nobody", "--name", "SATA", "--add", "sata"],
    ["storageattach", "nobody", "--storagectl", "SATA", "--port", "0", "--medium", "none"],
    ["nonsense"],
    ["list", "nonsense"],
  ])("%s %s %s: is not found", (...call: string[]) => refuse(...call));

  test("are modified", async () => {
    await accept(
      "modifyvm",
      "made",
      "--cpus",
      "3",
      "--vram",
      "33",
      "--cpuhotplug",
      "off",
      "--boot1",
      "disk",
      "--boot2",
      "none",
      "--audio-driver",
      "none",
    );
    await accept(
      "modifyvm",
      "made",
      "--nic1",
      "intnet",
      "--intnet1",
      "node",
      "--macaddress1",
      "080027A1B201",
      "--cableconnected1",
      "on",
    );
    await accept(
      "modifyvm",
      "made",
      "--nic2",
      "natnetwork",
      "--nat-network2",
      "nn",
      "--nic4",
      "intnet",
      "--nictype4",
      "82540EM",
    );
    await accept(
      "modifyvm",
      "made",
      "--hostonlyadapter5",
      "vboxnet0",
      "--nic5",
      "hostonly",
      "--nic6",
      "bridged",
      "--bridgeadapter6",
      "nowhere0",
    );
    await accept("modifyvm", "made", "--nic-promisc1", "allow-all", "--description", 'VMState="running"\nmemory=1\\');
    await expectSameState();
    await accept(
      "modifyvm",
      "made",
      "--nic2",
      "none",
      "--nic3",
      "nat",
      "--nic4",
      "none",
      "--nic5",
      "none",
      "--nic6",
      "none",
    );
    await expectSameState();
  });

  test.each([
    ["--cpus", "0"],
    ["--cpus", "65"],
    ["--memory", "1"],
    ["--memory", "99999999"],
    ["--vram", "0"],
    ["--vram", "257"],
    ["--nic1", "banana"],
    ["--nic1", "hostonlynet"],
    ["--macaddress1", "nonsense"],
    ["--macaddress1", "090027000001"],
    ["--boot1", "banana"],
    ["--nonsense", "1"],
    ["--cpus"],
    [],
  ])("refuse %s %s, and nothing that came with it is done", async (...flags: string[]) => {
    await refuse("modifyvm", "made", ...(flags.length > 0 ? ["--memory", "600"] : []), ...flags);
  });

  test("were not changed by what they refused, and by a NIC that they have not", async () => {
    await accept("modifyvm", "made", "--nic9", "nat");
    await expectSameState();
  });

  test("are renamed, with their folder, its disks and its snapshots", async () => {
    await both.makeMachine("renamed");
    await accept("snapshot", "renamed", "take", "before");
    await refuse("modifyvm", "renamed", "--name", "made");
    await accept("modifyvm", "renamed", "--name", "elsewhere", "--memory", "600");
    await refuse("showvminfo", "renamed", "--machinereadable");
    await accept("modifyvm", "elsewhere", "--name", "elsewhere");
    await expectSameState();
    await accept("unregistervm", "elsewhere", "--delete");
    await expectSameState();
  });

  test("keep extra data and guest properties", async () => {
    await accept("setextradata", "made", "vbox-kubeadm/owner", 'a "b" c');
    await accept("setextradata", "UUID(made)", "a/key", "x");
    await print("getextradata", "made", "vbox-kubeadm/owner");
    await print("getextradata", "made");
    await accept("setextradata", "made", "a/key");
    await print("getextradata", "made", "a/key");
    await print("guestproperty", "get", "made", "/VirtualBox/GuestInfo/Net/0/V4/IP");
    await accept("guestproperty", "set", "made", "/VirtualBox/GuestInfo/Net/0/V4/IP", "192.168.4.57");
    await print("guestproperty", "get", "UUID(made)", "/VirtualBox/GuestInfo/Net/0/V4/IP");
  });

  test.each(["poweroff", "acpipowerbutton", "resume", "reset", "pause", "savestate"])(
    "that are off refuse %s",
    (command) => refuse("controlvm", "made", command),
  );

  test("without a saved state have none to discard, which is no failure", () => accept("discardstate", "made"));
});
