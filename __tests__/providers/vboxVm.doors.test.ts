import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DOORS } from "../../virtualbox/doors";
import { readVmInfo } from "../../virtualbox/vmInfo";
import { vboxVmProvider } from "../../providers/vboxVm";
import { testContext } from "../support/context";
import { SimulatedVirtualBox } from "../support/simulatedVirtualBox";
import { unprintedDoors } from "../support/unprintedDoors";

// What a base image has of its host is no clone's.
const folder = mkdtempSync(join(tmpdir(), "vbox-vm-"));
afterAll(() => rmSync(folder, { recursive: true }));

let box: SimulatedVirtualBox;
let provider: ReturnType<typeof vboxVmProvider>;
let context = testContext();
beforeEach(async () => {
  box = await SimulatedVirtualBox.make(folder);
  provider = vboxVmProvider(box.exec);
  context = testContext();
});

type Inputs = Parameters<typeof provider.create>[0];
const wanted = (changes: Partial<Inputs> = {}): Inputs => ({
  ...(provider.defaults as Inputs),
  name: "node1",
  stack: "shop/test",
  baseImage: "base",
  nics: [
    { type: "intnet", network: "node", mac: "080027A1B201" },
    { type: "nat", mac: "080027A1B202" },
  ],
  autostart: false,
  ...changes,
});
const create = (changes?: Partial<Inputs>) => provider.create(wanted(changes), context);
const shown = async (vm: string) => readVmInfo((await box.exec("", ["showvminfo", vm, "--machinereadable"])).stdout);

/** Opens every door of a machine that can be opened here. */
async function openAll(vm: string): Promise<void> {
  await box.run(
    "modifyvm",
    vm,
    "--uart1",
    "0x3F8",
    "4",
    "--uartmode1",
    "file",
    "/tmp/base.log",
    "--uart4",
    "0x2E8",
    "3",
    "--uartmode4",
    "tcpserver",
    "2023",
    "--lpt2",
    "0x278",
    "5",
    "--lptmode2",
    "/dev/lp0",
  );
  await box.run(
    "modifyvm",
    vm,
    "--nic1",
    "nat",
    "--natpf1",
    "ssh,tcp,,2222,,22",
    "--nat-enable-tftp1",
    "on",
    "--natpf2",
    "hidden,tcp,,2223,,22",
    "--natpf2",
    "too,udp,,53,,53",
  );
  await box.run(
    "modifyvm",
    vm,
    "--vrde",
    "on",
    "--clipboard-mode",
    "hosttoguest",
    "--draganddrop",
    "bidirectional",
    "--recording",
    "on",
    "--audioin",
    "on",
    "--teleporter",
    "on",
  );
  await box.run("modifyvm", vm, ...unprintedDoors, "--audioout", "on");
  await box.change(
    ({ machines }) => void (machines.find(({ name }) => name === vm)!.settings["autostart-enabled"] = "on"),
  );
  for (const name of ["src", "two"]) await box.run("sharedfolder", "add", vm, "--name", name, "--hostpath", "/");
  for (const name of ["key", "stick"]) await box.run("usbfilter", "add", "0", "--target", vm, "--name", name);
}

test("a clone has none, also none that shows only when an adapter becomes a NAT one", async () => {
  await openAll("base");
  const { id, outs } = await create();
  expect((await shown(id)).doors).toEqual([]);
  expect(outs.openDoors).toEqual([]);
  const {
    usbcardreader,
    nictrace1,
    audio_out,
    "tpm-type": tpm,
    "guest-debug-provider": debugging,
  } = box.vm(id).settings;
  expect([usbcardreader, nictrace1, audio_out, tpm, debugging].filter((value) => value !== undefined)).toEqual([]);
  expect(await provider.read(id, outs, context)).toEqual(outs);
});

test("of an old VirtualBox is told nothing that it does not know", async () => {
  await box.change((state) => void (state.version = "6.1.50"));
  await create();
  expect(box.calls.flat().filter((arg) => /^--(tpm|guest-debug)/.test(arg))).toEqual([]);
});

test("all that are opened later are seen, and closed", async () => {
  const { id, outs } = await create();
  await openAll("node1");
  const drifted = await provider.read(id, outs, context);
  const seen = DOORS.filter((door) => !["smartCardReader", "networkTrace", "tpm", "guestDebugging"].includes(door));
  expect(drifted).toEqual({
    ...outs,
    openDoors: seen,
    nics: [expect.objectContaining({ type: "nat" }), wanted().nics[1]],
  });
  expect(await provider.update(id, drifted!, wanted(), context)).toEqual(outs);
  expect(context.lines).toContain(`closing its doors to the host: ${seen.join(", ")}`);
});

