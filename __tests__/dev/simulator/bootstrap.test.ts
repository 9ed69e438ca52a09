import { decide, startApproving } from "../../../kubernetes/kubeletApproval";
import { join, joinConfiguration } from "../../../kubernetes/kubeadm";
import { joinInformation } from "../../../kubernetes/clusterInfo";
import { newToken, registerToken, tokenId } from "../../../kubernetes/bootstrapToken";
import { kubectl } from "../../../kubernetes/kubectl";
import { type SshSession, withSession } from "../../../ssh/session";
import { ensureTokenGroup, releaseTokenGroup, TOKEN_GROUP } from "../../../kubernetes/tokenGroup";
import { requestCertificate } from "../../../dev/simulator/bootstrap";
import { kubeletsRequest } from "../../../dev/simulator/certificateRequest";
import type { CertificateRequest } from "../../../dev/simulator/state";
import { bootWorker, type ServedSite, servedSite } from "../../support/servedSite";

/**
 * A join with a token of our group, which has no approval by itself: what the token can do, and what the program does
 * about it.
 */
let site: ServedSite;
let worker: Awaited<ReturnType<typeof bootWorker>>;
let lines: string[];
beforeAll(async () => {
  site = await servedSite();
  worker = await bootWorker(site, "kube-node01", { reboots: false });
});
afterAll(() => site.remove());
beforeEach(() => void (lines = []));
afterEach(() =>
  site.world.change(({ cluster, virtualBox }) => {
    Object.assign(cluster, { tokens: [], nodes: [], requests: [], bindings: [] });
    for (const { guest } of virtualBox.media) delete guest?.kubelet;
  }),
);

const holder = (name = "kube-node01") => ({ stack: "kube/test", name });
const onMaster = <T>(use: (master: SshSession) => Promise<T>) =>
  withSession(site.masterTarget(), { deadlineMs: 10_000, what: "master" }, use);
const bindings = () => site.world.read().cluster.bindings ?? [];
const decisions = () => (site.world.read().cluster.requests ?? []).map(({ decision }) => decision);

/** Joins with a token of our group; `meanwhile` happens as soon as it is registered. */
async function joined(meanwhile: (id: string) => unknown = () => undefined) {
  const token = newToken();
  return onMaster(async (master) => {
    await registerToken(master, token, { ttlMinutes: 1, description: "" });
    const node = {
      token,
      name: "kube-node01",
      criSocket: "unix:///run/containerd/containerd.sock",
      nodeIp: "192.168.2.130",
      taints: [],
      kubeletArgs: {},
      timeoutSeconds: 2,
    };
    const configuration = joinConfiguration("v1.36.3", { ...node, ...(await joinInformation(master)) });
    await meanwhile(tokenId(token));
    const approval = startApproving(
      master,
      { name: "kube-node01", tokenId: tokenId(token) },
      (line) => void lines.push(line),
    );
    await withSession(site.workerTarget("kube-node01", worker), { deadlineMs: 10_000, what: "worker" }, (session) =>
      join(session, configuration, 10_000),
    ).finally(() => approval.end());
    return approval;
  });
}

/** A request by a token, that differs from the kubelet's. */
const ask = (id: string, differently: Partial<CertificateRequest>) =>
  site.world.change(
    ({ cluster }) =>
      void Object.assign(
        requestCertificate(
          cluster,
          cluster.tokens.find((token) => token.id === id)!,
          "kube-node01",
        ),
        differently,
      ),
  );

test("the kubelet's own request is approved, and the worker joins", async () => {
  await onMaster((master) => ensureTokenGroup(master, holder()));
  expect((await joined()).denied).toEqual([]);
  expect(decisions()).toEqual(["Approved"]);
  expect(lines).toEqual(["joining the cluster: its kubelet's certificate is approved"]);
});

test("what else the token asks for meanwhile is denied, and reported", async () => {
  await onMaster((master) => ensureTokenGroup(master, holder()));
  const { denied } = await joined((id) => ask(id, { pem: kubeletsRequest("kube-node02") }));
  expect(denied).toEqual([
    "its subject is not exactly O=system:nodes, CN=system:node:kube-node01, without other names",
  ]);
  expect(lines).toContain(`its token was used to ask for another certificate, which is denied: ${denied[0]}`);
  expect(decisions()).toEqual(["Denied", "Approved"]);
});

test.each<[string, Partial<CertificateRequest>, string]>([
  ["a master's name", { pem: kubeletsRequest("kube-mast01") }, "its subject is not exactly"],
  [
    "another signer",
    { signerName: "kubernetes.io/kube-apiserver-client" },
    'its signer is "kubernetes.io/kube-apiserver-client"',
  ],
  ["other usages", { usages: ["client auth", "digital signature", "server auth"] }, "its usages are"],
  ["no usages", { usages: [] }, "its usages are"],
  ["another group", { groups: ["system:masters"] }, "with the groups"],
  ["no request at all", { pem: "" }, "its subject is not exactly"],
])("a request with %s is denied", async (_what, differently, problem) => {
  await site.world.change(
    ({ cluster }) => void cluster.tokens.push({ id: "abcdef", secret: "", description: "", group: TOKEN_GROUP }),
  );
  await ask("abcdef", differently);
  const denied = await onMaster((master) =>
    decide(master, { name: "kube-node01", tokenId: "abcdef" }, () => undefined),
  );
  expect(denied).toEqual([expect.stringContaining(problem)]);
  expect(decisions()).toEqual(["Denied"]);
});

