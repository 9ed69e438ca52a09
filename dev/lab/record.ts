import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { attach } from "./exec";
import { hostKeysFor } from "../../ssh/knownHosts";
import { getNode, internalIp } from "../../kubernetes/kubectl";
import type { SshTarget } from "../../ssh/target";
import { withSession } from "../../ssh/session";
import { pulumiFolder } from "./binaries";
import { namespaceOf } from "./names";
import { netnsExec } from "./netns";
import { projectDir } from "./paths";
import { record } from "./recording";
import { type Cast, steps } from "./recordingSteps";
import { sshFiles } from "./sshKeys";
import { writeWorkersHostKeys } from "./tools";
import { bastionAddress, zone } from "./topology";

/*
 * npx tsx dev/lab/record.ts [WORKER [BYSTANDER]]: records how the real kubeadm and kubectl answer, in a lab that is up,
 * for the simulator's test to compare with. WORKER (kube-node03) leaves the cluster and joins it again, by the
 * program's own code but behind Pulumi's back: afterwards run
 * `npm run lab -- pulumi up --refresh`.
 */
const folder = join(projectDir, "__tests__/dev/simulator/recordings");
const INSIDE = "--inside";

async function main([worker = "kube-node03", bystander = "kube-node01", inside]: string[]): Promise<number> {
  if (inside === INSIDE) return recordAll(worker, bystander);
  await writeWorkersHostKeys(await pulumiFolder(console.error));
  // Its SSH connections are the workstation's, which has its own network namespace.
  return attach(
    "ip",
    netnsExec(namespaceOf("host"), [process.execPath, "--import", "tsx", __filename, worker, bystander, INSIDE]),
    { cwd: projectDir },
  );
}

async function recordAll(worker: string, bystander: string): Promise<number> {
  const options = { deadlineMs: 300_000, commandTimeoutMs: 300_000 };
  return withSession(await targetOf("kube-mast01"), { ...options, what: "kube-mast01" }, async (master) =>
    withSession(await targetOf(`${worker}.${zone}`), { ...options, what: worker }, async (session) => {
      const cast: Cast = { worker, bystander, address: internalIp((await getNode(master, worker))!)! };
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true });
      for (const [index, [name, step]] of Object.entries(steps).entries()) {
        console.log(name);
        const recording = await record(name, { master, worker: session }, (stage) => step(stage, cast));
        const file = `${String(index + 1).padStart(2, "0")}-${name.replace(/\W+/g, "-")}.json`;
        await writeFile(join(folder, file), `${JSON.stringify(recording, null, 2)}\n`);
      }
      return 0;
    }),
  );
}

/** A machine of the lab, behind its bastion. */
async function targetOf(address: string): Promise<SshTarget> {
  const { identity, knownHosts, workersKnownHosts } = sshFiles();
  const known = `${await readFile(knownHosts, "utf8")}\n${await readFile(workersKnownHosts, "utf8")}`;
  const login = (name: string) => ({ user: "debian", privateKeyFile: identity, hostKeys: hostKeysFor(known, name) });
  return { ...login(address), address, bastion: { ...login("busybox"), address: bastionAddress } };
}

main(process.argv.slice(2)).then(
  (exitCode) => (process.exitCode = exitCode),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
