import type { Node } from "../../host/kubectl";
import { labelsOn, OWNER_ANNOTATION, syncMarks, taintsOn } from "../../host/labels";
import { FakeSession } from "../support/fakeSession";

const node: Node = {
  metadata: { name: "n1", uid: "u", labels: { disk: "ssd", "kubernetes.io/os": "linux" }, annotations: { [OWNER_ANNOTATION]: "kube/dev/n1" } },
  spec: { taints: [{ key: "gpu", value: "yes", effect: "NoSchedule" }, { key: "node.kubernetes.io/not-ready", effect: "NoExecute" }] },
  status: { nodeInfo: { machineID: "", systemUUID: "", kubeletVersion: "" } },
};
const marks = { owner: "kube/dev/n1", labels: { disk: "ssd" }, taints: [{ key: "gpu", value: "yes", effect: "NoSchedule" as const }] };

test("nothing is run where nothing differs", async () => {
  const master = new FakeSession([]);
  await syncMarks(master, node, marks, marks);
  expect(master.ran).toEqual([]);
});

test("labels and taints are added, changed and taken away; Kubernetes' own stay", async () => {
  const master = new FakeSession([]);
  await syncMarks(master, node, { owner: "kube/dev/n1", labels: { zone: "a" }, taints: [{ key: "db", effect: "NoExecute" }] }, marks);
  expect(master.ran.map((command) => command.replace(/.*admin\.conf /, "").replaceAll("'", ""))).toEqual([
    "label node n1 --overwrite zone=a disk-",
    "taint node n1 --overwrite db=:NoExecute gpu:NoSchedule-",
  ]);
});

test("a Node without our mark gets it", async () => {
  const master = new FakeSession([]);
  await syncMarks(master, { ...node, metadata: { name: "n1", uid: "u", labels: { disk: "ssd" } } }, marks);
  expect(master.ran).toHaveLength(1);
  expect(master.ran[0]).toMatch(/annotate node n1 --overwrite 'vbox-kubeadm\/owner=kube\/dev\/n1'$/);
});

test("only what we keep on a Node is observed", () => {
  expect(labelsOn(node, { disk: "hdd", zone: "a" })).toEqual({ disk: "ssd" });
  expect(taintsOn(node, [{ key: "gpu", value: "no", effect: "NoSchedule" }, { key: "db", effect: "NoExecute" }])).toEqual([{ key: "gpu", value: "yes", effect: "NoSchedule" }]);
});
