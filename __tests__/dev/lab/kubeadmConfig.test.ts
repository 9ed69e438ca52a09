import { loadAll } from "js-yaml";
import { kubeadmConfig } from "../../../dev/lab/kubeadmConfig";

const documents = loadAll(kubeadmConfig()) as Record<string, unknown>[];
const document = (kind: string) => documents.find((one) => one.kind === kind);

test("one document for each of kubeadm, kubelet and kube-proxy", () => {
  const kinds = ["InitConfiguration", "ClusterConfiguration", "KubeletConfiguration", "KubeProxyConfiguration"];
  expect(documents.map(({ kind }) => kind)).toEqual(kinds);
});

test("the version is given, or kubeadm would ask the network for it", () => {
  expect(document("ClusterConfiguration")).toMatchObject({
    kubernetesVersion: expect.stringMatching(/^v1\.\d+\.\d+$/) as unknown,
  });
});

test("workers join at the floating address, which the certificate names", () => {
  expect(document("ClusterConfiguration")).toMatchObject({
    controlPlaneEndpoint: "192.168.4.20:6443",
    apiServer: { certSANs: expect.arrayContaining(["192.168.4.20"]) as unknown },
    networking: { podSubnet: "10.244.0.0/16" },
  });
});

test("kubeadm's own first token does not stay", () => {
  expect(document("InitConfiguration")).toMatchObject({ bootstrapTokens: [{ ttl: "1s" }] });
});
