import fc from "fast-check";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { conditionOf } from "../../virtualbox/machineState";
import { readVmInfo } from "../../virtualbox/vmInfo";

/** What VBoxManage 7.2.22 printed; paths are changed. */
const recording = (name: string) => readFileSync(join(__dirname, "recordings", `${name}.txt`), "utf8");

const SETTINGS = [
  "GuestMemoryBalloon=0",
  "cpus=2",
  "memory=1024",
  "vram=33",
  'CfgFile="/vms/a/a.vbox"',
  'LogFldr="/vms/a/Logs"',
  'UUID="u"',
];
/** The least that a machine prints, with lines of one's own put in. */
const machine = (lines: string[] = []) => ['name="a"', ...SETTINGS, 'VMState="poweroff"', ...lines].join("\n");

describe("recordings", () => {
  test("a machine with every kind of NIC and drive, behind the wrapper's warning", () => {
    const vm = readVmInfo(recording("plain"));
    expect(vm).toMatchObject({
      name: "plain",
      state: "poweroff",
      condition: "off",
      cpus: 2,
      memoryMb: 2048,
      vramMb: 33,
    });
    expect(vm.settingsFile).toBe("/home/user/VirtualBox VMs/plain/plain.vbox");
    expect(vm.nics).toEqual([
      { type: "intnet", network: "node", mac: "080027A1B2C3" },
      { type: "hostonly", network: "vboxnet0", mac: "080027000002" },
      { type: "bridged", network: "eth0", mac: "080027000003" },
      { type: "natnetwork", network: "NatNetwork", mac: "080027000004" },
      { type: "none", mac: "" },
      { type: "nat", mac: "080027000006" },
    ]);
    expect(vm.controllers).toEqual([
      { name: "SATA", type: "IntelAhci" },
      { name: "IDE", type: "PIIX4" },
    ]);
    const drives = vm.attachments.map(({ controller, port, device, medium, isDvd }) => [
      controller,
      port,
      device,
      medium.split("/").at(-1),
      isDvd,
    ]);
    expect(drives).toEqual([
      ["SATA", 0, 0, "plain.vdi", false],
      ["SATA", 1, 0, "vbox-kubeadm-disk-1.vdi", false],
      ["IDE", 0, 0, "emptydrive", true],
      ["IDE", 1, 0, "old.iso", true],
    ]);
    expect(vm.attachments.map(({ uuid }) => uuid?.length)).toEqual([36, 36, undefined, 36]);
  });

  test("a machine whose names, networks, description and snapshots forge other lines, with 36 NICs", () => {
    const vm = readVmInfo(recording("odd"));
    expect(vm).toMatchObject({ name: 'odd "name" \\x', state: "poweroff", cpus: 1 });
    expect(vm.nics.map(({ mac }) => mac)).toEqual(["080027DA3CE1", "08002729B347", "080027CB6E2C"]);
    expect(vm.nics[0]!.network).toBe('a"b\\');
    expect(vm.controllers.map(({ name }) => name)).toEqual(["SATA", "IDE", 'S "Q" = 1']);
  });

  test("the same with Windows' line ends", () => {
    expect(readVmInfo(recording("plain").replaceAll("\n", "\r\n"))).toEqual(readVmInfo(recording("plain")));
  });
});