test("a request of another token, for the same node, is left alone", async () => {
  await onMaster((master) => ensureTokenGroup(master, holder()));
  await joined((id) => ask(id, { username: "system:bootstrap:zzzzzz" }));
  expect(decisions()).toEqual([undefined, "Approved"]);
});

test("a second request of the same kubelet is approved as well", async () => {
  await onMaster((master) => ensureTokenGroup(master, holder()));
  await joined((id) => ask(id, {}));
  expect(decisions()).toEqual(["Approved", "Approved"]);
});

test("without the bindings there is no join", async () => {
  await expect(joined()).rejects.toThrow(/configmaps "kubeadm-config" is forbidden: User "system:bootstrap:\w{6}"/);
});

test("the bindings are shared, made once, and go with the last worker", async () => {
  await onMaster(async (master) => {
    await Promise.all(["kube-node01", "kube-node02"].map((name) => ensureTokenGroup(master, holder(name))));
    await ensureTokenGroup(master, holder());
    expect(bindings().map(({ roleRef }) => roleRef.name)).toEqual([
      "system:node-bootstrapper",
      "kubeadm:get-nodes",
      "kubeadm:kubelet-config",
      "kubeadm:nodes-kubeadm-config",
    ]);
    await releaseTokenGroup(master, holder("kube-node02"));
    await releaseTokenGroup(master, holder("kube-node02"));
    expect(bindings()).toHaveLength(4);
    await releaseTokenGroup(master, holder());
    expect(bindings()).toEqual([]);
    await releaseTokenGroup(master, holder());
  });
});

test("a worker takes the one of its names with it whose stack lost its state, and no other", async () => {
  await onMaster(async (master) => {
    for (const lost of [holder(), holder("kube-node02")])
      await ensureTokenGroup(master, { ...lost, stackId: "c".repeat(32) });
    await ensureTokenGroup(master, holder());
    await releaseTokenGroup(master, holder());
    expect(bindings().map(({ metadata }) => Object.values(metadata.annotations ?? {}))).toEqual(
      Array(4).fill([`${"c".repeat(32)} ${holder().stack}/kube-node02`]),
    );
    await releaseTokenGroup(master, holder("kube-node02"));
    expect(bindings()).toEqual([]);
  });
});

test("a binding that another worker comes to need while the last one leaves stays", async () => {
  await onMaster(async (master) => {
    await ensureTokenGroup(master, holder());
    const meanwhile: SshSession = {
      ...master,
      exec: async (command, options) => {
        if (command.includes("--raw") && command.includes("get-nodes"))
          await ensureTokenGroup(master, holder("kube-node02"));
        return master.exec(command, options);
      },
    };
    await releaseTokenGroup(meanwhile, holder());
    expect(
      bindings()
        .map(({ metadata }) => metadata.name)
        .sort(),
    ).toEqual([
      "vbox-kubeadm:get-nodes",
      "vbox-kubeadm:kubelet-config",
      "vbox-kubeadm:node-bootstrapper",
      "vbox-kubeadm:nodes-kubeadm-config",
    ]);
  });
});

test.each([
  ["without our label", (binding: { metadata: object }) => Object.assign(binding.metadata, { labels: {} })],
  [
    "to another role",
    (binding: object) =>
      Object.assign(binding, {
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
      }),
  ],
  [
    "for others, too",
    (binding: { subjects: object[] }) =>
      binding.subjects.push({ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "system:authenticated" }),
  ],
])("a binding of such a name %s is refused, and left", async (_what, change) => {
  await onMaster(async (master) => {
    await ensureTokenGroup(master, holder());
    await site.world.change(({ cluster }) => void change(cluster.bindings![0]!));
    await expect(ensureTokenGroup(master, holder("kube-node02"))).rejects.toThrow(
      /ClusterRoleBinding vbox-kubeadm:node-bootstrapper that this program did not make.*\n→ .*kubectl delete clusterrolebinding\/vbox-kubeadm:node-bootstrapper/,
    );
    await releaseTokenGroup(master, holder());
    expect(bindings()).toHaveLength(1);
  });
});

test("an answer that is not understood is no approval", async () => {
  await onMaster((master) => ensureTokenGroup(master, holder()));
  const rubbish: SshSession = {
    exec: () => Promise.resolve({ stdout: '{"kind":"Status"}', stderr: "", exitCode: 0 }),
    run: () => Promise.resolve(""),
  };
  const approval = startApproving(rubbish, { name: "kube-node01", tokenId: "abcdef" }, () => undefined);
  await approval.end();
  expect(approval.trouble).toMatch(/did not answer with the requests/);
  expect(await onMaster((master) => kubectl(master, ["get", "certificatesigningrequests", "-o", "name"]))).toBe("");
});
