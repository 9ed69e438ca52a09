import { setTimeout as sleep } from "node:timers/promises";
import { macAddress } from "../../../virtualbox/mac";
import { installPrograms } from "../../../dev/simulator/installPrograms";
import { cutPower, everythingOn, failureOf, machineOf, workersSay } from "../../support/causes";
import { drivenWorker, seconds } from "../../support/drivenWorker";
import { lines, site, worker, useServedSite } from "../../support/servedWorker";

// Several workers of the simulated site, which a busy machine takes its time for.
jest.setTimeout(120_000);

/** A worker that does not come up, or does not join: that ends within its deadline, with the cause and what to do. */
useServedSite();
beforeEach(async () => {
  await worker.iso.up();
});

const upToToken = async () => {
  for (const resource of [worker.cluster, worker.vm, worker.token]) await resource.up();
};
const tokens = () => site.world.read().cluster.tokens;

describe("the first boot", () => {
  const waits = (what: string) =>
    `kube-node01: kube-node01 is not ready: waited ${seconds.cloudInit} s for cloud-init to be done and the machine to have rebooted\n    last seen: ${what}\n→ look at /var/log/cloud-init-output.log on it`;

  test("ends in an error: cloud-init's own words are shown, and the machine stays to be looked at", async () => {
    await workersSay(site, { status: "error" });
    const readiness = { ...worker.readiness(), timeoutSeconds: 10 };
    const error = await failureOf(worker.vm.up({ readiness }), 10);
    expect(error).toMatch(
      /^kube-node01: cloud-init failed on kube-node01\n {4}.*RuntimeError\('Runparts: 1 failures[^]*cloud-init-output\.log ends:\n[^]*→ .*; the next `pulumi up` replaces the machine$/,
    );
    const { uuid, state } = machineOf(site.world.read(), "kube-node01");
    expect(state).toBe("running");
    expect(worker.vm.get("uuid")).toBe(uuid);
    await workersSay(site, {});
    await worker.vm.up({ readiness });
    expect(worker.vm.get("uuid")).not.toBe(uuid);
    expect(site.world.read().virtualBox.machines.filter(({ name }) => name === "kube-node01")).toHaveLength(1);
  });

  test("was cut short while nobody looked, or by another run: the machine is replaced by the next `up`, and never taken for ready", async () => {
    await site.world.change(({ delays }) => void (delays.cloudInit = 3_600_000));
    await failureOf(worker.vm.up(), seconds.cloudInit);
    const { uuid } = machineOf(site.world.read(), "kube-node01");
    await cutPower(site, "kube-node01");
    await site.world.change(({ delays }) => void (delays.cloudInit = 0));
    const readiness = { ...worker.readiness(), timeoutSeconds: 10 };
    expect(await failureOf(worker.vm.up({ readiness }), 10)).toMatch(
      /^kube-node01: the first boot of kube-node01 did not come to its end[^]*→ .*; the next `pulumi up` replaces the machine$/,
    );
    await worker.vm.up({ readiness });
    expect(worker.vm.get("uuid")).not.toBe(uuid);
  });

  test("never ends", async () => {
    await site.world.change(({ delays }) => void (delays.cloudInit = 3_600_000));
    expect(await failureOf(worker.vm.up(), seconds.cloudInit)).toContain(waits("cloud-init is running"));
  });

  test("never gets to its sshd", async () => {
    await site.world.change(({ delays }) => void (delays.boot = 3_600_000));
    const error = await failureOf(worker.vm.up(), seconds.cloudInit);
    expect(error).toMatch(
      /^kube-node01: kube-node01 gave no SSH session within 4 s, at kube-node01\.kube\.demo:22, through the bastion \S+ \(\d+ attempts\)\n {4}last seen: .*connect failed\n→ look at the machine's console: does it run/,
    );
  });

  test("is cut short by a power cut", async () => {
    await site.world.change(({ delays }) => void (delays.cloudInit = 3_600_000));
    const failure = failureOf(worker.vm.up(), seconds.cloudInit);
    await untilSaid("waiting for cloud-init: running");
    await cutPower(site, "kube-node01");
    expect(await failure).toMatch(
      /^kube-node01: kube-node01 is not ready: .*; VirtualBox says that kube-node01 is poweroff, in its first boot, which cloud-init does not repeat\n {4}last seen: cloud-init is running, and then: .*\n→ see why; the next `pulumi up` replaces the machine$/,
    );
    await site.world.change(({ delays }) => void (delays.cloudInit = 0));
    await worker.vm.up();
  });
});

describe("a worker that is not fit to join is left as it is, and its token is revoked", () => {
  test.each<[string, Record<string, string>, RegExp]>([
    ["swap is on", { swap: "1" }, /swap is on; turn it off for good/],
    ["its clock is wrong", { epoch: "1000000000" }, /its clock is \d+ s off the master's; set up time synchronisation/],
    [
      "its kubelet is newer than the cluster",
      { kubeletVersion: "v1.37.0" },
      /its kubelet v1\.37\.0 does not go with the API server's v1\.36\.3; set kubernetesVersion to one of 1\.33\.0 … 1\.36\.x, or use a base image/,
    ],
    [
      "its kubelet is much older",
      { kubeletVersion: "v1.32.9" },
      /its kubelet v1\.32\.9 does not go with the API server's v1\.36\.3/,
    ],
    [
      "its runtime is not there",
      { criSockets: "" },
      /\/run\/containerd\/containerd\.sock is not there; is the container runtime running\?/,
    ],
    [
      "two of these",
      { swap: "1", brNetfilter: "0" },
      /swap is on; .*\n {4}the kernel module br_netfilter is not loaded/,
    ],
  ])("as %s", async (_what, facts, problem) => {
    await workersSay(site, facts);
    await upToToken();
    const before = everythingOn(site);
    const error = await failureOf(worker.join.up());
    expect(error).toMatch(/^kube-node01: the worker is not fit to join\n {4}/);
    expect(error).toMatch(problem);
    expect(error).toMatch(/\n→ fix this on the worker or in its base image, then run `pulumi up` again$/);
    expect(everythingOn(site)).toEqual({ ...before, cluster: { ...before.cluster, tokens: [] } });
  });

  test("as another worker has its machine-id, from a base image that has one", async () => {
    await site.world.change(({ virtualBox }) => void (virtualBox.media[0]!.guest = { machineId: "a".repeat(32) }));
    await upToToken();
    await worker.join.up();
    const twin = drivenWorker(site, "kube-node02");
    for (const resource of [twin.cluster, twin.iso, twin.vm, twin.token]) await resource.up();
    const error = await failureOf(twin.join.up());
    expect(error).toMatch(
      /^kube-node02: the worker is not fit to join\n {4}its machine-id is also kube-node01's; empty \/etc\/machine-id in the base image/,
    );
    expect(site.world.read().cluster.nodes.map(({ name }) => name)).toEqual(["kube-node01"]);
  });
});

test("two workers that were given one address at once do not both end well", async () => {
  const twin = drivenWorker(site, "kube-node02");
  await Promise.all([upToToken(), twin.iso.up(), twin.cluster.up()]);
  await site.world.change(
    ({ network }) => void (network.leases[macAddress("kube/test", "kube-node02", 1)] = worker.vm.get("address")),
  );
  await twin.vm.up();
  await twin.token.up();
  const failed = (await Promise.allSettled([worker.join.up(), twin.join.up()])).flatMap((result) =>
    result.status === "rejected" ? [(result.reason as Error).message] : [],
  );
  expect(failed.length).toBeGreaterThan(0);
  for (const message of failed)
    expect(message).toMatch(/its address \S+ is also the InternalIP of kube-node0[12], which is Ready/);
});

describe("kubeadm join", () => {
  beforeEach(() => upToToken());

  test("finds its token spent beforehand: a new one is made, and revoked", async () => {
    await site.world.change(({ cluster }) => void (cluster.tokens[0]!.expires = Date.now() - 1));
    await worker.join.up();
    expect(lines).toContain(
      "kube-node01: making a token for this join: its own is spent, or ends before the join must",
    );
    expect(tokens()).toEqual([]);
  });

  test("finds its token spent on the way", async () => {
    await site.world.change(({ delays }) => void (delays.join = 300));
    const failure = failureOf(worker.join.up(), seconds.join * 2);
    await untilSaid("joining the cluster");
    await site.world.change(({ cluster }) => void (cluster.tokens = []));
    expect(await failure).toMatch(
      /^kube-node01: kubeadm join failed\n[^]*could not find a JWS signature[^]*→ the token is not valid any more: run `pulumi up` again for a new one$/,
    );
  });

  test("loses its machine by a power cut", async () => {
    await installPrograms(site.folder);
    await site.world.change(({ delays }) => void (delays.join = 500));
    const failure = failureOf(worker.join.up(), seconds.join * 2 + seconds.ssh);
    await untilSaid("joining the cluster");
    await cutPower(site, "kube-node01");
    expect(await failure).toMatch(
      /^kube-node01: kube-node01 gave no SSH session within 1 s, at .*; VirtualBox says that kube-node01 is poweroff\n[^]*→ see why; `pulumi up --refresh` then starts it again$/,
    );
    expect(tokens()).toEqual([]);
  });

  test("loses its machine for good", async () => {
    await installPrograms(site.folder);
    await site.world.change(({ virtualBox }) => void virtualBox.machines.splice(2));
    expect(await failureOf(worker.join.up(), seconds.ssh)).toMatch(
      /VirtualBox says that there is no machine \S+ any more\n[^]*→ see why; `pulumi up --refresh` then recreates it$/,
    );
    expect(tokens()).toEqual([]);
  });

  test.each<[string, Record<string, string>]>([
    ["as kubeadm says", { writeError: "no space left on device" }],
    [
      "as the runtime says",
      {
        writeError: "context deadline exceeded",
        runtimeLog: 'failed to create task: mkdir /run/containerd: no space left on device"',
      },
    ],
  ])("finds the worker's disk full, %s", async (_what, facts) => {
    await site.world.change(({ virtualBox }) =>
      virtualBox.media.forEach(({ guest }) => guest && (guest.facts = facts)),
    );
    const error = await failureOf(worker.join.up());
    expect(error).toMatch(
      /^kube-node01: kubeadm join failed\n[^]*no space left on device[^]*→ the worker's disk is full: make room there/,
    );
    expect(tokens()).toEqual([]);
  });
});

describe("a worker that has joined and is not Ready until the deadline", () => {
  const look = "kubectl describe node kube-node01; kubectl get pods -A --field-selector spec.nodeName=kube-node01";

  test("by its kubelet: its words are shown, and the Node is recorded", async () => {
    await workersSay(site, { kubeletMessage: "container runtime is down" });
    await upToToken();
    const error = await failureOf(worker.join.up(), seconds.ready);
    expect(error).toMatch(
      /^kube-node01: kube-node01 has joined, but was not ready within 1 s: the Node is not Ready \(container runtime is down\)/,
    );
    expect(error).toContain(
      `\n→ the container runtime does not answer: \`systemctl status containerd\` on the worker, with Docker Engine \`systemctl status docker cri-docker\`; ${look}`,
    );
    expect(worker.join.get("nodeUid")).toBe(site.world.read().cluster.nodes[0]!.uid);
  });

  test("by its CNI's pod", async () => {
    await site.world.change(({ cluster }) => void (cluster.flannelWaits = "ImagePullBackOff"));
    await upToToken();
    const error = await failureOf(worker.join.up(), seconds.ready);
    expect(error).toMatch(
      /^kube-node01: kube-node01 has joined, but was not ready within 1 s: the pod kube-flannel-ds-\w{5} is ImagePullBackOff\n/,
    );
    expect(error).toContain(`\n→ an image could not be pulled: look at the worker's way to the registry; ${look}`);
  });
});

/** Waits until a progress line has these words. */
async function untilSaid(words: string): Promise<void> {
  while (!lines.some((line) => line.includes(words))) await sleep(10);
}
