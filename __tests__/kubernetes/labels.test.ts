import type { Node } from "../../kubernetes/kubectl";
import { isLabelKey, isSelector, labelsOn, OWNER_ANNOTATION, syncMarks, taintsOn } from "../../kubernetes/labels";
import { FakeSession } from "../support/fakeSession";

const node: Node = {
  metadata: {
    name: "n1",
    uid: "u",
    labels: { disk: "ssd", "kubernetes.io/os": "linux" },
    annotations: { [OWNER_ANNOTATION]: "kube/dev/n1" },
  },
  spec: {
    taints: [
      { key: "gpu", value: "yes", effect: "NoSchedule" },
      { key: "node.kubernetes.io/not-ready", effect: "NoExecute" },
    ],
  },
  status: { nodeInfo: { machineID: "", systemUUID: "", kubeletVersion: "" } },
};
const marks = {
  owner: "kube/dev/n1",
  labels: { disk: "ssd" },
  taints: [{ key: "gpu", value: "yes", effect: "NoSchedule" as const }],
};

/** A master whose kubectl changes the Node, and says so. */
const obeying = () => new FakeSession([[/ (annotate|label|taint) node n1 /, "node/n1 changed"]]);

test("nothing is run where nothing differs", async () => {
  const master = obeying();
  await syncMarks(master, node, marks, marks);
  expect(master.ran).toEqual([]);
});

test("labels and taints are added, changed and taken away; Kubernetes' own stay", async () => {
  const master = obeying();
  await syncMarks(
    master,
    node,
    { owner: "kube/dev/n1", labels: { zone: "a" }, taints: [{ key: "db", effect: "NoExecute" }] },
    marks,
  );
  expect(master.ran.map((command) => command.replace(/.*admin\.conf /, "").replaceAll("'", ""))).toEqual([
    "label node n1 --overwrite zone=a disk-",
    "taint node n1 --overwrite db=:NoExecute gpu:NoSchedule-",
  ]);
});

test("labels that JavaScript's objects have of themselves are labels like any other", async () => {
  const labelled = { ...node, metadata: { ...node.metadata, labels: { constructor: "a", toString: "b" } } };
  expect(labelsOn(labelled, { constructor: "c" })).toEqual({ constructor: "a" });
  expect(labelsOn(labelled, {})).toEqual({});
  const master = obeying();
  await syncMarks(
    master,
    labelled,
    { ...marks, labels: {}, taints: [] },
    { ...marks, labels: { constructor: "a" }, taints: [] },
  );
  expect(master.ran).toEqual([expect.stringMatching(/label node n1 --overwrite constructor-$/)]);
});

test.each(["disk", "example.com/disk", "a", "A_b.c-9", `${"a.".repeat(126)}a/${"n".repeat(63)}`])(
  "%s is a label's key",
  (key) => expect(isLabelKey(key)).toBe(true),
);
test.each([
  "",
  "-a",
  "a-",
  "/a",
  "a/",
  "a/b/c",
  "-/a",
  "..",
  "A.com/a",
  "a..b/c",
  "a b",
  "__proto__",
  "n".repeat(64),
  `${"a".repeat(254)}/a`,
])("%s is none", (key) => expect(isLabelKey(key)).toBe(false));

test.each([
  ["app=flannel", true],
  ["k8s-app=calico-node,a.b/c=d", true],
  ["app", false],
  ["app=", false],
  ["=x", false],
  ["a==b", false],
  ["app=x,", false],
  ["a!=b", false],
])("selector %s: %s", (text, is) => expect(isSelector(text)).toBe(is));

test("a Node without our mark gets it", async () => {
  const master = obeying();
  await syncMarks(master, { ...node, metadata: { name: "n1", uid: "u", labels: { disk: "ssd" } } }, marks);
  expect(master.ran).toHaveLength(1);
  expect(master.ran[0]).toMatch(/annotate node n1 --overwrite 'vbox-kubeadm\/owner=kube\/dev\/n1'$/);
});

test("an answer that does not show the change is an error: the Node would stay without its mark", async () => {
  const sync = syncMarks(
    new FakeSession([[/annotate/, "}{ no such thing"]]),
    { ...node, metadata: { name: "n1", uid: "u" } },
    marks,
  );
  await expect(sync).rejects.toThrow(
    /^kubectl annotate did not answer as it does when it has changed the Node n1\n {4}}{ no such thing\n→/,
  );
});

test("only what we keep on a Node is observed", () => {
  expect(labelsOn(node, { disk: "hdd", zone: "a" })).toEqual({ disk: "ssd" });
  expect(
    taintsOn(node, [
      { key: "gpu", value: "no", effect: "NoSchedule" },
      { key: "db", effect: "NoExecute" },
    ]),
  ).toEqual([{ key: "gpu", value: "yes", effect: "NoSchedule" }]);
});

test("a taint without a value is as one with an empty value, in the spelling that is known", () => {
  const bare: Node = { ...node, spec: { taints: [{ key: "db", effect: "NoExecute" }] } };
  for (const known of [
    { key: "db", effect: "NoExecute" as const },
    { key: "db", value: "", effect: "NoExecute" as const },
  ])
    expect(taintsOn(bare, [known])).toEqual([known]);
});
