import { z } from "zod";
import { notUnderstood, parseJson } from "../common/json";

const strings = z.record(z.string(), z.string()).optional();

const nodeFormat = z.object({
  metadata: z.object({ name: z.string().min(1), uid: z.string().min(1), labels: strings, annotations: strings }),
  spec: z.object({
    unschedulable: z.boolean().optional(),
    taints: z
      .array(
        z.object({
          key: z.string().min(1),
          value: z.string().optional(),
          effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]),
        }),
      )
      .optional(),
  }),
  status: z.object({
    conditions: z
      .array(
        z.object({
          type: z.string(),
          status: z.string(),
          reason: z.string().optional(),
          message: z.string().optional(),
        }),
      )
      .optional(),
    addresses: z.array(z.object({ type: z.string(), address: z.string() })).optional(),
    nodeInfo: z.object({ machineID: z.string(), systemUUID: z.string(), kubeletVersion: z.string() }),
  }),
});

const waiting = z.object({ reason: z.string().optional(), message: z.string().optional() }).optional();

const podFormat = z.object({
  metadata: z.object({ name: z.string().min(1), namespace: z.string().min(1), labels: strings }),
  status: z.object({
    phase: z.string(),
    conditions: z.array(z.object({ type: z.string(), status: z.string() })).optional(),
    containerStatuses: z.array(z.object({ state: z.object({ waiting }).optional() })).optional(),
  }),
});

/** The parts of a Node that the program reads (kubernetes/api, core/v1 `Node`). */
export type Node = z.infer<typeof nodeFormat>;

/** A taint of a Node. */
export type Taint = NonNullable<Node["spec"]["taints"]>[number];

/** The parts of a Pod that the program reads (kubernetes/api, core/v1 `Pod`). */
export type Pod = z.infer<typeof podFormat>;

/**
 * Reads `kubectl get node NAME --ignore-not-found -o json`: nothing is printed where there is none.
 * @throws UserError for anything but that Node
 */
export function nodeIn(answer: string, name: string): Node | undefined {
  if (answer.trim() === "") return undefined;
  const { data } = nodeFormat.safeParse(parseJson(answer, "kubectl get node"));
  if (data?.metadata.name !== name) throw notUnderstood("kubectl get node", `with the Node ${name}`, answer);
  return data;
}

/** Reads `kubectl get nodes -o json`. @throws UserError for anything but a list of Nodes */
export const nodesIn = (answer: string): Node[] => itemsIn(answer, nodeFormat, "kubectl get nodes");

/** Reads `kubectl get pods -o json`. @throws UserError for anything but a list of Pods */
export const podsIn = (answer: string): Pod[] => itemsIn(answer, podFormat, "kubectl get pods");

function itemsIn<T>(answer: string, format: z.ZodType<T>, what: string): T[] {
  const { data } = z.object({ items: z.array(format) }).safeParse(parseJson(answer, what));
  if (!data) throw notUnderstood(what, "with a list of what was asked for", answer);
  return data.items;
}
