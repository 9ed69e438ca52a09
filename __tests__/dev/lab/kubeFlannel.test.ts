import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadAll } from "js-yaml";
import { run } from "../../../dev/lab/exec";
import { podSubnet } from "../../../dev/lab/kubeadmConfig";
import { floatingAddress } from "../../../dev/lab/topology";
import { versions } from "../../../dev/lab/versions";

interface Container {
  name: string;
  image: string;
  args: string[];
  env: { name: string; value?: string }[];
}

interface Manifest {
  kind: string;
  data: Record<string, string>;
  spec: { template: { metadata: { labels: object }; spec: { containers: Container[] } } };
}

const manifests = loadAll(
  readFileSync(join(__dirname, "../../../dev/lab/manifests/kube-flannel.yaml"), "utf8"),
) as Manifest[];
const manifest = (kind: string) => manifests.find((one) => one.kind === kind)!;
const { template } = manifest("DaemonSet").spec;

test("flannel has kubeadm's pod subnet", () => {
  expect(JSON.parse(manifest("ConfigMap").data["net-conf.json"]!)).toMatchObject({ Network: podSubnet });
});

test("its pods are labelled, and run the image that the lab makes", () => {
  expect(template.metadata.labels).toEqual({ app: "flannel" });
  for (const { image } of template.spec.containers) expect(image).toBe(`registry.lab/flannel:${versions.flannel}`);
});

test("it asks the API server at the address that workers join at", () => {
  const { env } = template.spec.containers.find(({ name }) => name === "kube-flannel")!;
  expect(env).toContainEqual({ name: "KUBERNETES_SERVICE_HOST", value: floatingAddress });
});

test("a CNI configuration is made out of flannel's subnet file", async () => {
  const root = mkdtempSync(join(tmpdir(), "flannel-"));
  const folder = (path: string) => join(root, path);
  mkdirSync(folder("run/flannel"), { recursive: true });
  mkdirSync(folder("etc/cni/net.d"), { recursive: true });
  const subnet = [
    "FLANNEL_NETWORK=10.244.0.0/16",
    "FLANNEL_SUBNET=10.244.3.1/24",
    "FLANNEL_MTU=1450",
    "FLANNEL_IPMASQ=true",
  ];
  writeFileSync(folder("run/flannel/subnet.env"), subnet.join("\n"));
  const [script] = template.spec.containers[0]!.args;
  await run("sh", [
    "-euc",
    script!.replaceAll(/\/(run\/flannel|etc\/cni)/g, `${root}/$1`).replace(/exec .*flanneld .*/, "wait"),
  ]);
  const conflist = JSON.parse(readFileSync(folder("etc/cni/net.d/10-flannel.conflist"), "utf8")) as {
    plugins: object[];
  };
  const ipam = { subnet: "10.244.3.0/24", routes: [{ dst: "10.244.0.0/16" }] };
  expect(conflist.plugins[0]).toMatchObject({ type: "bridge", mtu: 1450, ipam });
});
