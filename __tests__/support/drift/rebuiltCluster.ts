import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { caCertHash } from "../../../kubernetes/clusterInfo";
import { makeSite } from "../../../dev/simulator/site";
import type { DriftStack } from "./driftStack";
import type { StackState } from "./stackState";

const endpoint = "192.168.4.21:6443";

/**
 * The masters serve another cluster at another address; the old one's Nodes are in it, as in a backup that was restored
 * under a new CA.
 */
export async function rebuildCluster({ world }: DriftStack): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "other-"));
  const { caCertificate, kubeconfig } = (await makeSite(folder)).world.read().cluster;
  rmSync(folder, { recursive: true });
  await world.change(({ cluster }) => void Object.assign(cluster, { caCertificate, kubeconfig, endpoint }));
}

/** What a refresh makes of the state then. */
export function seenRebuilt(before: StackState, { world }: DriftStack): StackState {
  const { caCertificate, kubeconfig } = world.read().cluster;
  const cluster = { caCertHash: caCertHash(caCertificate), kubeconfig: kubeconfig.trimEnd(), endpoint };
  return Object.fromEntries(
    Object.entries(before).map(([key, outputs]) => {
      const changed = key.startsWith("kubeadm:Cluster ")
        ? cluster
        : key.startsWith("kubeadm:WorkerJoin ")
          ? { ready: false }
          : {};
      return [key, { ...outputs, ...changed }];
    }),
  );
}

/** Whether workers left and joined one at a time, by the commands that were run. */
export function isOneByOne(commands: readonly string[]): boolean {
  const steps = commands.flatMap(
    (command) => [...(/^ssh (\S+) kubeadm (reset|join)$/.exec(command)?.slice(1, 3) ?? [])].join(" ") || [],
  );
  return (
    steps.length > 0 && steps.every((step, i) => i % 2 === 0 || step.split(" ")[0] === steps[i - 1]!.split(" ")[0])
  );
}
