import { join } from "node:path";
import { underFaults } from "./faults";
import { ip } from "./routes";
import { World } from "./world";

/** The program `ip` of a simulated site, which is bundled to `SITE/bin/ip`. */
const folder = join(__dirname, "..");

// Not "Operation not permitted": the real sudo would then be asked to run the real ip.
const FAILURE = { stdout: "", stderr: "RTNETLINK answers: No buffer space available\n", exitCode: 2 };

async function main(args: readonly string[]): Promise<void> {
  const name = ["ip", ...args.filter((arg) => /^(route|link|show|add|replace|del)$|\//.test(arg))].join(" ");
  const work = () => new World(folder).change(({ network }) => ip(network, args));
  const { stdout, stderr, exitCode } = await underFaults(folder, name, { failure: FAILURE }, work);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = exitCode;
}

void main(process.argv.slice(2));
