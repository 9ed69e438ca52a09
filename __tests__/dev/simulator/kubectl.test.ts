import { shellCommand } from "../../../common/shell";
import type { ClusterNode } from "../../../dev/simulator/state";
import { SimulatedClock } from "../../support/simulatedCommand";
import { temporarySite } from "../../support/servedSite";

let site: Awaited<ReturnType<typeof temporarySite>>;
let clock: SimulatedClock;
beforeAll(async () => void (site = await temporarySite()));
afterAll(() => site.remove());
beforeEach(() => {
  clock = new SimulatedClock(site.world.read());
  clock.state.cluster.nodes = [node("kube-node02"), node("kube-node01")];
});

const node = (name: string): ClusterNode => ({
  name,
  uid: `uid of ${name}`,
  systemUuid: "x",
  machineId: "y",
  internalIp: "192.168.2.130",
  kubeletVersion: "v1.36.3",
  registered: 0,
  labels: { tier: "a" },
  annotations: {},
  taints: [{ key: "slow", value: "1", effect: "NoSchedule" }],
});

const kubectl = (...args: string[]) =>
  clock.master(shellCommand(["sudo", "-n", "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", ...args]));
const known = (name: string) => clock.state.cluster.nodes.find((node) => node.name === name)!;

test.each([
  [
    ["label", "node", "kube-node01", "--overwrite", "tier=b", "zone=x"],
    "node/kube-node01 labeled",
    { labels: { tier: "b", zone: "x" } },
  ],
  [["label", "node", "kube-node01", "tier=a"], "node/kube-node01 not labeled", { labels: { tier: "a" } }],
  [["label", "node", "kube-node01", "tier-"], "node/kube-node01 unlabeled", { labels: {} }],
  [
    ["annotate", "node", "kube-node01", "--overwrite", "vbox-kubeadm/owner=a/b=c"],
    "node/kube-node01 annotated",
    { annotations: { "vbox-kubeadm/owner": "a/b=c" } },
  ],
  [["taint", "node", "kube-node01", "slow=1:NoSchedule-"], "node/kube-node01 untainted", { taints: [] }],
  [
    ["taint", "node", "kube-node01", "fast=:NoExecute"],
    "node/kube-node01 tainted",
    {
      taints: [
        { key: "fast", effect: "NoExecute" },
        { key: "slow", value: "1", effect: "NoSchedule" },
      ],
    },
  ],
  [
    ["taint", "node", "kube-node01", "--overwrite", "slow=2:NoSchedule"],
    "node/kube-node01 modified",
    { taints: [{ key: "slow", value: "2", effect: "NoSchedule" }] },
  ],
  [["cordon", "kube-node01"], "node/kube-node01 cordoned", { unschedulable: true }],
  [["uncordon", "kube-node01"], "node/kube-node01 already uncordoned", { unschedulable: false }],
  [
    ["drain", "kube-node01", "--ignore-daemonsets", "--force", "--timeout=5s"],
    "node/kube-node01 cordoned\nnode/kube-node01 drained",
    { unschedulable: true },
  ],
])("%j", (args, output, is) => {
  expect(kubectl(...args)).toMatchObject({ exitCode: 0, stdout: `${output}\n` });
  expect(known("kube-node01")).toMatchObject(is);
  expect(known("kube-node02")).toMatchObject({ labels: { tier: "a" }, taints: [{ key: "slow" }] });
});

