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

type Configuration = Readonly<Record<string, unknown>>;

/** Short ones, so that what hangs does not hang for long; nothing takes any time on the site itself. */
const timeouts = { command: 4, clone: 4, cloudInit: 20, start: 4, stop: 4, ssh: 6, join: 3, ready: 20, drain: 3 };

const one = { workerCount: 1, timeouts };
const up = ["up", "--yes", "--skip-preview"];

/** Every operation that users have: each brings the stack from one state to another, or to what it was. */
export const operations: readonly Operation[] = [
  { name: "up", configuration: one, args: up },
  {
    name: "update",
    before: one,
    configuration: { ...one, memoryMb: 4096, labels: { disk: "ssd" }, disks: [{ sizeMb: 64 }] },
    args: up,
  },
  { name: "replace", before: one, configuration: { ...one, timezone: "Europe/Lisbon" }, args: up },
  { name: "scale down", before: { ...one, workerCount: 2 }, configuration: one, args: up },
  { name: "refresh", before: one, configuration: one, args: ["refresh", "--yes", "--skip-preview"] },
  { name: "destroy", before: one, configuration: one, args: ["destroy", "--yes", "--skip-preview"] },
];
