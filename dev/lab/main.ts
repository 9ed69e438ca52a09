import { UserError } from "../../common/errors";
import { labDown } from "./down";
import { simulatedLab } from "./simulated";
import { runIn } from "./tools";
import { labUp } from "./up";

const usage = `npm run lab                  make the lab, bring the stack up in it, and show its nodes and pods
npm run lab -- pulumi …      the Pulumi CLI in the lab: preview, up, refresh, config, stack output …
npm run lab -- kubectl …     kubectl as the cluster's administrator
npm run lab -- ssh NAME …    a shell, or a command, on busybox, kube-mast01 or a worker
npm run lab -- VBoxManage …  the lab's VirtualBox
npm run lab -- down          pulumi destroy, then the lab is taken away; what took long to make stays in the cache
npm run lab -- --simulated   a quick look at the program: the same stack on a simulated site, where nothing real runs
npm run lab -- --simulated pulumi …   or kubectl …, or down`;

async function main([command = "up", ...args]: string[]): Promise<number> {
  switch (command) {
    case "up":
      return labUp();
    case "down":
      return labDown();
    case "pulumi":
    case "kubectl":
    case "ssh":
    case "VBoxManage":
      return runIn(command, args);
    case "--simulated":
      return simulatedLab(args);
    case "help":
    case "--help":
      console.log(usage);
      return 0;
    default:
      console.error(`${command} is not a command of the lab\n\n${usage}`);
      return 2;
  }
}

main(process.argv.slice(2)).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    console.error(error instanceof UserError ? `error: ${error.message}` : error);
    process.exitCode = 1;
  },
);
