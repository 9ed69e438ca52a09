import type { Node, Pod } from "../../kubernetes/kubectl";
import { DEFAULT_PODS, podsOf, waitForReady, whatIsMissing } from "../../kubernetes/nodeReady";
import { FakeSession } from "../support/fakeSession";

const expected = {
  name: "n1",
  address: "192.168.2.130",
  requiredPods: ["k8s-app=kube-proxy", "app=flannel,tier=node"],
};
const ready = [{ type: "Ready", status: "True" }];
const node = (conditions = ready, address = "192.168.2.130"): Node => ({
  metadata: { name: "n1", uid: "u" },
  spec: {},
  status: {
    conditions,
    addresses: [
      { type: "Hostname", address: "n1" },
      { type: "InternalIP", address },
    ],
    nodeInfo: { machineID: "", systemUUID: "", kubeletVersion: "" },
  },
});
const pod = (name: string, labels: Record<string, string>, conditions = ready): Pod => ({
  metadata: { name, namespace: "kube-system", labels },
  status: { phase: "Pending", conditions },
});
const proxy = pod("kube-proxy-x", { "k8s-app": "kube-proxy" });
const flannel = pod("flannel-x", { app: "flannel", tier: "node" });

test("nothing is missing from a Ready node with its pods", () =>
  expect(whatIsMissing(node(), [proxy, flannel], expected)).toEqual([]));
test("no Node", () => expect(whatIsMissing(undefined, [], expected)).toEqual(["the Node is not registered"]));
test("not Ready", () =>
  expect(whatIsMissing(node([{ type: "Ready", status: "False" }]), [proxy, flannel], expected)).toEqual([
    "the Node is not Ready",
  ]));
test("no CNI pod of all the labels", () => {
  expect(whatIsMissing(node(), [proxy, pod("other", { app: "flannel" })], expected)).toEqual([
    "no pod with app=flannel,tier=node is on it",
  ]);
});
test("a pod that is not Ready tells why it waits", () => {
  const waiting = {
    ...proxy,
    status: { phase: "Pending", containerStatuses: [{ state: { waiting: { reason: "ErrImagePull" } } }] },
  };
  expect(whatIsMissing(node(), [waiting, flannel], expected)).toEqual(["the pod kube-proxy-x is ErrImagePull"]);
});
test("a cluster without kube-proxy needs none: what is needed is configuration", () => {
  const cilium = pod("cilium-x", { "k8s-app": "cilium" });
  expect(whatIsMissing(node(), [cilium], { ...expected, requiredPods: ["k8s-app=cilium"] })).toEqual([]);
  expect(whatIsMissing(node(), [], { ...expected, requiredPods: [] })).toEqual([]);
});
test("labels of the CNI alone are short for kube-proxy and these", () => {
  expect(podsOf({ requiredPods: [...DEFAULT_PODS], cniSelector: "k8s-app=calico-node" })).toEqual([
    "k8s-app=kube-proxy",
    "k8s-app=calico-node",
  ]);
  expect(podsOf({ requiredPods: ["k8s-app=cilium"], cniSelector: "" })).toEqual(["k8s-app=cilium"]);
});
test("of a pod that leaves and the one that comes in its place one is enough", () => {
  expect(whatIsMissing(node(), [{ ...proxy, status: { phase: "Failed" } }, proxy, flannel], expected)).toEqual([]);
});
test("another InternalIP will not change by waiting", () => {
  expect(() => whatIsMissing(node(ready, "10.0.2.15"), [proxy, flannel], expected)).toThrow(
    "the Node has the InternalIP 10.0.2.15, not 192.168.2.130",
  );
});

describe("waiting", () => {
  const refused = {
    exitCode: 1,
    stderr: "The connection to the server 192.168.4.20:6443 was refused - did you specify the right host or port?",
  };
  const pods: [RegExp, string] = [/get pods/, JSON.stringify({ items: [proxy, flannel] })];
  const lines: string[] = [];
  const wait = (session: FakeSession, deadlineMs: number) =>
    waitForReady(session, expected, deadlineMs, (line) => void lines.push(line));

  test("goes on while the API server does not answer", async () => {
    const answers = [refused, JSON.stringify(node())];
    expect(await wait(new FakeSession([[/get node/, () => answers.shift()!], pods]), 100)).toEqual(node());
    expect(lines).toEqual(["waiting to be Ready: the cluster's API server does not answer its own master"]);
  });

  test("ends at the deadline, with what was missing, and not at the next look", async () => {
    const start = performance.now();
    const never = wait(new FakeSession([[/get node/, refused]]), 100);
    await expect(never).rejects.toThrow(
      /^n1 has joined, but was not ready within 0\.1 s: the cluster's API server does not answer its own master\n {4}The connection to the server .*\n→ look on the masters .*; kubectl describe node n1; /,
    );
    expect(performance.now() - start).toBeLessThan(2_500);
  });
});
