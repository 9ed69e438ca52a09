import { readdirSync } from "node:fs";
import { unfit } from "../../dev/faults/unfit";
import type { Machine, SiteState } from "../../dev/simulator/state";
import type { ServedSite } from "./servedSite";

/**
 * More than a busy machine needs beyond a deadline, and less than Jest waits: it tells an end from none, and is no
 * measurement.
 */
const MARGIN_SECONDS = 25;

/**
 * The text of the failure that an operation must end with, as the engine shows it.
 * @param deadline within which it must end, in seconds; none for what is refused at once
 */
export async function failureOf(operation: Promise<unknown>, deadline = 0): Promise<string> {
  const start = performance.now();
  const error = await operation.then(
    () => fail("it succeeded"),
    (error: Error) => error,
  );
  expect((performance.now() - start) / 1000).toBeLessThan(deadline + MARGIN_SECONDS);
  expect(error.stack).toBe("");
  expect(unfit(error.message)).toEqual([]);
  return error.message;
}

function fail(message: string): never {
  throw new Error(message);
}

/** The progress lines of all resources from now on. */
export function progress(): string[] {
  const lines: string[] = [];
  jest.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  return lines;
}

/**
 * All that there is on a site: its state and its files. DHCP keeps its leases whatever becomes of a machine, and
 * VirtualBox the id that it was given.
 */
export function everythingOn({ world, folder, isoFolder }: ServedSite) {
  const { network, virtualBox, ...state } = world.read();
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (path) => !/^(ssh|journal|fault|world\.json\.lock)/.test(path) && !path.includes("Logs"),
  );
  return {
    ...state,
    virtualBox: { ...virtualBox, extraData: {} },
    network: { ...network, leases: {} },
    files: files.sort(),
    isoFolder,
  };
}

/** The machine of this name. */
export const machineOf = ({ virtualBox }: SiteState, name: string): Machine =>
  virtualBox.machines.find((machine) => machine.name === name)!;

/** Cuts a machine's power. */
export const cutPower = ({ world }: ServedSite, name: string): Promise<void> =>
  world.change((state) => {
    const machine = machineOf(state, name);
    machine.state = "poweroff";
    machine.offSince = Date.now();
    delete machine.boot;
  });

/** What workers that are cloned from now on say of themselves instead of the truth; see `GuestDisk.facts`. */
export const workersSay = ({ world }: ServedSite, facts: Record<string, string>): Promise<void> =>
  world.change(({ virtualBox }) => void (virtualBox.media[0]!.guest = { facts }));
