import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../common/errors";
import { ADMIN_CONF } from "../../kubernetes/kubectl";
import { kubectl } from "../simulator/commands/kubectl";
import { briefDelays } from "../simulator/delays";
import { openSimulatedStack, type SimulatedStack } from "../simulator/stack";
import { projectDir } from "./paths";

/** Where the simulated site of this checkout is. Git ignores it. */
const folder = join(projectDir, ".simulated");

/**
 * `npm run lab -- --simulated`: the same program and the real Pulumi CLI on a simulated site, where nothing real runs:
 * no root, no VirtualBox, no virtual machine. Without arguments it brings the stack up and shows its nodes; `pulumi …`
 * and `kubectl …` run any command on it; `down` destroys it and takes the site away.
 * @returns the exit code
 */
export async function simulatedLab([command = "up", ...args]: readonly string[]): Promise<number> {
  if (command === "down" && !existsSync(folder)) return 0;
  const stack = await openSimulatedStack(folder, { delays: briefDelays });
  try {
    return await run(stack, command, args);
  } finally {
    await stack.stop();
  }
}

async function run(stack: SimulatedStack, command: string, args: readonly string[]): Promise<number> {
  switch (command) {
    case "up":
      return (
        (await stack.attach(["up", "--yes", "--skip-preview", "--suppress-progress"])) ||
        runKubectl(stack, ["get", "nodes", "-o", "wide"])
      );
    case "pulumi":
      return stack.attach(args);
    case "kubectl":
      return runKubectl(stack, args);
    case "down": {
      const exitCode = await stack.attach(["destroy", "--yes", "--skip-preview", "--suppress-progress"]);
      if (exitCode === 0) await rm(folder, { recursive: true });
      return exitCode;
    }
    default:
      throw new UserError(`${command} is not a command of the simulated lab`, {
        hint: "npm run lab -- --simulated [pulumi … | kubectl … | down]",
      });
  }
}

/** kubectl as the simulated cluster's administrator. */
async function runKubectl({ world }: SimulatedStack, args: readonly string[]): Promise<number> {
  const words = ["kubectl", "--kubeconfig", ADMIN_CONF, ...args];
  const result = await world.change((state) =>
    kubectl({ state, now: Date.now(), hostname: "kube-mast01", words, isRoot: true, input: "" }),
  );
  if (!("exitCode" in result))
    throw new UserError(`kubectl ${args[0] ?? ""} takes its time, which this shell does not simulate`);
  process.stdout.write(result.stdout);
  process.stderr.write(result.stderr);
  return result.exitCode;
}
