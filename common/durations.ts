import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { cacheFolder } from "./cacheFolder";

/** Of each thing its last durations are kept, oldest first; of the things those that were last timed. */
const MOST = { durations: 5, things: 500 };

const Kept = z.record(z.string(), z.array(z.number().nonnegative()).nonempty().max(MOST.durations));

/** How long things took in earlier runs, in the user's cache folder. A file that cannot be used counts as none. */
export class Durations {
  /** @param file Default: `durations.json` in the user's cache folder */
  constructor(private readonly file = join(cacheFolder(), "durations.json")) {}

  /** The median of the last durations, in milliseconds; undefined for what was never timed. */
  usual(thing: string): number | undefined {
    const durations = [...(this.read()[keyOf(thing)] ?? [])].sort((a, b) => a - b);
    return durations[durations.length >> 1];
  }

  /** Adds a duration, in milliseconds. */
  add(thing: string, ms: number): void {
    const key = keyOf(thing);
    // Read again, as another run may have added to it.
    const { [key]: known = [], ...others } = this.read();
    const entries = [...Object.entries(others), [key, [...known, Math.round(ms)].slice(-MOST.durations)]];
    // One name for all: what a process that was killed leaves is written over.
    const written = `${this.file}.new`;
    try {
      mkdirSync(dirname(this.file), { recursive: true });
      writeFileSync(written, JSON.stringify(Object.fromEntries(entries.slice(-MOST.things))), { mode: 0o600 });
      renameSync(written, this.file);
    } catch {
      forget(written); // It is a convenience: a full disk must not fail an operation.
    }
  }

  private read(): Record<string, readonly number[]> {
    try {
      return Kept.parse(JSON.parse(readFileSync(this.file, "utf8")));
    } catch {
      return {};
    }
  }
}

function forget(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // There is no such folder.
  }
}

/** What was done to whom is nobody's business who finds the file. */
const keyOf = (thing: string) => createHash("sha256").update(thing).digest("hex").slice(0, 16);

/** A duration as `m:ss`, or `h:mm:ss` from an hour on. */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
