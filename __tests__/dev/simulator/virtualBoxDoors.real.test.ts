import { ensureVirtualBox } from "../../../dev/lab/virtualBox";
import { TwoVirtualBoxes } from "../../support/twoVirtualBoxes";

// VirtualBox's own VBoxManage and the simulated one get the same calls: those that open a machine to its host, and close
// it.
const both = new TwoVirtualBoxes();
const { accept, refuse, expectSameState } = both;

/** One call, with these flags and their values. */
const modify = (name: string, flags: string[][]) => accept("modifyvm", name, ...flags.flat());

// A call of VBoxManage now and then takes 10 seconds.
jest.setTimeout(180_000);

beforeAll(async () => {
  await ensureVirtualBox(() => {});
}, 900_000);

afterAll(() => both.end());

describe("doors to the host", () => {
  const shared = (action: string, name: string, ...more: string[]) => [
    "sharedfolder",
    action,
    name,
    "--name",
    "src",
    ...more,
  ];

  beforeAll(async () => {
    await both.makeMachine("open");
    await modify("open", [
      ["--uart1", "0x3F8", "4"],
      ["--uartmode1", "file", "DIR/console.log"],
      ["--uart2", "0x2F8", "3"],
      ["--uartmode2", "tcpserver", "2023"],
      ["--uart3", "0x3E8", "4"],
      ["--lpt1", "0x378", "7"],
      ["--lptmode1", "/dev/lp0"],
    ]);
    await modify("open", [
      ["--natpf1", "ssh,tcp,,2222,,22"],
      ["--natpf1", 'a"b,udp,127.0.0.1,53,,53'],
      ["--nat-enable-tftp1", "on"],
      ["--nic2", "nat"],
      ["--natpf2", "x y,tcp,,7,,7"],
      ["--cableconnected2", "off"],
    ]);
    await modify("open", [
      ["--vrde", "on"],
      ["--vrdeport", "3389"],
      ["--clipboard-mode", "bidirectional"],
      ["--draganddrop", "hosttoguest"],
      ["--recording", "on"],
    ]);
    await modify("open", [
      ["--audioin", "on"],
      ["--audioout", "on"],
      ["--teleporter", "on"],
      ["--teleporter-port", "6000"],
      ["--usbcardreader", "on"],
      ["--nictrace1", "on"],
      ["--tpm-type", "host"],
      ["--guest-debug-provider", "gdb"],
    ]);
    await accept(...shared("add", "open", "--hostpath", "DIR"));
    await accept("usbfilter", "add", "0", "--target", "open", "--name", "key", "--vendorid", "1050");
  });

  test("are inherited, and closed", async () => {
    await accept("clonevm", "open", "--name", "heir", "--basefolder", "DIR/vms/ours/stack", "--register");
    await expectSameState();
    await modify("heir", [
      ["--uart1", "off"],
      ["--uart2", "off"],
      ["--uart3", "off"],
      ["--lpt1", "off"],
      ["--vrde", "off"],
      ["--clipboard-mode", "disabled"],
      ["--draganddrop", "disabled"],
      ["--recording", "off"],
    ]);
    await modify("heir", [
      ["--natpf1", "delete", "ssh"],
      ["--natpf1", "delete", 'a"b'],
      ["--nat-enable-tftp1", "off"],
      ["--natpf2", "delete", "x y"],
      ["--audioin", "off"],
      ["--audioout", "off"],
      ["--teleporter", "off"],
    ]);
    await modify("heir", [
      ["--usbcardreader", "off"],
      ["--nictrace1", "off"],
      ["--tpm-type", "none"],
      ["--guest-debug-provider", "none"],
      ["--autostart-enabled", "off"],
    ]);
    await accept(...shared("remove", "heir"));
    await accept("usbfilter", "remove", "0", "--target", "heir");
    await expectSameState();
  });

  test("of a NAT adapter are kept, and not shown, while it is attached to something else", async () => {
    await accept("modifyvm", "open", "--nic1", "intnet");
    await expectSameState();
    await accept("modifyvm", "open", "--nic1", "nat");
    await expectSameState();
  });

  test.each([
    ["no such forwarding", ["modifyvm", "heir", "--natpf1", "delete", "nope"]],
    ["no such folder", shared("remove", "heir")],
    ["no filter", ["usbfilter", "remove", "0", "--target", "heir"]],
    ["no database of machines that start with the host", ["modifyvm", "heir", "--autostart-enabled", "on"]],
  ])("are refused: %s", (_what, call) => refuse(...call));
});