test("some can be kept open by name; a serial port then ends in the machine's own folder", async () => {
  await openAll("base");
  const keepOpen = ["serial", "vrde", "tpm", "portForwarding"] as const;
  const { id, outs } = await create({ keepOpen: [...keepOpen] });
  const { doors, settingsFile } = await shown(id);
  const file = join(settingsFile, "../node1-console.log");
  expect(new Set(doors.map(({ door }) => door))).toEqual(new Set(["serial", "vrde", "portForwarding"]));
  expect(doors.filter(({ door }) => door === "serial").map(({ shown }) => shown)).toEqual([
    `uart1=0x03f8,4 file,${file}`,
  ]);
  expect(box.vm(id).settings["tpm-type"]).toBe("host");
  expect(await provider.read(id, outs, context)).toEqual(outs);

  const closed = await provider.update(id, outs, wanted(), context);
  expect(closed.openDoors).toEqual([]);
  expect((await shown(id)).doors).toEqual([]);
  expect(await provider.update(id, closed, wanted({ keepOpen: ["serial"] }), context)).toMatchObject({ openDoors: [] });
  expect((await shown(id)).doors).toMatchObject([{ door: "serial", shown: `uart1=0x03f8,4 file,${file}` }]);
});

test("a serial port follows the machine that gets its name again", async () => {
  const { id, outs } = await create({ keepOpen: ["serial"] });
  await box.run("modifyvm", id, "--name", "renamed");
  const drifted = await provider.read(id, outs, context);
  expect(drifted).toMatchObject({ named: false, openDoors: ["serial"] });
  expect(await provider.update(id, drifted!, wanted({ keepOpen: ["serial"] }), context)).toEqual(outs);
});

test("an adopted machine keeps its own, which are reported", async () => {
  await box.run("createvm", "--name", "node1", "--ostype", "Debian_64", "--register");
  await box.run("storagectl", "node1", "--name", "SATA", "--add", "sata");
  await openAll("node1");
  const { id, outs } = await create({ adopt: true });
  const doors = (await shown(id)).doors.map(({ door }) => door);
  expect(doors).toEqual(expect.arrayContaining(["serial", "vrde", "sharedFolders", "usbFilters"]));
  expect(outs.openDoors).toEqual([]);
  context = testContext();
  expect(await provider.read(id, outs, context)).toEqual(outs);
  expect(context.lines).toEqual([
    expect.stringMatching(
      /^keeps its doors to the host, as it was adopted: serial \(uart1=0x03f8,4 file,\/tmp\/base\.log\), .*vrde \(vrde=on\), .*sharedFolders/,
    ),
  ]);
});

describe("an unplugged cable", () => {
  test("is plugged in live on a running machine", async () => {
    const { id, outs } = await create({ autostart: true });
    await box.run("controlvm", id, "setlinkstate2", "off");
    const drifted = await provider.read(id, outs, context);
    expect(drifted).toEqual({ ...outs, nics: [outs.nics[0], { ...outs.nics[1], cable: "unplugged" }] });
    const calls = box.calls.length;
    expect(await provider.update(id, drifted!, wanted({ autostart: true }), context)).toEqual(outs);
    expect(box.calls.slice(calls).filter(([verb]) => !/^(show|get)/.test(verb!))).toEqual([
      ["controlvm", id, "setlinkstate2", "on"],
    ]);
  });

  test.each([[false], [true]])("is plugged in on one that is off, autostart %s", async (autostart) => {
    const { id, outs } = await create({ autostart });
    await box.setState(id, "poweroff");
    await box.run("modifyvm", id, "--cableconnected1", "off");
    const { nics } = await provider.update(id, outs, wanted({ autostart }), context);
    expect(nics).toEqual(wanted().nics);
    expect(box.verbs).not.toContain("controlvm");
  });

  test("of the base image is plugged in on a clone", async () => {
    await box.run(
      "modifyvm",
      "base",
      "--cableconnected1",
      "off",
      "--macaddress1",
      "080027A1B201",
      "--nic1",
      "intnet",
      "--intnet1",
      "node",
    );
    expect((await create()).outs.nics).toEqual(wanted().nics);
  });
});
