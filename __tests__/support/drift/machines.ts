import { rmSync } from "node:fs";
import { type Door, DOORS } from "../../../virtualbox/doors";
import type { Disk, Nic } from "../../../virtualbox/machine";
import type { Drift, Scenario, WorkerOutputs } from "./drift";
import type { Hand } from "./hand";

/** Changes the machine's settings. */
const modify = (done: string, settings: string[], seen: Drift["seen"], repair: string): Drift => ({
  done,
  act: (hand) => hand.whileOff(() => hand.vbox("modifyvm", hand.uuid, ...settings)),
  seen,
  repair,
});

/** Sets outputs of the machine. */
const vm = (values: Record<string, unknown>) => (outputs: WorkerOutputs) => void Object.assign(outputs.vm!, values);

/** In the order of the table of doors. */
const opened =
  (...doors: Door[]) =>
  ({ vm }: WorkerOutputs) =>
    void (vm!.openDoors = DOORS.filter((door) => doors.includes(door) || (vm!.openDoors as Door[]).includes(door)));

const hardware: Scenario = {
  worker: "hardware",
  machine: "is restarted",
  node: "stays",
  drifts: [
    modify("A machine's CPUs changed", ["--cpus", "3"], vm({ cpus: 3 }), "sets them"),
    modify("A machine's memory changed", ["--memory", "3000"], vm({ memoryMb: 3000 }), "sets it"),
    modify("A machine's video memory changed", ["--vram", "16"], vm({ vramMb: 16 }), "sets it"),
    modify(
      "A machine was renamed",
      ["--name", "renamed"],
      vm({ named: false }),
      "gives it its name again, and its folder",
    ),
  ],
};

const OTHER_MAC = "0800270A0B0C";

/** Changes one network adapter. */
const adapter = (
  done: string,
  number: number,
  flags: string[],
  change: Partial<Nic> | { type: "none" } | undefined,
  repair: string,
): Drift => {
  const seen = ({ vm }: WorkerOutputs) => {
    const [nics, macs] = [vm!.nics as Partial<Nic>[], vm!.macs as string[]];
    const mac = change && "type" in change && change.type === "none" ? "" : undefined;
    const nic: Partial<Nic> = { ...nics[number - 1], ...(change as Partial<Nic>), ...(mac !== undefined && { mac }) };
    if (nic.type === "nat" || mac === "") delete nic.network;
    nics[number - 1] = nic;
    macs[number - 1] = nic.mac!;
  };
  return modify(done, flags, seen, repair);
};

const adapters: Scenario = {
  worker: "adapters",
  overrides: { nics: ["node", "second", "third", "fourth"].map((network) => ({ type: "intnet" as const, network })) },
  machine: "is restarted",
  node: "stays",
  drifts: [
    adapter("A network adapter's MAC address changed", 1, ["--macaddress1", OTHER_MAC], { mac: OTHER_MAC }, "sets it"),
    adapter("A network adapter's network changed", 2, ["--intnet2", "other"], { network: "other" }, "sets it"),
    adapter(
      "A network adapter was attached to something else",
      3,
      ["--nic3", "nat"],
      { type: "nat" },
      "attaches it again",
    ),
    adapter(
      "A network adapter was taken away",
      4,
      ["--nic4", "none"],
      { type: "none" },
      "attaches it again, with its MAC address",
    ),
    adapter(
      "A network adapter was added",
      5,
      ["--nic5", "nat", "--macaddress5", "0800270D0E0F"],
      { type: "nat", mac: "0800270D0E0F" },
      "takes it away",
    ),
  ],
};

const host: Scenario = {
  worker: "host",
  machine: "is restarted",
  node: "stays",
  drifts: [
    modify(
      "A serial or parallel port was connected to the host",
      ["--uart1", "0x3F8", "4", "--lpt1", "0x378", "7"],
      opened("serial", "parallel"),
      "closes it",
    ),
    modify(
      "A machine got a remote display, a shared clipboard, drag and drop",
      ["--vrde", "on", "--clipboard-mode", "bidirectional", "--draganddrop", "bidirectional"],
      opened("vrde", "clipboard", "dragAndDrop"),
      "closes it",
    ),
    modify(
      "A machine's screen is recorded, its microphone was opened, or it can be teleported",
      ["--recording", "on", "--audioin", "on", "--teleporter", "on"],
      opened("recording", "audio", "teleporter"),
      "closes it",
    ),
    {
      ...modify("A folder of the host was shared", [], opened("sharedFolders"), "closes it"),
      act: (hand) =>
        hand.whileOff(() => hand.vbox("sharedfolder", "add", hand.uuid, "--name", "theirs", "--hostpath", "/")),
    },
    {
      ...modify("A USB filter was added", [], opened("usbFilters"), "closes it"),
      act: (hand) => hand.vbox("usbfilter", "add", "0", "--target", hand.uuid, "--name", "theirs"),
    },
  ],
};

