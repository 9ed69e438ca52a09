import { caCertHash } from "../../kubernetes/clusterInfo";
import { UNKNOWN } from "../../providers/dynamic";
import { operations } from "../../providers/engine";
import { provider as tokenProvider } from "../../providers/kubeadmJoinToken";
import { provider as joinProvider } from "../../providers/workerJoin";
import { drivenWorker } from "../support/drivenWorker";
import { type ServedSite, servedSite, temporarySite } from "../support/servedSite";

type AnyProvider = Parameters<typeof operations.diff>[0];
let site: ServedSite;
beforeAll(async () => void (site = await servedSite()));
afterAll(() => site.remove());

test("the cluster is read once, and its pin stays while it has that CA", async () => {
  const { cluster } = drivenWorker(site);
  await cluster.up();
  const { caCertificate, kubeconfig, endpoint } = site.world.read().cluster;
  const pinned = caCertHash(caCertificate);
  expect(cluster.state!.outs).toMatchObject({
    endpoint,
    caCertHash: pinned,
    kubeconfig: kubeconfig.trimEnd(),
    bastionAddress: site.bastionTarget().address,
  });

  const other = await temporarySite();
  const next = other.world.read().cluster.caCertificate;
  await other.remove();
  const serve = (bundle: string) => site.world.change((state) => void (state.cluster.caCertificate = bundle));
  await serve(next + caCertificate);
  await cluster.refresh();
  expect(cluster.get("caCertHash")).toBe(pinned);
  await serve(next);
  await cluster.refresh();
  expect(cluster.get("caCertHash")).toBe(caCertHash(next));
  await serve(caCertificate);
});

test("a stack of version 0.1.0 replaces no worker for it, and its tokens lose the kubeconfig", async () => {
  const joined = { name: "n1", endpoint: "192.168.4.20:6443", caCertHash: "sha256:00" };
  const asked = { ...joinProvider.defaults, ...joined, endpoint: UNKNOWN, caCertHash: UNKNOWN };
  expect((await operations.diff(joinProvider as unknown as AnyProvider, "id", joined, asked)).replaces).toEqual([]);

  const old = {
    name: "n1",
    stack: "kube/dev",
    token: "t",
    endpoint: "192.168.4.20:6443",
    caCertHash: "sha256:00",
    kubeconfig: "k",
  };
  const { props } = (await operations.read(tokenProvider, "id", old)) as { props: object };
  for (const outs of [props, (await operations.update(tokenProvider, "id", old, { name: "n1" })).outs]) {
    expect(Object.keys(outs)).not.toEqual(expect.arrayContaining(["kubeconfig"]));
    expect(outs).toMatchObject({ name: "n1", token: "t" });
  }
});
