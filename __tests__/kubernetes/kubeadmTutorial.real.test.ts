import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { dump, loadAll } from "js-yaml";
import { joinConfiguration } from "../../kubernetes/kubeadm";
import { newToken } from "../../kubernetes/bootstrapToken";
import { ensureBinaries } from "../../dev/lab/binaries";
import { exec } from "../../dev/lab/exec";
import { versions } from "../../dev/lab/versions";

// The tutorial's own cluster is older than everything else here: what is written for it is judged by its real kubeadm.
const version = versions["tutorial-kubeadm"];

const folder = mkdtempSync(path.join(tmpdir(), "kubeadm-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What that kubeadm says of a configuration. */
async function judged(configuration: string) {
  const programs = (await ensureBinaries(["tutorial-kubeadm"], () => {}))["tutorial-kubeadm"];
  const file = path.join(folder, randomUUID());
  writeFileSync(file, configuration, { mode: 0o600 });
  return exec(path.join(programs, "kubeadm"), ["config", "validate", "--config", file]);
}

const join = joinConfiguration(version, {
  endpoint: "192.168.4.20:6443",
  caCertHash: `sha256:${"0".repeat(64)}`,
  token: newToken(),
  name: "kube-node01",
  criSocket: "unix:///run/containerd/containerd.sock",
  nodeIp: "192.168.2.130",
  taints: [{ key: "disk", value: "ssd", effect: "NoSchedule" }],
  kubeletArgs: { "max-pods": "50" },
  timeoutSeconds: 300,
});

test("a join is written as kubeadm 1.29 wants it", async () => {
  expect(await judged(join)).toMatchObject({ exitCode: 0, stdout: "ok" });
});

test("that kubeadm does not take everything: a field of a later version is refused", async () => {
  const [first, ...rest] = loadAll(join) as [object, ...object[]];
  const wrong = [{ ...first, timeouts: { discovery: "300s" } }, ...rest]
    .map((document) => dump(document))
    .join("---\n");
  const { exitCode, stderr } = await judged(wrong);
  expect(exitCode).not.toBe(0);
  expect(stderr).toMatch(/unknown field "timeouts"/);
});