const forwarded: Scenario = {
  worker: "forwarded",
  overrides: { nics: [{ type: "intnet", network: "node" }, { type: "nat" }] },
  machine: "is restarted",
  node: "stays",
  drifts: [
    modify(
      "A port of the host was forwarded to a NAT adapter, or its TFTP server switched on",
      ["--natpf2", "theirs,tcp,,2222,,22", "--nat-enable-tftp2", "on"],
      opened("portForwarding", "tftp"),
      "closes it",
    ),
  ],
};

const unplugged: Scenario = {
  worker: "unplugged",
  machine: "runs on",
  node: "stays",
  drifts: [
    {
      done: "A network adapter's cable was unplugged",
      act: (hand) => hand.vbox("controlvm", hand.uuid, "setlinkstate1", "off"),
      seen: ({ vm }) => void ((vm!.nics as { cable?: string }[])[0]!.cable = "unplugged"),
      repair: "plugs it in, live",
    },
  ],
};

/** The place of a disk of ours. */
const slot = (index: number) => ["--storagectl", "SATA", "--port", String(index + 1), "--device", "0"];

const lost = (index: number) => (outputs: WorkerOutputs) => void ((outputs.vm!.disks as Disk[])[index]!.sizeMb = 0);

const disksOf = (...sizes: number[]): Disk[] => sizes.map((sizeMb) => ({ sizeMb, format: "VDI", variant: "Standard" }));

/** What somebody makes of the first disk of the worker `disks`. */
export const grownMb = 80;

/** What that worker has in the end. */
export const grownDisks = disksOf(grownMb, 96, 128);

const disks: Scenario = {
  worker: "disks",
  overrides: { disks: disksOf(64, 96, 128) },
  machine: "is restarted",
  node: "stays",
  drifts: [
    {
      done: "A disk was detached",
      act: (hand) => hand.whileOff(() => hand.vbox("storageattach", hand.uuid, ...slot(0), "--medium", "none")),
      seen: lost(0),
      repair: "attaches it again, with what is on it",
    },
    {
      done: "A disk was removed, with its medium",
      act: (hand) =>
        hand.whileOff(async () => {
          await hand.vbox("storageattach", hand.uuid, ...slot(1), "--medium", "none");
          await hand.vbox("closemedium", "disk", hand.diskFile(1), "--delete");
        }),
      seen: lost(1),
      repair: "makes a new one, empty",
    },
    {
      done: "A disk's file was deleted",
      act: async (hand) => rmSync(hand.diskFile(2)),
      seen: lost(2),
      repair: "makes a new one, empty",
    },
  ],
};

/** Brings the machine into another state. Its Node is not Ready then. */
const stop = (
  worker: string,
  machine: Scenario["machine"],
  done: string,
  command: string,
  state: string,
  repair: string,
): Scenario => ({
  worker,
  machine,
  node: "stays",
  drifts: [
    {
      done,
      act: (hand) => hand.vbox("controlvm", hand.uuid, command),
      seen: ({ vm, node }) => {
        Object.assign(vm!, { ready: false, state });
        node!.ready = false;
      },
      repair,
    },
  ],
});

/** Takes the machine away. Its Node is still there, and not Ready. */
const remove = (
  worker: string,
  done: string,
  unregister: (hand: Hand) => Promise<unknown>,
  seen: Drift["seen"],
  repair: string,
): Scenario => ({
  worker,
  machine: "is recreated",
  node: "rejoins",
  drifts: [
    {
      done,
      act: async (hand) => {
        await hand.vbox("controlvm", hand.uuid, "poweroff");
        await unregister(hand);
      },
      seen: (outputs, site) => {
        outputs.node!.ready = false;
        seen?.(outputs, site);
      },
      repair,
    },
  ],
});

/** What is done to machines. */
export const machineScenarios: readonly Scenario[] = [
  hardware,
  adapters,
  host,
  forwarded,
  unplugged,
  disks,
  stop("switched-off", "is started", "A machine was powered off", "poweroff", "poweroff", "starts it"),
  stop("saved", "is resumed", "A machine's state was saved", "savestate", "saved", "resumes it"),
  remove(
    "gone",
    "A machine was deleted, and nothing of it left",
    async (hand) => {
      await hand.vbox("unregistervm", hand.uuid, "--delete");
      await hand.vbox("closemedium", "dvd", hand.isoFile);
    },
    (outputs) => void delete outputs.vm,
    "makes it",
  ),
  remove(
    "partly-gone",
    "A machine was deleted, and its folder, a disk or its disc left",
    (hand) => hand.vbox("unregistervm", hand.uuid, "--delete"),
    vm({ isoSha256: "", state: "deleted" }),
    "clears that away, and makes it",
  ),
];
