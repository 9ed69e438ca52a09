/**
 * Tells how an operation on a resource goes; the line names neither the resource nor the time.
 * - Without a kind: what is being done now, in the -ing form with details after a colon (`waiting for cloud-init: its
 *   reboot is still to come`), or a result (`Ready, v1.36.3`). It is shown until the next one.
 * - `warning`: what the user is to read. It is also shown at the end of the run.
 */
export type Log = (line: string, kind?: "warning") => void;
