import { waitForCloudInit } from "../../../cloudinit/wait";
import { caCertHash, joinInformation } from "../../../kubernetes/clusterInfo";
import { listTokens, newToken, registerToken, revokeToken, tokenId } from "../../../kubernetes/bootstrapToken";
import { getNode, getNodes, getPodsOn } from "../../../kubernetes/kubectl";
import { syncMarks } from "../../../kubernetes/labels";
import { waitForReady } from "../../../kubernetes/nodeReady";
import { type SshSession, withSession } from "../../../ssh/session";
import { ensureJoined, revokingToken } from "../../../kubernetes/join";
import { deleteNode, drain, resetWorker } from "../../../kubernetes/leave";
import { journal, planFaults } from "../../../dev/simulator/faults";
import { innocent } from "../../support/innocent";
import { bootWorker, diskOf, power, type ServedSite, servedSite } from "../../support/servedSite";

/** The program's own code for the cluster, against the simulated machines. */
let site: ServedSite;
beforeAll(
  async () =>
    void (site = await servedSite({ delays: { boot: 100, cloudInit: 100, join: 50, register: 1_500, ready: 100 } })),
);
afterAll(() => site.remove());

const log = () => {};
const soon = (what: string) => ({ deadlineMs: 10_000, what });
const onMaster = <T>(use: (session: SshSession) => Promise<T>) => withSession(site.masterTarget(), soon("master"), use);
const CRI = "unix:///run/containerd/containerd.sock";

test("a worker from its first boot to its end, across a restart of the servers", async () => {
  const name = "kube-node01";
  const worker = await bootWorker(site, name);
  planFaults(site.folder);

  const report = await waitForCloudInit({
    name,
    target: site.workerTarget(`${name}.kube.demo`, worker),
    rebootExpected: true,
    timeoutSeconds: 10,
    log,
  });
  const address = "192.168.2.130";
  expect([...report.addresses.values()]).toContain(address);
  expect(report.bootId).not.toBe(report.firstBootId);

  const token = newToken();
  const plan = {
    name,
    stack: "kube/test",
    token,
    address,
    criSocket: CRI,
    taints: [{ key: "slow", effect: "NoSchedule" as const }],
    kubeletArgs: {},
    joinTimeoutSeconds: 10,
  };
  const { uid } = await onMaster(async (master) => {
    await registerToken(master, token, { ttlMinutes: 30, description: "vbox-kubeadm kube/test/kube-node01" });
    expect(await listTokens(master)).toEqual([
      { id: tokenId(token), description: "vbox-kubeadm kube/test/kube-node01", expiration: expect.any(Date) as Date },
    ]);
    const { endpoint, caCertHash: pin } = await joinInformation(master);
    expect({ endpoint, pin }).toEqual({
      endpoint: "192.168.4.20:6443",
      pin: caCertHash(site.world.read().cluster.caCertificate),
    });
    const join = { ...plan, endpoint, caCertHash: pin };
    await revokingToken({ master, log }, plan, () =>
      withSession(site.workerTarget(name, worker), soon(name), (session) =>
        ensureJoined({ worker: session, master, misuse: innocent, log }, join),
      ),
    );
    expect(await listTokens(master)).toEqual([]);
    expect(await getNode(master, name)).toBeUndefined();

    const node = await waitForReady(
      master,
      { name, address, requiredPods: ["k8s-app=kube-proxy", "app=flannel"] },
      10_000,
      log,
    );
    expect(node.status.nodeInfo).toMatchObject({ kubeletVersion: "v1.36.3", systemUUID: worker.uuid });
    expect(node.spec.taints).toContainEqual(plan.taints[0]);
    const marks = { owner: "kube/test/kube-node01", labels: { tier: "a" }, taints: plan.taints };
    await syncMarks(master, node, marks);
    await syncMarks(
      master,
      (await getNode(master, name))!,
      { ...marks, labels: { tier: "b" }, taints: [{ key: "fast", value: "1", effect: "NoExecute" }] },
      marks,
    );
    return node.metadata;
  });

  await site.restart();
  await onMaster(async (master) => {
    const [node] = await getNodes(master);
    expect(node).toMatchObject({
      metadata: { uid, labels: { tier: "b" } },
      spec: { taints: [{ key: "fast", value: "1", effect: "NoExecute" }] },
    });
    // A join that is whole is left as it is.
    const join = { ...plan, endpoint: "192.168.4.20:6443", caCertHash: "sha256:any" };
    await withSession(site.workerTarget(address, worker), soon(name), (session) =>
      ensureJoined({ worker: session, master, misuse: innocent, log }, join),
    );

    expect(
      await drain(
        master,
        {
          name,
          stack: "kube/test",
          nodeUid: uid,
          systemUuid: worker.uuid,
          drainTimeoutSeconds: 5,
          commandTimeoutSeconds: 5,
        },
        log,
      ),
    ).toBe(true);
    expect((await getNode(master, name))!.spec.unschedulable).toBe(true);
    await withSession(site.workerTarget(address, worker), soon(name), (session) => resetWorker(session, CRI, log));
    expect(diskOf(site.world.read(), worker.uuid).kubelet).toBeUndefined();
    await deleteNode(master, name);
    expect(await getPodsOn(master, name)).toEqual([]);
  });

  expect(new Set(journal(site.folder))).toEqual(
    new Set([
      ...["cloud-init report", "worker's facts", "kubeadm join", "kubeadm reset", "CNI cleanup"].map(
        (what) => `ssh ${name} ${what}`,
      ),
      ...["kubectl apply token", "date"].map((what) => `ssh kube-mast01 ${what}`),
      ...[
        "get secrets",
        "get configmap cluster-info",
        `get node ${name}`,
        "version",
        "get nodes",
        "delete secret bootstrap-token",
      ].map((what) => `ssh kube-mast01 kubectl ${what}`),
      ...[`get pods ${name}`, `annotate node ${name}`, `label node ${name}`, `taint node ${name}`, `drain ${name}`].map(
        (what) => `ssh kube-mast01 kubectl ${what}`,
      ),
      ...["get bindings", "apply bindings", "get certificatesigningrequests", "certificate approve"].map(
        (what) => `ssh kube-mast01 kubectl ${what}`,
      ),
      ...[`delete node ${name}`, `delete pods ${name}`].map((what) => `ssh kube-mast01 kubectl ${what}`),
    ]),
  );
});

