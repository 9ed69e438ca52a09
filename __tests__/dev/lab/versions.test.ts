import { readFileSync } from "node:fs";
import { join } from "node:path";
import { versions } from "../../../dev/lab/versions";

const goMod = (module: string) => readFileSync(join(__dirname, "../../../dev/tools", module, "go.mod"), "utf8");

test.each([
  ["kubernetes", `k8s.io/kubernetes ${versions.kubernetes}`],
  ["tutorial-kubeadm", `k8s.io/kubernetes ${versions["tutorial-kubeadm"]}`],
  ["etcd", `go.etcd.io/etcd/server/v3 ${versions.etcd}`],
  ["flannel", `github.com/flannel-io/flannel ${versions.flannel}`],
  ["cri-dockerd", `github.com/Mirantis/cri-dockerd ${versions["cri-dockerd"]}`],
  ["pulumi", `github.com/pulumi/pulumi/pkg/v3 ${versions.pulumi}`],
])("tools/%s builds the version that is downloaded elsewhere", (module, requirement) => {
  expect(goMod(module).split("\n")).toContain(`require ${requirement}`);
});

test.each(["kubernetes", "tutorial-kubeadm"] as const)(
  "the staging modules of tools/%s are of the same release",
  (module) => {
    const staging = versions[module].replace("v1.", "v0.");
    const replaced = [...goMod(module).matchAll(/=> k8s\.io\/\S+ (\S+)/g)].map(([, version]) => version);
    expect(replaced.length).toBeGreaterThan(20);
    expect(new Set(replaced)).toEqual(new Set([staging]));
  },
);
