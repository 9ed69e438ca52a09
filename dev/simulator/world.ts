import { randomUUID } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lock } from "proper-lockfile";
import type { SiteState } from "./state";

/** A holder of the lock who was killed is taken for gone after so long; a transaction takes a few milliseconds. */
const STALE_MS = 5_000;

/**
 * A simulated site, which lives in a folder: every process that is given the folder sees and changes the same one.
 * Machines' files lie in the folder's `vms`.
 */
export class World {
  constructor(readonly folder: string) {}

  /** Makes a new site of this state. */
  static make(folder: string, state: SiteState): World {
    const world = new World(folder);
    world.write(state);
    return world;
  }

  /** The state as it is now. */
  read(): SiteState {
    return JSON.parse(readFileSync(this.file, "utf8")) as SiteState;
  }

  /** Reads and changes the state, alone: `work` must be quick. What it throws leaves the state as it was. */
  async change<T>(work: (state: SiteState) => T): Promise<T> {
    const release = await lock(this.file, {
      stale: STALE_MS,
      realpath: false,
      retries: { forever: true, factor: 1.2, minTimeout: 2, maxTimeout: 20, randomize: true },
    });
    try {
      const state = this.read();
      const result = work(state);
      this.write(state);
      return result;
    } finally {
      await release();
    }
  }

  private get file(): string {
    return join(this.folder, "world.json");
  }

  private write(state: SiteState): void {
    const part = `${this.file}.${randomUUID()}`;
    writeFileSync(part, JSON.stringify(state), { mode: 0o600 });
    renameSync(part, this.file);
  }
}
