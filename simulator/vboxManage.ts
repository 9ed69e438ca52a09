import { join } from "node:path";
import { underFaults, type Voice } from "./faults";
import { journalName } from "./virtualBox/journalName";
import { locked, refused } from "./virtualBox/refusal";
import { SimulatedVBoxManage } from "./virtualBox/simulatedVBoxManage";
import { World } from "./world";

/** The simulated VBoxManage as a program: `FOLDER/bin/VBoxManage` works on the site in FOLDER; see programs.ts. */
async function main(args: readonly string[]): Promise<void> {
  const world = new World(join(__dirname, ".."));
  const name = journalName(world.read().virtualBox, args);
  const { stdout, stderr, exitCode } = await underFaults(world.folder, name, voice(args), ({ isHalfway } = { isHalfway: false }) =>
    new SimulatedVBoxManage(world, isHalfway ? endHere : undefined).run(args),
  );
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = exitCode;
}

const endHere = () => void process.kill(process.pid, "SIGKILL");

const voice = ([, machine = "?"]: readonly string[]): Voice => ({
  failure: refused("The simulated VirtualBox was told to fail", "NS_ERROR_FAILURE", "VirtualBox").result,
  passing: locked(machine).result,
});

void main(process.argv.slice(2));
