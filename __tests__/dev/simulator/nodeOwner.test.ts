import { OWNER_ANNOTATION } from "../../../kubernetes/labels";
import { makeWayFor } from "../../../kubernetes/nodeOwner";
import { getNode, isTrue } from "../../../kubernetes/kubectl";
import { markOf } from "../../../common/mark";
import { planFaults, journal } from "../../../dev/simulator/faults";
import { renewAllLeases } from "../../../dev/simulator/leases";
import { type SshSession, withSession } from "../../../ssh/session";
import { type DrivenWorker, drivenWorker } from "../../support/drivenWorker";
import { progress } from "../../support/causes";
import { diskOf, power, type ServedSite, servedSite } from "../../support/servedSite";

/** A worker that has joined, on a site where Nodes outlive their machines, as they do in a real cluster. */
let site: ServedSite;
let worker: DrivenWorker;
let uuid: string;
let lines: string[];
const owner = { stack: "kube/test", name: "kube-node01" };
beforeAll(async () => {
  lines = progress();
  site = await servedSite({ delays: { grace: 1_250 } });
  worker = drivenWorker(site);
  await worker.up();
  uuid = worker.vm.get("uuid");
}, 60_000);
afterAll(() => site.remove());

const onMaster = <T>(use: (master: SshSession) => Promise<T>) =>
  withSession(site.masterTarget(), { deadlineMs: 10_000, what: "master" }, use);
const node = () => site.world.read().cluster.nodes[0]!;
const change = (work: (on: { node: ReturnType<typeof node>; facts: Record<string, string> }) => unknown) =>
  site.world.change((state) => void work({ node: state.cluster.nodes[0]!, facts: (diskOf(state, uuid).facts ??= {}) }));
const makeWay = () =>
  onMaster(async (master) => makeWayFor(owner, (await getNode(master, owner.name))!, { master, log: () => undefined }));

test("a Node of ours on a machine that lives is refused, with that machine", async () => {
  const address = worker.vm.get("address");
  await expect(makeWay()).rejects.toThrow(
    `already has a Node kube-node01 whose kubelet is alive, on another machine than this worker: the machine "${uuid}" at "${address}"`,
  );
});

test("a Node with another mark is refused at once, whatever becomes of its machine", async () => {
  const marked = (mark: string) => change(({ node }) => (node.annotations[OWNER_ANNOTATION] = mark));
  for (const mark of [markOf({ ...owner, stackId: "0".repeat(32) }), "kube/other/kube-node01"]) {
    await marked(mark);
    await expect(makeWay()).rejects.toThrow(`belongs to "${mark}": the machine "${uuid}"`);
  }
  await marked(markOf(owner));
});

describe("there is no second token on the worker's own word", () => {
  const refused = (why: string) =>
    new RegExp(
      `kube-node01 has joined before, and cannot join again by itself\\n {4}${why}[^]*pulumi up --replace 'urn:pulumi:\\*\\*kubeadm:WorkerJoin::kube-node01'`,
    );
  beforeEach(() => planFaults(site.folder));
  afterEach(async () => {
    expect(journal(site.folder).filter((command) => /apply token|kubeadm (reset|join)/.test(command))).toEqual([]);
    await change(({ facts }) => Object.keys(facts).forEach((name) => delete facts[name]));
  });

  test("that a join has not ended", async () => {
    await change(({ facts }) => (facts.halfJoined = "1"));
    await expect(worker.join.up({ labels: { tier: "a" } })).rejects.toThrow(
      refused("it shows a join that has not ended"),
    );
  });

  test("that it has no credentials", async () => {
    await change(({ facts }) => (facts.joined = "0"));
    await expect(worker.join.up({ labels: { tier: "a" } })).rejects.toThrow(refused("its kubelet has no credentials"));
  });

  test("that it is another machine: a refresh does not take it for a newcomer", async () => {
    await change(({ node, facts }) => (facts.systemUuid = node.systemUuid = "11111111-2222-3333-4444-555555555555"));
    expect((await worker.join.refresh())?.outs).toMatchObject({ ready: false, systemUuid: uuid });
    await change(({ facts }) => delete facts.systemUuid);
    await expect(worker.join.up({})).rejects.toThrow(
      refused(`its Node is the machine "11111111-2222-3333-4444-555555555555"'s`),
    );
    await change(({ node }) => (node.systemUuid = uuid));
    await worker.join.up({});
  });

  test("that its Node has another mark, and that it has no credentials: a refresh does not take it for a newcomer", async () => {
    await change(
      ({ node, facts }) => ((node.annotations[OWNER_ANNOTATION] = "kube/other/kube-node01"), (facts.joined = "0")),
    );
    expect((await worker.join.refresh())?.outs).toMatchObject({ nodeUid: node().uid, marked: false });
    expect(lines.at(-1)).toBe(
      'kube-node01: warning: its Node carries another mark, "kube/other/kube-node01", which its own kubelet may have written; by its UID it is ours',
    );
    await expect(worker.join.up({})).rejects.toThrow(refused("its kubelet has no credentials"));
    await change(({ facts }) => delete facts.joined);
    await worker.join.up({});
    expect(node().annotations[OWNER_ANNOTATION]).toBe(markOf(owner));
  });

  test("that its Node has another mark, and another machine", async () => {
    await change(
      ({ node }) => (
        (node.annotations[OWNER_ANNOTATION] = "kube/other/kube-node01"),
        (node.systemUuid = "11111111-2222-3333-4444-555555555555")
      ),
    );
    expect((await worker.join.refresh())?.outs).toMatchObject({ ready: false, systemUuid: uuid });
    await expect(worker.join.up({})).rejects.toThrow(refused("its Node is the machine"));
    await change(({ node }) => ((node.annotations[OWNER_ANNOTATION] = markOf(owner)), (node.systemUuid = uuid)));
    await worker.join.up({});
  });
});

test("a Node with version 0.1.0's mark, known by its UID, gets the stack's id in place", async () => {
  const { uid } = node();
  const stackId = "0123456789abcdef0123456789abcdef";
  expect(node().annotations[OWNER_ANNOTATION]).toBe("kube/test/kube-node01");
  await worker.join.up({ stackId });
  expect(node()).toMatchObject({ uid, annotations: { [OWNER_ANNOTATION]: `${stackId} kube/test/kube-node01` } });
  expect(await worker.join.refresh()).toMatchObject({ outs: { marked: true, stackId } });
  await worker.join.up({});
  await change(({ node }) => (node.annotations[OWNER_ANNOTATION] = markOf(owner)));
});

test("a Node looks Ready for a while after its machine has ended, and makes way when its Lease is not renewed any more", async () => {
  await site.world.change((state) => renewAllLeases(state, Date.now()));
  await power(site, uuid, "off");
  expect(isTrue((await onMaster((master) => getNode(master, owner.name)))!, "Ready")).toBe(true);
  await makeWay();
  await expect(onMaster((master) => getNode(master, owner.name))).resolves.toBeDefined();
});