test.each([
  [["label", "node", "kube-node01", "tier=b"], "error: 'tier' already has a value (a), and --overwrite is false"],
  [["taint", "node", "kube-node01", "fast:NoExecute-"], 'error: taint "fast:NoExecute" not found'],
  [
    ["taint", "node", "kube-node01", "slow=2:NoSchedule"],
    "error: node kube-node01 already has slow taint(s) with same effect(s) and --overwrite is false",
  ],
  [["taint", "node", "kube-node01", "slow=2:Never"], "error: invalid taint spec: slow=2:Never"],
  [["get", "node", "kube-node09"], 'Error from server (NotFound): nodes "kube-node09" not found'],
  [["drain", "kube-node09"], 'Error from server (NotFound): nodes "kube-node09" not found'],
  [["delete", "node", "kube-node09"], 'Error from server (NotFound): nodes "kube-node09" not found'],
  [
    ["-n", "kube-system", "delete", "secret", "bootstrap-token-abcdef"],
    'Error from server (NotFound): secrets "bootstrap-token-abcdef" not found',
  ],
  [["get", "configmap", "cluster-info"], 'Error from server (NotFound): configmaps "cluster-info" not found'],
  [["get", "gizmos"], `error: the server doesn't have a resource type "gizmos"`],
  [
    ["get", "nodes", "-o", "jsonpath={.x}"],
    'error: unable to match a printer suitable for the output format "jsonpath={.x}"',
  ],
  [["get", "nodes", "--frob"], "error: unknown flag: --frob"],
  [["frob"], 'error: unknown command "frob" for "kubectl"'],
])("%j fails, and changes nothing", (args, output) => {
  const before = structuredClone(clock.state.cluster);
  expect(kubectl(...args)).toMatchObject({ exitCode: 1, stdout: "", stderr: expect.stringContaining(output) });
  expect(clock.state.cluster).toEqual(before);
});

test("missing things are ignored where that is asked for", () => {
  for (const args of [
    ["get", "node", "x", "-o", "json"],
    ["delete", "node", "x"],
    ["-n", "kube-system", "delete", "secret", "bootstrap-token-x"],
  ]) {
    expect(kubectl(...args, "--ignore-not-found")).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  }
});

test("a deleted Node's pods go with it", () => {
  expect(kubectl("get", "pods", "-A", "-o", "name").stdout.split("\n").filter(Boolean)).toHaveLength(4);
  const deletion = ["delete", "pods", "--all-namespaces", "--field-selector", "spec.nodeName=kube-node01", "--force"];
  expect(kubectl(...deletion).stdout).toMatch(
    /pod "kube-flannel-ds-.{5}" force deleted from kube-flannel namespace\n.*kube-proxy/,
  );
  kubectl("delete", "node", "kube-node01");
  expect(kubectl(...deletion).stdout).toBe("No resources found\n");
  expect(kubectl("get", "nodes", "-o", "name").stdout).toBe("node/kube-node02\n");
});

test("tables are for people", () => {
  known("kube-node01").registered = clock.now - 300_000;
  known("kube-node01").unschedulable = true;
  const [header, first] = kubectl("get", "nodes", "-o", "wide").stdout.split("\n");
  expect(header).toMatch(/^NAME +STATUS +ROLES +AGE +VERSION +INTERNAL-IP /);
  expect(first).toMatch(/^kube-node01 +NotReady,SchedulingDisabled +<none> +5m +v1\.36\.3 +192\.168\.2\.130 /);
  expect(kubectl("get", "pods", "-A").stdout.split("\n")[1]).toMatch(
    /^kube-flannel +kube-flannel-ds-.{5} +0\/1 +Running +0 /,
  );
});

test("kubectl needs the administrator's kubeconfig, and root's rights to read it", () => {
  expect(clock.master("kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes").stderr).toContain(
    "permission denied",
  );
  expect(clock.master("sudo -n kubectl get nodes").stderr).toContain("localhost:8080 was refused");
  expect(clock.master("sudo -n kubectl --kubeconfig /other get nodes").stderr).toContain("stat /other: no such file");
  clock.state.cluster.apiDown = true;
  expect(kubectl("get", "nodes").stderr).toContain("192.168.4.20:6443 was refused");
});

test.each(["frob --x", "kubectl get nodes; reboot", "echo $(reboot)"])(
  "a master answers %j as a shell does that knows no such command",
  (command) => {
    expect(clock.master(command)).toMatchObject({
      exitCode: 127,
      stderr: expect.stringContaining("command not found"),
    });
  },
);
