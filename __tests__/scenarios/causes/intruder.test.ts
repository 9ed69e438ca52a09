import { setTimeout as sleep } from "node:timers/promises";
import { beginRun } from "../../../providers/engine";
import { requestCertificate } from "../../../dev/simulator/bootstrap";
import { failureOf } from "../../support/causes";
import { seconds } from "../../support/drivenWorker";
import { lines, site, worker, useServedSite } from "../../support/servedWorker";

// Several workers of the simulated site, which a busy machine takes its time for.
jest.setTimeout(120_000);

/** Somebody on a worker uses its token for a master's certificate. */
useServedSite({ delays: { join: 500 } });
beforeEach(async () => {
  for (const resource of [worker.cluster, worker.iso, worker.vm, worker.token]) await resource.up();
});

const untrusted =
  /^kube-node01: kube-node01 cannot be trusted: its token was also used to ask for certificates that are not its own, and got none\n {4}its subject is not exactly O=system:nodes, CN=system:node:kube-node01[^]*\n→ find out who did that on kube-node01, and recreate the machine: pulumi up --replace 'urn:pulumi:\*\*vbox:Vm::kube-node01'$/;
const tokensMade = () => lines.filter((line) => /new one is made/.test(line)).length;

/** The join, while which somebody asks. */
async function attacked(): Promise<string> {
  const failure = failureOf(worker.join.up(), seconds.join * 2);
  for (
    let readOnly = 0;
    readOnly < 500 && !lines.some((line) => line.includes(": joining the cluster: kubeadm join"));
    readOnly++
  )
    await sleep(10);
  await site.world.change(({ cluster }) => void requestCertificate(cluster, cluster.tokens[0]!, "kube-mast01"));
  return failure;
}

test("it is an error in every run, whatever becomes of the Node and of Pulumi's state, until the machine is another one", async () => {
  expect(await attacked()).toMatch(untrusted);
  expect(site.world.read().cluster.nodes[0]!.annotations).toMatchObject({
    "vbox-kubeadm/owner": "kube/test/kube-node01",
  });

  expect(await failureOf(worker.join.up())).toMatch(untrusted);
  expect((await worker.join.refresh())?.outs).toMatchObject({ ready: false });
  expect(await failureOf(worker.join.up({ labels: { a: "b" } }))).toMatch(untrusted);

  await site.world.change(({ cluster }) => void (cluster.nodes = []));
  expect(await worker.join.refresh()).toBeUndefined();
  expect(await failureOf(worker.join.up())).toMatch(untrusted);
  expect(tokensMade()).toBe(0);

  await worker.vm.destroy();
  for (const resource of [worker.vm, worker.token, worker.join]) await resource.up();
  expect(worker.join.get("ready")).toBe(true);
});

test("it is an error where the join fails as well, and leaves no token", async () => {
  await site.world.change(({ virtualBox }) => {
    for (const { guest } of virtualBox.media) if (guest) guest.facts = { writeError: "no space left on device" };
  });
  const failure = failureOf(worker.join.up(), seconds.join * 2);
  for (
    let readOnly = 0;
    readOnly < 500 && !lines.some((line) => line.includes(": joining the cluster: kubeadm join"));
    readOnly++
  )
    await sleep(10);
  await site.world.change(({ cluster }) => void requestCertificate(cluster, cluster.tokens[0]!, "kube-mast01"));
  expect(await failure).toMatch(/cannot be trusted[^]*kubeadm join failed[^]*no space left on device/);
  expect(await failureOf(worker.join.up())).toMatch(untrusted);
  expect(site.world.read().cluster.tokens).toEqual([]);
});

test("a destroy takes the worker out of the cluster", async () => {
  await attacked();
  beginRun();
  await worker.join.destroy();
  expect(site.world.read().cluster.nodes).toEqual([]);
});
