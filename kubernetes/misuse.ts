/**
 * What somebody on a worker used its join token for, beside its own join. It is kept with the machine: it lasts until
 * that is replaced, whatever becomes of Pulumi's state and of the Node, and no guest can take it away.
 */
export interface Misuse {
  /** What is known of it; undefined where there was none. */
  known(): Promise<string | undefined>;
  /** Keeps it for good. */
  note(what: string): Promise<void>;
}
