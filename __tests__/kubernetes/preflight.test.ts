import type { Node } from "../../kubernetes/kubectl";
import { parseFacts, preflightProblems, type WorkerFacts } from "../../kubernetes/preflight";

const printed = `swap=0
brNetfilter=1
ipForward=1
epoch=1790000000
machineId=0123
systemUuid=ABCD-EF
criSockets=/run/containerd/containerd.sock 
kubeletVersion=v1.36.3
kubeadmVersion=v1.36.3
cgroup=cgroup2fs
joined=0
halfJoined=1
`;

const fit: WorkerFacts = {
  swap: false,
  brNetfilter: true,
  ipForward: true,
  epoch: 1_790_000_000,
  readAt: 5,
  machineId: "0123",
  systemUuid: "abcd-ef",
  criSockets: ["/run/containerd/containerd.sock"],
  kubeletVersion: "v1.36.3",
  kubeadmVersion: "v1.36.3",
  cgroup: "cgroup2fs",
  joined: false,
  halfJoined: true,
};

test("parseFacts reads what the worker prints", () => expect(parseFacts(printed, 5)).toEqual(fit));

const node = (name: string, machineID: string, address = "") =>
  ({
    metadata: { name, uid: name },
    spec: {},
    status: {
      conditions: [{ type: "Ready", status: "True" }],
      addresses: [{ type: "InternalIP", address }],
      nodeInfo: { machineID, systemUUID: "", kubeletVersion: "" },
    },
  }) satisfies Node;
const expected = {
  name: "n1",
  address: "192.168.2.130",
  criSocket: "unix:///run/containerd/containerd.sock",
  serverVersion: "v1.36.3",
  masterEpoch: 1_790_000_001,
  nodes: [node("n1", "0123"), node("n2", "4567")],
};

test("a fit worker has no problem", () => expect(preflightProblems(fit, expected)).toEqual([]));

test("an address that another Ready node has is a problem; one that a dead Node had is none", () => {
  const other = node("n2", "4567", "192.168.2.130");
  expect(preflightProblems(fit, { ...expected, nodes: [other] })).toEqual([
    expect.stringMatching(/^its address 192\.168\.2\.130 is also the InternalIP of n2, which is Ready; give/),
  ]);
  expect(
    preflightProblems(fit, {
      ...expected,
      nodes: [node("n1", "0123", "192.168.2.130"), { ...other, status: { ...other.status, conditions: [] } }],
    }),
  ).toEqual([]);
});

test.each(["v1.33.0", "v1.35.2", "v1.37.0"])("a kubeadm %s joins to 1.36", (kubeadmVersion) =>
  expect(preflightProblems({ ...fit, kubeadmVersion }, expected)).toEqual([]),
);

test.each<[string, Partial<WorkerFacts>, RegExp]>([
  ["swap", { swap: true }, /^swap is on/],
  ["br_netfilter", { brNetfilter: false }, /br_netfilter is not loaded/],
  ["ip_forward", { ipForward: false }, /ip_forward is not 1/],
  ["the clock", { epoch: 1_790_000_300 }, /299 s off the master's/],
  ["the machine-id", { machineId: "4567" }, /also n2's/],
  ["no machine-id", { machineId: "" }, /machine-id is empty/],
  ["the runtime", { criSockets: [] }, /containerd\.sock is not there/],
  [
    "another runtime than the configured one",
    { criSockets: ["/run/cri-dockerd.sock"] },
    /containerd\.sock is not there, but \/run\/cri-dockerd\.sock; is/,
  ],
  ["no kubelet", { kubeletVersion: "" }, /no kubelet/],
  ["no kubeadm", { kubeadmVersion: "" }, /no kubeadm/],
  ["a newer kubelet", { kubeletVersion: "v1.37.0" }, /does not go with/],
  ["a kubelet too old", { kubeletVersion: "v1.32.9" }, /does not go with/],
  [
    "a kubeadm that is older than any kubelet may be",
    { kubeadmVersion: "v1.32.9" },
    /^its kubeadm v1\.32\.9 does not go with the API server's v1\.36\.3; use one of 1\.33\.0 … 1\.37\.x, by kubernetesVersion or the base image$/,
  ],
  [
    "a kubeadm two minor versions newer than the cluster",
    { kubeadmVersion: "v1.38.0" },
    /^its kubeadm v1\.38\.0 does not go with/,
  ],
  [
    "a kubelet that its kubeadm refuses",
    { kubeadmVersion: "v1.37.0", kubeletVersion: "v1.33.9" },
    /^its kubeadm v1\.37\.0 joins no kubelet as old as v1\.33\.9; use both/,
  ],
  ["cgroup v1", { cgroup: "tmpfs" }, /cgroup v1/],
])("%s is a problem with a name", (_what, facts, message) => {
  const problems = preflightProblems({ ...fit, ...facts }, expected);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(message);
});