describe("lines", () => {
  test.each([
    ["a key with spaces", ['BIOS NVRAM File="/x"']],
    ["a key with brackets", ['Forwarding(0)="ssh,tcp,,2222,,22"', "VCPU[0]=1"]],
    ["a line without =", [" rec_screen0"]],
    ["a value that goes on behind its quote", ['VideoMode="720,400,0"@0,0 1']],
    ["a forged state behind the true one", ['VMState="running"']],
    [
      "a description that forges keys, unescaped as before 7.x",
      ['description="one', 'VMState="running"', 'nic1="nat"', '"'],
    ],
    ["a description that forges keys, escaped", ['description="one', 'VMState=\\"running\\"', 'nic1=\\"nat\\"\\\\"']],
    [
      "a snapshot's description that forges keys",
      ['SnapshotName="a"', 'SnapshotDescription="', 'nic1="nat"', 'storagecontrollername0="X"'],
    ],
  ])("%s changes nothing", (_what, lines) => expect(readVmInfo(machine(lines))).toEqual(readVmInfo(machine())));

  test("a description before the state is skipped as a whole", () => {
    expect(readVmInfo(`description="x\nVMState=\\"running\\"\ncpus=9"\n${machine()}`)).toEqual(readVmInfo(machine()));
  });

  test("what follows a network's name that ends in a backslash is not lost", () => {
    expect(readVmInfo(machine(['intnet1="a\\"', 'macaddress1="080027000001"', 'nic1="intnet"'])).nics).toEqual([
      { type: "intnet", network: "a\\", mac: "080027000001" },
    ]);
  });

  test("a host-only network has macOS's names", () => {
    expect(
      readVmInfo(machine(['hostonly-network1="net"', 'macaddress1="080027000001"', 'nic1="hostonlynetwork"'])).nics,
    ).toEqual([{ type: "hostonlynet", network: "net", mac: "080027000001" }]);
  });

  test("a controller's name may look like a port or a key", () => {
    const names = [
      'storagecontrollername0="A-1"',
      'storagecontrollertype0="IntelAhci"',
      'storagecontrollername1="A"',
      'storagecontrollertype1="PIIX4"',
    ];
    const { attachments } = readVmInfo(
      machine([...names, '"A-1-0-0"="/one.vdi"', '"A-1-1"="none"', '"A-1-0"="/two.iso"']),
    );
    expect(attachments.map(({ controller, port, medium }) => [controller, port, medium])).toEqual([
      ["A-1", 0, "/one.vdi"],
      ["A", 1, "/two.iso"],
    ]);
  });
});

describe("states", () => {
  test.each([
    ["poweroff", "off"],
    ["aborted", "off"],
    ["aborted-saved", "saved"],
    ["gurumeditation", "stuck"],
    ["settingup", "busy"],
    ["deletingsnapshotlivepaused", "paused"],
    ["running", "running"],
  ])("%s is %s", (state, condition) => expect(conditionOf(state)).toBe(condition));

  test.each(["", "unknown", "off", "toString", "__proto__"])("%j is an error, never off", (state) =>
    expect(() => conditionOf(state)).toThrow(/does not know/),
  );

  test("a machine without a state is an error", () =>
    expect(() => readVmInfo('name="a"\nUUID="u"')).toThrow("printed no VMState"));

  test("an inaccessible machine says what to do", () => {
    expect(() => readVmInfo('name="<inaccessible>"\nUUID="u"\n')).toThrow(
      /cannot read the settings of the machine u\n.*unregistervm u/,
    );
  });
});

describe("whatever a user writes", () => {
  const escaped = (text: string) => text.replace(/["\\]/g, "\\$&");
  const line = fc
    .oneof(fc.string(), fc.constantFrom('VMState="running"', 'nic1="nat"', "cpus=64", '"', "\\", 'x="', "name="))
    .map((text) => text.replace(/[\r\n]/g, ""));
  const text = fc.array(line).map((lines) => lines.join("\n"));

  const printed = (name: string, network: string, rest: string[]) =>
    [
      `name="${escaped(name)}"`,
      ...SETTINGS,
      'VMState="saved"',
      `intnet1="${network}"`,
      'macaddress1="080027000001"',
      'nic1="intnet"',
      'nic2="none"',
      ...rest,
    ].join("\n");
  const wanted = (name: string, network: string) => ({
    name,
    state: "saved",
    cpus: 2,
    nics: [{ type: "intnet", network, mac: "080027000001" }],
  });

  test("into names, an escaped description and a snapshot, is read as it is, and never as another line", () => {
    fc.assert(
      fc.property(line, line, text, text, (name, network, description, snapshot) => {
        const rest = [
          `description="${escaped(description)}"`,
          `SnapshotName="${snapshot}"`,
          `SnapshotDescription="${snapshot}"`,
          "GuestMemoryBalloon=0",
        ];
        expect(readVmInfo(printed(name, network, rest))).toMatchObject(wanted(name, network));
      }),
    );
  });

  test("into an unescaped description, is never read as another line", () => {
    fc.assert(
      fc.property(line, line, text, (name, network, description) => {
        expect(readVmInfo(printed(name, network, [`description="${description}"`]))).toMatchObject(
          wanted(name, network),
        );
      }),
    );
  });
});
