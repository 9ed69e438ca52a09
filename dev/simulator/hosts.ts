import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { floatingAddress, masterAddress, zone } from "../lab/topology";
import type { ExecResult } from "../../common/exec";
import { troubled } from "./apiTroubles";
import { bastion, master } from "./commands/master";
import type { GuestScene, Scene, Work } from "./commands/command";
import { journalName } from "./commands/journalName";
import { parseCommand, type Programs, workOf } from "./commands/shell";
import { worker } from "./commands/worker";
import { Dropped, underFaults } from "./faults";
import { type Guest, guestOf, guestsOf } from "./guest";
import { bastionName, masterNames, sitePaths, siteUser } from "./sitePaths";
import type { SshMachine } from "./sshServer";
import type { SiteState } from "./state";
import type { World } from "./world";

/** The site's machines, as their sshds serve them. What they know is read from the world each time. */
export class Hosts {
  /** @param stopped aborted when the servers are stopped: what still takes its time then ends */
  constructor(
    private readonly world: World,
    private readonly stopped: AbortSignal,
  ) {}

  /** The bastion, from which the others are reached. */
  bastion(): SshMachine {
    return {
      ...this.standing(bastionName, bastion),
      reach: (address, port) => (port === 22 ? this.find(address) : Promise.resolve(undefined)),
    };
  }

  /** The machine that has this name or address, and is up. */
  private async find(address: string): Promise<SshMachine | undefined> {
    const name = address.replace(new RegExp(`\\.${zone.replace(".", "\\.")}$`), "");
    const byAddress = { [masterAddress]: masterNames[0], [floatingAddress]: masterNames[0] }[address];
    const known = masterNames.find((master) => master === (byAddress ?? name));
    return this.world.change((state) => {
      if (known) return state.cluster.mastersDown?.includes(known) ? undefined : this.standing(known, master);
      const guest = guestsOf(state, Date.now()).find(
        (guest) => guest.isUp && (guest.address === address || guest.disk.hostname === name),
      );
      return guest && this.guest(guest);
    });
  }

  /** A machine that is no virtual machine: bastion and masters. */
  private standing(name: string, programs: Programs<Scene>): SshMachine {
    const paths = sitePaths(this.world.folder);
    return {
      hostKey: readFileSync(paths.hostKey(name), "utf8"),
      user: siteUser,
      authorizedKeys: [readFileSync(`${paths.sshPrivateKeyFile}.pub`, "utf8")],
      run: (command, input, closed) =>
        this.run(name, command, closed, input, workOf(programs, command), (_state, scene) => scene),
    };
  }

  /** A worker, in the boot in which the connection was made: a later one ends it. */
  private guest({ machine: { uuid }, bootId, disk }: Guest): SshMachine | undefined {
    const { hostKey, sshUser, authorizedKeys = [], hostname = "localhost" } = disk;
    if (hostKey === undefined || sshUser === undefined) return undefined;
    const sceneOf = (state: SiteState, scene: Scene): GuestScene => {
      const machine = state.virtualBox.machines.find((machine) => machine.uuid === uuid);
      const guest = machine && guestOf(state, machine, scene.now);
      if (!guest?.isUp || guest.bootId !== bootId) throw new Dropped();
      return { ...scene, guest };
    };
    const run: SshMachine["run"] = (command, input, closed) =>
      this.run(hostname, command, closed, input, workOf(worker, command), sceneOf);
    return { hostKey, user: sshUser, authorizedKeys, run };
  }

  private run<S extends Scene>(
    hostname: string,
    command: string,
    closed: AbortSignal,
    input: Promise<string>,
    work: Work<S>,
    sceneOf: (state: SiteState, scene: Scene) => S,
  ): Promise<ExecResult> {
    const { words = [], isRoot = false } = parseCommand(command) ?? {};
    const once = async (work: Work<S>, isHalfway: boolean): Promise<ExecResult> => {
      const scene = { hostname, words, isRoot, input: await input };
      const result = await this.world.change((state) => work(sceneOf(state, { ...scene, state, now: Date.now() })));
      if (!("next" in result)) return result;
      if (isHalfway && result.isHalf) throw new Dropped();
      await sleep(result.afterMs, undefined, { signal: this.stopped }).catch(() => {
        throw new Dropped();
      });
      return once(result.next, isHalfway);
    };
    const voice = {
      failure: failureOf(words[0]),
      ...(words[0] === "kubectl" && { once: troubled("leader") }),
      hang: () => untilClosed(closed),
    };
    return underFaults(this.world.folder, journalName(hostname, command), voice, (isHalfway = false) =>
      once(work, isHalfway),
    );
  }
}

/** Never ends for the client; what waits here goes when the client does. */
const untilClosed = (closed: AbortSignal) =>
  new Promise<never>((_, reject) => {
    const end = () => reject(closed.reason as Error);
    if (closed.aborted) end();
    else closed.addEventListener("abort", end, { once: true });
  });

/**
 * How a program says that it failed for good. kubectl's is a refusal of that command alone: an API server that does not
 * answer is a condition of the whole cluster (`trouble`), in which a destroy goes on, and leaves a Node.
 */
const failureOf = (program = "sh"): ExecResult => ({
  stdout: "",
  stderr:
    program === "kubectl"
      ? "Error from server (BadRequest): the server rejected our request for an unknown reason\n"
      : `${program}: error: input/output error\n`,
  exitCode: 1,
});
