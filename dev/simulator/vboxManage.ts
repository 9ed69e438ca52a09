import { underFaults } from "./faults";
import type { Program } from "./program";
import { journalName } from "./virtualBox/journalName";
import { locked, refused } from "./virtualBox/refusal";
import { SimulatedVBoxManage } from "./virtualBox/simulatedVBoxManage";
import { World } from "./world";

/** The simulated VBoxManage as a program. */
export const vboxManage: Program = (folder, args, { hang, end }) => {
  const world = new World(folder);
  const voice = {
    failure: refused("The simulated VirtualBox was told to fail", "NS_ERROR_FAILURE", "VirtualBox").result,
    passing: locked(args[1] ?? "?").result,
    hang,
  };
  return underFaults(folder, journalName(world.read().virtualBox, args), voice, (isHalfway) =>
    new SimulatedVBoxManage(world, isHalfway ? end : undefined).run(args),
  );
};
