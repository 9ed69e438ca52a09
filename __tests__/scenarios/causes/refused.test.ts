import { generateHostKey } from "../../../cloudinit/hostKey";
import { OWNER_ANNOTATION } from "../../../kubernetes/labels";
import { everythingOn, failureOf, machineOf } from "../../support/causes";
import { drivenWorker } from "../../support/drivenWorker";
import { lines, site, useServedSite } from "../../support/servedWorker";

// Several workers of the simulated site, which a busy machine takes its time for.
jest.setTimeout(120_000);

/** What is refused because something is not what it should be: nothing is changed, and the error says how to go on. */
useServedSite();

const name = "kube-node01";
const others = () => [generateHostKey().hostPublicKey];

/** A worker whose first so many resources, of ISO, VM, token and join, are up. */
async function worker(count: 0 | 1 | 2 | 3 | 4) {
  const worker = drivenWorker(site, name);
  for (const resource of [worker.cluster, worker.iso, worker.vm, worker.token, worker.join].slice(0, count + 1))
    await resource.up();
  return worker;
}

describe("a host key that is another", () => {
  const advice =
    /did not prove that it is the machine we know: .*\n {4}offered: ssh-ed25519 SHA256:\S+\n {4}expected: ssh-ed25519 SHA256:\S+\n→ if the machine was rebuilt, give its new key: .*not over the network/;

  test("of the bastion", async () => {
    const { token, overrides } = await worker(2);
    overrides.bastion = { hostKeys: others() };
    const before = everythingOn(site);
    const error = await failureOf(token.up());
    expect(error).toMatch(/^kube-node01: the bastion debian@127\.\S+:22022 did not prove/);
    expect(error).toMatch(advice);
    expect(everythingOn(site)).toEqual(before);
  });

  test("of a master: the next one is not asked instead", async () => {
    const { token, overrides } = await worker(2);
    overrides.hostKeys = { "kube-mast01": others() };
    const before = everythingOn(site);
    const error = await failureOf(token.up());
    expect(error).toMatch(/^kube-node01: master kube-mast01 \(debian@kube-mast01:22\) did not prove/);
    expect(error).toMatch(advice);
    expect(everythingOn(site)).toEqual(before);
  });

  test("of a worker: it is neither changed nor reset", async () => {
    const { join } = await worker(4);
    await site.world.change(({ virtualBox }) => {
      for (const { guest } of virtualBox.media) if (guest?.hostKey) guest.hostKey = generateHostKey().hostPrivateKey;
    });
    const before = everythingOn(site);
    const error = await failureOf(join.up({ labels: { tier: "a" } }));
    expect(error).toMatch(/^kube-node01: kube-node01 \(debian@kube-node01\.kube\.demo:22\) did not prove/);
    expect(error).toMatch(advice);
    expect(everythingOn(site)).toEqual(before);

    await join.destroy();
    expect(lines).toContain(
      "kube-node01: warning: is not reset: kube-node01 (debian@kube-node01.kube.demo:22) did not prove that it is the machine we know: Host denied (verification failed)",
    );
    expect(everythingOn(site)).toEqual({ ...before, cluster: { ...before.cluster, nodes: [] } });
  });
});

test("a cluster with another CA than the pinned one is not joined", async () => {
  const { join } = await worker(3);
  const before = everythingOn(site);
  const error = await failureOf(join.up({ caCertHash: `sha256:${"0".repeat(64)}` }));
  expect(error).toMatch(
    /^kube-node01: kubeadm join failed\n[^]*none of the public keys "sha256:[0-9a-f]{64}" are pinned/,
  );
  expect(error).toMatch(
    /\n→ the cluster's CA is not the pinned one: was the cluster rebuilt\? Run `pulumi refresh`, then `pulumi up`$/,
  );
  expect(everythingOn(site)).toEqual({ ...before, cluster: { ...before.cluster, tokens: [] } });
});

