import { OWNER_ANNOTATION } from "../../../kubernetes/labels";
import type { Taint } from "../../../kubernetes/kubectl";
import type { Scenario } from "./drift";
import { nodeOf } from "./hand";

const marks = {
  labels: { disk: "ssd", rack: "a1" },
  taints: [
    { key: "gpu", value: "yes", effect: "NoSchedule" as const },
    { key: "slow", value: "", effect: "NoExecute" as const },
  ],
};

const marked: Scenario = {
  worker: "marked",
  overrides: marks,
  machine: "runs on",
  node: "stays",
  drifts: [
    {
      done: "A label was taken off a Node",
      act: (hand) => hand.node(({ labels }) => delete labels.disk),
      seen: ({ node }) => void delete (node!.labels as Record<string, string>).disk,
      repair: "sets it",
    },
    {
      done: "A label's value changed",
      act: (hand) => hand.node(({ labels }) => (labels.rack = "b2")),
      seen: ({ node }) => void ((node!.labels as Record<string, string>).rack = "b2"),
      repair: "sets it",
    },
    {
      done: "A taint was taken off a Node",
      act: (hand) => hand.node((node) => (node.taints = node.taints.filter(({ key }) => key !== "slow"))),
      seen: ({ node }) => void (node!.taints as Taint[]).pop(),
      repair: "sets it",
    },
    {
      done: "A taint's value changed",
      act: (hand) => hand.node(({ taints }) => (taints.find(({ key }) => key === "gpu")!.value = "no")),
      seen: ({ node }) => void ((node!.taints as Taint[])[0]!.value = "no"),
      repair: "sets it",
    },
    {
      done: "Our mark was taken off a Node",
      act: (hand) => hand.node(({ annotations }) => delete annotations[OWNER_ANNOTATION]),
      seen: ({ node }) => void (node!.marked = false),
      repair: "sets it",
    },
  ],
};

const deleted: Scenario = {
  worker: "deleted",
  machine: "runs on",
  node: "rejoins",
  drifts: [
    {
      done: "A Node was deleted; its kubelet, which runs, does not make it again",
      act: (hand) => hand.deleteNode(),
      seen: (outputs) => void delete outputs.node,
      repair: "takes the old join back (`kubeadm reset`) and joins",
    },
  ],
};

const recreated: Scenario = {
  worker: "recreated",
  overrides: { ...marks, taints: [] },
  machine: "runs on",
  node: "stays",
  drifts: [
    {
      done: "A Node was deleted, and its kubelet restarted, which made it again",
      act: async (hand) => {
        await hand.deleteNode();
        await hand.vbox("controlvm", hand.uuid, "reset");
      },
      seen: ({ node }, site) =>
        void Object.assign(node!, { nodeUid: nodeOf(site, "recreated")?.uid, labels: {}, marked: false }),
      repair: "sets labels and mark on the new one",
    },
  ],
};

const reset: Scenario = {
  worker: "reset",
  machine: "runs on",
  node: "rejoins",
  drifts: [
    {
      done: "`kubeadm reset` was run on a worker",
      act: (hand) => hand.guest((disk) => delete disk.kubelet),
      seen: ({ node }) => void (node!.ready = false),
      repair: "takes the dead Node away and joins",
    },
  ],
};

/** What is done to Nodes. */
export const nodeScenarios: readonly Scenario[] = [marked, deleted, recreated, reset];