test("a machine that goes off ends its connections, and is not to be reached", async () => {
  const worker = await bootWorker(site, "kube-node02", { reboots: false });
  const target = site.workerTarget("kube-node02", worker);
  await withSession(target, soon("kube-node02"), async (session) => {
    await power(site, worker.uuid, "off");
    await expect(session.exec("hostname")).rejects.toMatchObject({ kind: "dropped" });
  });
  await expect(
    withSession(target, { deadlineMs: 300, what: "kube-node02" }, (session) => session.run("hostname")),
  ).rejects.toMatchObject({ kind: "unreachable" });
});

test("the bastion answers, and the other masters serve the same cluster, unless they are down", async () => {
  expect(await withSession(site.bastionTarget(), soon("busybox"), (session) => session.run("hostname"))).toBe(
    "busybox",
  );
  const token = newToken();
  await onMaster((master) => registerToken(master, token, { ttlMinutes: 1, description: "" }));
  const seen = await withSession(site.masterTarget("kube-mast02"), soon("master"), listTokens);
  expect(seen.map(({ id }) => id)).toContain(tokenId(token));
  await onMaster((master) => revokeToken(master, tokenId(token)));
  await site.world.change(({ cluster }) => void (cluster.mastersDown = ["kube-mast03"]));
  await expect(
    withSession(site.masterTarget("kube-mast03"), { deadlineMs: 300, what: "master" }, (session) =>
      session.run("hostname"),
    ),
  ).rejects.toMatchObject({ kind: "unreachable" });
});
