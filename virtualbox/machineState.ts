import { UserError } from "../common/errors";

/**
 * What a machine's state allows:
 * - `off`: every change of its settings, and a start;
 * - `saved`: a start, which resumes it;
 * - `running`, `paused`: it has power;
 * - `stuck`: it has power, and only a power-off helps;
 * - `busy`: VirtualBox is on its way to another state.
 */
export type Condition = "off" | "saved" | "running" | "paused" | "stuck" | "busy";

/** Every state that `showvminfo --machinereadable` prints (VirtualBox 7.2, `machineStateToName`). */
const conditions: Record<string, Condition> = {
  poweroff: "off",
  aborted: "off",
  teleported: "off",
  saved: "saved",
  "aborted-saved": "saved",
  running: "running",
  livesnapshotting: "running",
  teleporting: "running",
  deletingsnapshotlive: "running",
  paused: "paused",
  deletingsnapshotlivepaused: "paused",
  teleportingpausedvm: "paused",
  gurumeditation: "stuck",
  starting: "busy",
  stopping: "busy",
  saving: "busy",
  restoring: "busy",
  teleportingin: "busy",
  onlinesnapshotting: "busy",
  restoringsnapshot: "busy",
  deletingsnapshot: "busy",
  settingup: "busy",
  snapshotting: "busy",
};

/**
 * What a machine's state allows.
 * @throws UserError for a state that we do not know: it may be anything, so nothing is done to the machine
 */
export function conditionOf(state: string): Condition {
  const condition = Object.hasOwn(conditions, state) ? conditions[state] : undefined;
  if (condition) return condition;
  throw new UserError(
    `VirtualBox reports a state of the machine that this program does not know: ${JSON.stringify(state)}`,
    {
      hint: "look at the machine in VirtualBox and power it off, or bring it into a state such as running",
    },
  );
}