test("a VM of the same name that is not ours is left as it is", async () => {
  const { vm } = await worker(1);
  await site.world.change((state) => void (machineOf(state, "busybox").name = name));
  const before = everythingOn(site);
  const error = await failureOf(vm.up());
  expect(error).toMatch(
    /^kube-node01: VirtualBox already has a machine kube-node01 \(\S+, \/.*busybox\.vbox\), which kube\/test did not make\n→ rename or delete that machine, choose another name, or set `adopt: true`/,
  );
  expect(everythingOn(site)).toEqual(before);
});

test("a route to another gateway is left as it is", async () => {
  const { route } = await worker(0);
  await site.world.change(
    ({ network }) =>
      void network.routes.push({ dst: "192.168.4.0/27", gateway: "192.168.254.9", dev: "vboxnet0", protocol: "boot" }),
  );
  const before = everythingOn(site);
  const error = await failureOf(route.up());
  expect(error).toMatch(
    /^192\.168\.4\.0\/27: a route to that destination is there already .*: 192\.168\.4\.0\/27 via 192\.168\.254\.9 on vboxnet0; nothing was changed\n→ remove it, or set adopt: true/,
  );
  expect(everythingOn(site)).toEqual(before);
});

describe("a Node of the same name that is not ours", () => {
  /** Of a machine that is somewhere else. */
  const nodeOf = (annotations: Record<string, string>) => ({
    ...{
      name,
      uid: "another",
      systemUuid: "11111111-1111-1111-1111-111111111111",
      machineId: "f".repeat(32),
      internalIp: "192.168.3.9",
    },
    ...{ kubeletVersion: "v1.36.3", registered: 0, labels: {}, taints: [], annotations },
  });

  test.each<[string, Record<string, string>, string]>([
    ["nobody marked", {}, "which this stack did not make"],
    [
      "another stack marked",
      { [OWNER_ANNOTATION]: "kube/prod/kube-node01" },
      'which belongs to "kube/prod/kube-node01"',
    ],
  ])("and that %s keeps a worker from joining", async (_what, annotations, whose) => {
    const { join } = await worker(3);
    await site.world.change(({ cluster }) => void cluster.nodes.push(nodeOf(annotations)));
    const before = everythingOn(site);
    const error = await failureOf(join.up());
    expect(error).toBe(
      `kube-node01: the cluster already has a Node kube-node01, ${whose}: the machine "11111111-1111-1111-1111-111111111111" at "192.168.3.9"\n→ give the worker another name, or, if that Node is of no use, kubectl delete node kube-node01`,
    );
    expect(everythingOn(site)).toEqual({ ...before, cluster: { ...before.cluster, tokens: [] } });
  });

  test.each<[string, Record<string, string>]>([
    ["nobody marked", {}],
    ["another stack marked", { [OWNER_ANNOTATION]: "kube/prod/kube-node01" }],
  ])(
    "and that %s is in the place of ours is not taken for ours by a refresh, and survives our destroy",
    async (_what, annotations) => {
      const { join } = await worker(4);
      await site.world.change(({ cluster }) => void (cluster.nodes = [nodeOf(annotations)]));
      const known = join.state;
      const before = everythingOn(site);
      expect(await join.refresh()).toBeUndefined();
      join.state = known;
      await join.destroy();
      expect(lines).toContain("kube-node01: warning: the cluster's Node of this name is not ours: it stays");
      expect(everythingOn(site).cluster).toEqual(before.cluster);
    },
  );
});

test("our machine's Node that was recreated, by its kubelet, is ours: a refresh keeps it, and a destroy deletes it", async () => {
  const { join } = await worker(4);
  const known = join.state;
  await site.world.change(
    ({ cluster }) => void Object.assign(cluster.nodes[0]!, { uid: "recreated", annotations: {} }),
  );
  expect((await join.refresh())?.outs.nodeUid).toBe("recreated");
  join.state = known;
  await join.destroy();
  expect(site.world.read().cluster.nodes).toEqual([]);
});
