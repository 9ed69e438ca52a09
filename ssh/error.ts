import { UserError } from "../common/errors";

/**
 * What went wrong with a connection:
 * - `unreachable`: no session, and no command was started, before the deadline;
 * - `hostKey`: the machine showed a key that is not one of ours (never retried);
 * - `authentication`: it did not take our key, or we have none (never retried);
 * - `incompatible`: it has no algorithm in common with us (never retried);
 * - `dropped`: the connection ended while a command ran, which may have had its effect or not;
 * - `timeout`: a command did not end in its time; it may go on on the machine.
 */
export type SshErrorKind = "unreachable" | "hostKey" | "authentication" | "incompatible" | "dropped" | "timeout";

/** A connection that failed, in a way that the caller can tell by its {@link kind}. */
export class SshError extends UserError {
  constructor(
    readonly kind: SshErrorKind,
    summary: string,
    detail?: UserError["detail"],
  ) {
    super(summary, detail);
  }
}

/** Whether an error, or what caused it, is a connection that dropped: its command may have had its effect or not. */
export const isDropped = (error: unknown): boolean =>
  error instanceof Error && ((error instanceof SshError && error.kind === "dropped") || isDropped(error.cause));
