import { setTimeout as sleep } from "node:timers/promises";
import { installPrograms } from "../../../dev/simulator/installPrograms";
import type { Trouble } from "../../../dev/simulator/apiTroubles";
import type { Machine } from "../../../dev/simulator/state";
import { cutPower, everythingOn, failureOf, machineOf } from "../../support/causes";
import { seconds } from "../../support/drivenWorker";
import { lines, site, worker, useServedSite } from "../../support/servedWorker";

// Several workers of the simulated site, which a busy machine takes its time for.
jest.setTimeout(120_000);

/** A cluster that cannot be reached, in whole or in part: each operation ends within its deadline, with the cause. */
useServedSite();
beforeEach(async () => {
  await installPrograms(site.folder);
  for (const resource of [worker.cluster, worker.iso, worker.vm, worker.token]) await resource.up();
});

const mastersDown = (names: readonly string[]) =>
  site.world.change(({ cluster }) => void (cluster.mastersDown = [...names]));
const apiDown = () => site.world.change(({ cluster }) => void (cluster.apiDown = true));

const noMaster =
  /^kube(?:-node01)?: none of the masters kube-mast01, kube-mast02, kube-mast03 gave an SSH session within 1 s\n/;
const noApi =
  /^kube(?:-node01)?: the cluster's API server does not answer its own master\n {4}The connection to the server 192\.168\.4\.20:6443 was refused.*\n→ look on the masters whether kube-apiserver and etcd run/;

test("a master that is down: the next one is asked", async () => {
  await mastersDown(["kube-mast01", "kube-mast02"]);
  await worker.join.up();
  expect(worker.join.get("ready")).toBe(true);
  expect(lines).toContain("kube-node01: trying master kube-mast03: kube-mast02 does not answer");
});

test("all masters are down: up and refresh name them, and change nothing", async () => {
  await mastersDown(site.masters);
  const before = everythingOn(site);
  for (const operation of [() => worker.join.up(), () => worker.cluster.refresh()]) {
    const error = await failureOf(operation(), seconds.ssh);
    expect(error).toMatch(noMaster);
    expect(error).toMatch(
      /could not reach kube-mast03:22: connect failed\n→ look at the machine's console: does it run/,
    );
  }
  expect(everythingOn(site)).toEqual(before);
});

test("the API is gone while masters answer: up and refresh say so, and change nothing", async () => {
  await apiDown();
  const before = everythingOn(site);
  for (const operation of [() => worker.join.up(), () => worker.cluster.refresh()])
    expect(await failureOf(operation())).toMatch(noApi);
  expect(everythingOn(site)).toEqual(before);
});

describe("an API server that does not do its work", () => {
  const suffers = (kind: Trouble, commands?: number) =>
    site.world.change(({ cluster }) => void (cluster.trouble = { kind, commands }));
  const lasting: [Trouble, RegExp][] = [
    [
      "etcd",
      /the cluster's API server does not answer its own master\n {4}Error from server: etcdserver: request timed out\n→ look on the masters/,
    ],
    [
      "unauthorized",
      /the cluster's API server does not accept its master's admin\.conf\n[^]*→ .*`kubeadm certs renew all`/,
    ],
  ];

  test.each(lasting)(
    "for good, by %s: up names the cause and changes nothing; destroy ends, and says what it left",
    async (kind, message) => {
      await worker.join.up();
      await suffers(kind);
      const before = everythingOn(site);
      expect(await failureOf(worker.join.up({ labels: { a: "b" } }), seconds.ssh * 9)).toMatch(message);
      expect(everythingOn(site)).toEqual(before);
      await worker.destroy();
      expect(lines.join("\n")).toMatch(
        /its Node stays, as the cluster does not answer: .* If the cluster still lives: kubectl delete node kube-node01/,
      );
      expect(lines.join("\n")).toMatch(/could not be revoked, and ends by itself within 30 minutes of its making/);
      expect(site.world.read().virtualBox.machines.map(({ name }) => name)).toEqual(["debian-base-image", "busybox"]);
    },
  );

  const suffersIn = (verb: string, kind: Trouble) =>
    site.world.change(({ cluster }) => void (cluster.trouble = { kind, verb }));

  test("when a Node that is not Ready is to be marked: that it is not Ready is the error, and it is recorded all the same", async () => {
    await site.world.change(({ cluster }) => void (cluster.flannelWaits = "ImagePullBackOff"));
    await suffersIn("annotate", "forbidden");
    expect(await failureOf(worker.join.up(), seconds.ready)).toMatch(
      /^kube-node01: kube-node01 has joined, but was not ready within 1 s: the pod kube-flannel-ds-\w+ is ImagePullBackOff/,
    );
    expect(lines.join("\n")).toMatch(
      /^kube-node01: warning: its Node could not be marked, which the next `up` does: the cluster's API server does not allow this/m,
    );
    expect(worker.join.state?.id).toBe(site.world.read().cluster.nodes[0]!.uid);
  });

  test("when a refresh compares versions, for a note alone: the refresh goes on", async () => {
    await worker.join.up();
    await suffersIn("version", "html");
    expect((await worker.join.refresh())?.outs).toMatchObject({ ready: true });
    expect(lines.at(-1)).toMatch(
      /^kube-node01: warning: whether its Kubernetes v1\.36\.3 is older than the cluster's is not known: the cluster's API server does not answer/,
    );
  });

  test("for a moment: up goes on, and leaves nothing of it", async () => {
    await suffers("leader", 1);
    await worker.join.up();
    expect(worker.join.get("ready")).toBe(true);
    expect(site.world.read().cluster.tokens).toEqual([]);
    await suffers("reset", 1);
    await worker.destroy();
    expect(site.world.read().cluster.nodes).toEqual([]);
  });
});

