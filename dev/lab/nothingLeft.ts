import { strict as assert } from "node:assert";
import { readdirSync } from "node:fs";
import { kubectl } from "./controlPlane";
import { run } from "./exec";
import { namespaceOf } from "./names";
import { namespaceExists } from "./netns";
import { labDir } from "./paths";

/**
 * Shows that a destroyed stack has left nothing in the cluster, in VirtualBox, in the routing table or on disk.
 * @param manage what VBoxManage prints
 */
export async function assertDestroyed(manage: (...args: string[]) => Promise<string>): Promise<void> {
  assert.equal(await kubectl(["get", "nodes", "-o", "name"]), "");
  assert.equal(
    await kubectl([
      "-n",
      "kube-system",
      "get",
      "secrets",
      "--field-selector",
      "type=bootstrap.kubernetes.io/token",
      "-o",
      "name",
    ]),
    "",
  );
  assert.equal(
    await kubectl([
      "get",
      "clusterrolebindings,rolebindings",
      "-A",
      "-l",
      "app.kubernetes.io/managed-by=vbox-kubeadm",
      "-o",
      "name",
    ]),
    "",
  );
  assert.doesNotMatch(await manage("list", "vms"), /kube-node/);
  assert.doesNotMatch(await manage("list", "hdds"), /kube-node/);
  assert.doesNotMatch(await manage("list", "dvds"), /kube-node/);
  assert.doesNotMatch(await run("ip", ["-n", namespaceOf("host"), "route"]), /192\.168\.4\./);
  assert.deepEqual(
    readdirSync(labDir(), { recursive: true }).filter((file) => /kube-node.*(iso|vdi|vbox|pid)$/.test(String(file))),
    [],
  );
}

/**
 * Shows that a lab which was taken down has left no network and no process.
 * @param folder where it was
 */
export async function assertDown(folder: string): Promise<void> {
  assert.equal(namespaceExists(namespaceOf("gate")), false);
  assert.deepEqual(await processesNaming(folder), []);
}

/** Processes with the lab's folder in their arguments. */
async function processesNaming(folder: string): Promise<string[]> {
  const listing = await run("ps", ["-eo", "pid=,args="]);
  return listing.split("\n").filter((line) => line.includes(folder) && !line.includes("ps -eo"));
}
