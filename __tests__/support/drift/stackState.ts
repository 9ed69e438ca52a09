import type { Change } from "../../../providers/dynamic";
import { provider as cloudInitIso } from "../../../providers/cloudInitIso";
import { provider as hostRoute } from "../../../providers/hostRoute";
import { provider as kubeadmCluster } from "../../../providers/kubeadmCluster";
import { provider as kubeadmJoinToken } from "../../../providers/kubeadmJoinToken";
import { provider as vboxVm } from "../../../providers/vboxVm";
import { provider as workerJoin } from "../../../providers/workerJoin";
import type { SimulatedStack } from "../../../dev/simulator/stack";

/** A resource's outputs. */
export type Outputs = Record<string, unknown>;

/** The outputs of all resources, by type and name: `vbox:Vm hardware`. One that is gone is undefined. */
export type StackState = Record<string, Outputs | undefined>;

/** The tables of the resources that stand for something in the world: what a change of each property means. */
export const changes: Readonly<Record<string, Readonly<Record<string, Change>>>> = {
  "vbox:HostRoute": hostRoute.changes,
  "vbox:CloudInitIso": cloudInitIso.changes,
  "vbox:Vm": vboxVm.changes,
  "kubeadm:Cluster": kubeadmCluster.changes,
  "kubeadm:JoinToken": kubeadmJoinToken.changes,
  "kubeadm:WorkerJoin": workerJoin.changes,
};

/** Whether a diff compares a resource's property. */
export const isCompared = (type: string, property: string) =>
  !["stateOnly", "note"].includes(changes[type]?.[property] ?? "stateOnly");

/** The key that makes a value of an export a secret (pulumi/sdk, `resource.SigKey`). */
const SECRET = "4dabf18193072939515e22adb298388d";

/** What Pulumi's state has, secrets in clear. */
export async function readStackState(stack: SimulatedStack): Promise<StackState> {
  const { stdout, stderr, exitCode } = await stack.pulumi(["stack", "export", "--show-secrets"]);
  if (exitCode !== 0) throw new Error(`pulumi stack export: ${stderr}`);
  const { deployment } = JSON.parse(stdout) as {
    deployment: { resources: { type: string; urn: string; outputs?: Outputs }[] };
  };
  const ours = deployment.resources.filter(({ type }) => type.startsWith("pulumi-nodejs:dynamic/"));
  return Object.fromEntries(
    ours.map(({ type, urn, outputs = {} }) => [`${type.split("/")[1]} ${urn.split("::").at(-1)}`, plain(outputs)]),
  );
}

/** Without the handler, which is the same everywhere. */
const plain = (outputs: Outputs): Outputs =>
  Object.fromEntries(
    Object.entries(outputs).flatMap(([key, value]) => (key === "__provider" ? [] : [[key, unsealed(value)]])),
  );

function unsealed(value: unknown): unknown {
  const isSecret = typeof value === "object" && value !== null && SECRET in value;
  return isSecret ? JSON.parse((value as unknown as { plaintext: string }).plaintext) : value;
}

/** A property that differs, of a type; all of a resource that is gone. */
export interface Difference {
  type: string;
  property?: string;
}

/** What differs from one state to the other. */
export function differences(before: StackState, after: StackState): Difference[] {
  return Object.entries(before).flatMap(([key, was]) => {
    const [type, is] = [key.split(" ")[0]!, after[key]];
    if (!is) return [{ type }];
    const properties = [...new Set([...Object.keys(was!), ...Object.keys(is)])];
    return properties
      .filter((property) => JSON.stringify(was![property]) !== JSON.stringify(is[property]))
      .map((property) => ({ type, property }));
  });
}
