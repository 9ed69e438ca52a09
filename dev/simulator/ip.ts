import { underFaults } from "./faults";
import type { Program } from "./program";
import { ip as iproute2 } from "./routes";
import { World } from "./world";

// Not "Operation not permitted": the real sudo would then be asked to run the real ip.
const FAILURE = { stdout: "", stderr: "RTNETLINK answers: No buffer space available\n", exitCode: 2 };

/** The simulated `ip` as a program. */
export const ip: Program = (folder, args, { hang }) => {
  const name = ["ip", ...args.filter((arg) => /^(route|link|show|add|replace|del)$|\//.test(arg))].join(" ");
  return underFaults(folder, name, { failure: FAILURE, hang }, () =>
    new World(folder).change(({ network }) => iproute2(network, args)),
  );
};
