import type { ExecResult } from "../../../common/exec";
import type { Guest } from "../guest";
import type { SiteState } from "../state";

/** What a command finds when it runs. */
export interface Scene {
  /** The site, which it may change. */
  state: SiteState;
  /** Milliseconds since the epoch. */
  now: number;
  /** The machine's own name. */
  hostname: string;
  /** The program and its arguments, without sudo. */
  words: readonly string[];
  /** Whether it runs as root. */
  isRoot: boolean;
  /** Its standard input. */
  input: string;
}

/** On a worker. */
export type GuestScene = Scene & { guest: Guest };

/** A command whose second half comes later. */
export interface Later<S extends Scene = Scene> {
  afterMs: number;
  /** What was done so far leaves something half done. */
  isHalf?: true;
  next: Work<S>;
}

/** What a command does, at once and alone; one that takes its time comes back for the rest. */
export type Work<S extends Scene = Scene> = (scene: S) => ExecResult | Later<S>;

/** Success. A last newline is the client's to take off. */
export const done = (stdout = "", stderr = ""): ExecResult => ({
  stdout: line(stdout),
  stderr: line(stderr),
  exitCode: 0,
});

/** A failure. */
export const failed = (stderr: string, exitCode = 1, stdout = ""): ExecResult => ({
  stdout: line(stdout),
  stderr: line(stderr),
  exitCode,
});

const line = (text: string) => (text && !text.endsWith("\n") ? `${text}\n` : text);
