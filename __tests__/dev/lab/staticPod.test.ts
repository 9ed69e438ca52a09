import { staticPodCommand } from "../../../dev/lab/staticPod";

test("program and arguments of a manifest", () => {
  const manifest = `apiVersion: v1
kind: Pod
spec:
  containers:
  - command:
    - etcd
    - --data-dir=/var/lib/etcd
    - --listen-client-urls=https://127.0.0.1:2379,https://192.168.1.2:2379
    image: registry.lab/etcd:3.6.8-0
`;
  expect(staticPodCommand(manifest)).toEqual([
    "etcd",
    "--data-dir=/var/lib/etcd",
    "--listen-client-urls=https://127.0.0.1:2379,https://192.168.1.2:2379",
  ]);
});

test.each(["", "spec: {containers: []}", "spec: {containers: [{command: []}]}"])("%j is no static pod", (manifest) => {
  expect(() => staticPodCommand(manifest)).toThrow();
});
