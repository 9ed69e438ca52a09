/** An operation of the program, whose commands are the places where something can go wrong. */
export interface Operation {
  name: string;
  /** The configuration that is up before it; none where there is no stack yet. */
  before?: Configuration;
  /** The configuration under which it is run. */
  configuration: Configuration;
  /** Arguments of the Pulumi CLI. */
  args: readonly string[];
}

/** The base image's snapshot, of which linked clones are. */
export const baseSnapshot = "clean";

type Configuration = Readonly<Record<string, unknown>>;

/** Short ones, so that what hangs does not hang for long; nothing takes any time on the site itself. */
const timeouts = { command: 4, clone: 4, cloudInit: 20, start: 4, stop: 4, ssh: 6, join: 3, ready: 20, drain: 3 };

const one = { workerCount: 1, timeouts };
const linked = { cloneMode: "linked", baseSnapshot };
const up = ["up", "--yes", "--skip-preview"];

const route = (destination: string, gateway: string) => ({ destination, gateway, interface: "vboxnet0" });

/** Every operation that users have: each brings the stack from one state to another, or to what it was. */
export const operations: readonly Operation[] = [
  { name: "up", configuration: one, args: up },
  {
    name: "update",
    before: {
      ...one,
      labels: { disk: "hdd", rack: "a" },
      taints: [{ key: "old", effect: "NoSchedule" }],
      disks: [{ sizeMb: 64 }, { sizeMb: 64 }],
      routes: [route("192.168.4.0/27", "192.168.4.30"), route("192.168.4.32/27", "192.168.4.62")],
    },
    configuration: {
      ...one,
      memoryMb: 4096,
      labels: { disk: "ssd" },
      taints: [{ key: "new", effect: "NoSchedule" }],
      disks: [{ sizeMb: 128 }],
      routes: [route("192.168.4.0/27", "192.168.4.29")],
    },
    args: up,
  },
  { name: "replace", before: one, configuration: { ...one, timezone: "Europe/Lisbon" }, args: up },
  { name: "rejoin", before: one, configuration: { ...one, kubeletArgs: { "max-pods": "50" } }, args: up },
  { name: "scale down", before: { ...one, workerCount: 2, ...linked }, configuration: { ...one, ...linked }, args: up },
  { name: "refresh", before: one, configuration: one, args: ["refresh", "--yes", "--skip-preview"] },
  { name: "destroy", before: one, configuration: one, args: ["destroy", "--yes", "--skip-preview"] },
];