test("the API goes while a worker joins: the join's own report is shown, and that its token could not be revoked", async () => {
  await site.world.change(({ delays }) => void (delays.join = 400));
  const failure = failureOf(worker.join.up(), seconds.join * 2);
  await untilSaid("joining the cluster");
  await apiDown();
  expect(await failure).toMatch(
    /^kube-node01: kubeadm join failed\n[^]*connect: connection refused\n[^]*→ the worker cannot reach the API server: look at the load balancer/,
  );
  expect(lines.at(-1)).toMatch(
    /^kube-node01: warning: its token could not be revoked, and ends by itself: the cluster's API server does not answer/,
  );
});

test("the bastion does not answer: it is the bastion that is to be looked at", async () => {
  worker.overrides.bastion = { address: "127.0.0.1", port: 1 };
  const before = everythingOn(site);
  const error = await failureOf(worker.join.up(), seconds.ssh);
  expect(error).toMatch(noMaster);
  expect(error).toMatch(
    /last seen: the bastion debian@127\.0\.0\.1:1: connect ECONNREFUSED 127\.0\.0\.1:1\n→ look at the bastion: does it run/,
  );
  expect(everythingOn(site)).toEqual(before);
});

describe("the bastion's address is not known to VirtualBox", () => {
  const change = (work: (bastion: Machine) => void) => site.world.change((state) => work(machineOf(state, "busybox")));

  test.each<[string, () => Promise<void>, RegExp]>([
    [
      "as it is off",
      () => cutPower(site, "busybox"),
      /the bastion busybox is poweroff, so .*\n→ start it \(VBoxManage startvm busybox --type headless\)/,
    ],
    [
      "as nothing in it tells",
      () => change((bastion) => void (bastion.state = "running")),
      /the address of the bastion busybox: Guest Additions report none for NIC 1 \(080027000457\)\n→ wait for .* or give the bastion's `address`/,
    ],
    [
      "as there is no such VM",
      () => change((bastion) => void (bastion.name = "other")),
      /VirtualBox has no machine busybox, which is to be the bastion\n→ make it, or give/,
    ],
  ])("%s", async (_what, happen, message) => {
    await change((bastion) => void (bastion.guestProperties = {}));
    await happen();
    worker.overrides.bastion = { address: undefined, vm: "busybox" };
    expect(await failureOf(worker.join.up(), seconds.ssh)).toMatch(message);
  });
});

describe("destroy", () => {
  beforeEach(() => worker.join.up());
  const stays =
    /^kube-node01: warning: its Node stays, as the cluster does not answer: .* If the cluster still lives: kubectl delete node kube-node01$/m;
  const isLeft = () => site.world.read().virtualBox.machines.map(({ name }) => name);
  const nodes = () => site.world.read().cluster.nodes.map(({ name }) => name);

  test("with the API gone ends, resets the worker, and says what is left to do", async () => {
    await apiDown();
    await worker.destroy();
    expect(lines.join("\n")).toMatch(stays);
    expect(lines.join("\n")).toMatch(
      /token \w{6} could not be revoked, and ends by itself within 30 minutes of its making: the cluster's API server does not answer/,
    );
    expect([isLeft(), nodes()]).toEqual([["debian-base-image", "busybox"], ["kube-node01"]]);
  });

  test("with all masters gone ends within their deadline, and says what is left to do", async () => {
    await mastersDown(site.masters);
    await worker.destroy();
    expect(lines.join("\n")).toMatch(stays);
    expect(lines.join("\n")).toMatch(
      /could not be revoked, and ends by itself within 30 minutes of its making: none of the masters/,
    );
    expect(isLeft()).toEqual(["debian-base-image", "busybox"]);
  });

  test("with the worker's machine gone takes its Node away all the same", async () => {
    await cutPower(site, "kube-node01");
    await worker.destroy();
    expect(lines.join("\n")).toMatch(
      /kube-node01: warning: is not reset: VirtualBox says that kube-node01 is poweroff$/m,
    );
    expect([isLeft(), nodes()]).toEqual([["debian-base-image", "busybox"], []]);
  });

  test("with everything gone, the bastion as well, ends", async () => {
    worker.overrides.bastion = { address: undefined, vm: "busybox" };
    await Promise.all([worker.token.up(), worker.join.up()]);
    await mastersDown(site.masters);
    await site.world.change(({ virtualBox }) => void virtualBox.machines.splice(1));
    await worker.destroy();
    expect(lines.join("\n")).toMatch(stays);
    expect(isLeft()).toEqual(["debian-base-image"]);
  });
});

/** Waits until a progress line has these words. */
async function untilSaid(words: string): Promise<void> {
  while (!lines.some((line) => line.includes(words))) await sleep(10);
}
