import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../common/errors";
import { kubeadmConfig } from "./kubeadmConfig";
import { machineDown, machineExec, machineRun, machineUp } from "./machine";
import { labDir } from "./paths";
import { staticPodCommand } from "./staticPod";
import { waitFor } from "./waitFor";

/** Where the programs and the machine's root are, in the cache. */
export interface ControlPlaneParts {
  /** Folder with kubeadm, kubectl, kube-apiserver, kube-controller-manager and kube-scheduler. */
  kubernetes: string;
  /** Folder with etcd. */
  etcd: string;
  /** The unpacked Debian root. */
  root: string;
}

const master = "kube-mast01";
/** In the order in which they start. */
const components = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] as const;
const tools = ["kubeadm", "kubectl"] as const;
const configFile = "/etc/kubernetes/kubeadm.yaml";
const logFolder = "/var/log/lab";
const readyTimeoutMs = 180_000;

/**
 * Makes sure of the machine kube-mast01 and of a ready control plane on it, with kube-proxy and flannel as DaemonSets.
 * It goes on from wherever an earlier run was interrupted, and starts again what has died; etcd's data stay with the
 * machine's files.
 *
 * The components run as plain processes with the arguments that kubeadm wrote into its static pods' manifests, because
 * a kubelet and containers would need a virtual machine. Without a kubelet the master is no Node: `kubectl get nodes`
 * lists the workers alone.
 *
 * @throws UserError naming the log to look into when the API server is not ready in 3 minutes
 */
export async function controlPlaneUp(parts: ControlPlaneParts): Promise<void> {
  const logs = join(labDir(), "log", master);
  await mkdir(logs, { recursive: true });
  await machineUp({
    name: master,
    root: parts.root,
    network: "mast",
    binds: { ...programs(parts), [logs]: logFolder },
  });
  await writeConfiguration();
  for (const component of components) await start(component);
  await waitUntilReady();
  await fillCluster();
}

/** Ends the control plane, and its machine; the cluster's data stay. */
export async function controlPlaneDown(): Promise<void> {
  // Hard: on SIGTERM the API server would hold its port for up to a minute. etcd's log is made for it.
  await machineDown(master);
}

/** kubectl as the cluster's administrator, on the master. */
export async function kubectl(args: readonly string[], input?: string): Promise<string> {
  return await machineRun(master, ["kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", ...args], { input });
}

function programs(parts: ControlPlaneParts): Record<string, string> {
  const folderOf = (program: string) => (program === "etcd" ? parts.etcd : parts.kubernetes);
  return Object.fromEntries(
    [...components, ...tools].map((program) => [join(folderOf(program), program), `/usr/local/bin/${program}`]),
  );
}

/** Certificates, kubeconfigs and manifests: kubeadm keeps those that are there, and checks them. */
async function writeConfiguration(): Promise<void> {
  await machineRun(master, ["mkdir", "-p", "/etc/kubernetes"]);
  await machineRun(master, ["tee", configFile], { input: kubeadmConfig() });
  await initPhase("certs", "all");
  for (const kubeconfig of ["admin", "super-admin", "controller-manager", "scheduler"])
    await initPhase("kubeconfig", kubeconfig);
  await initPhase("etcd", "local");
  await initPhase("control-plane", "all");
}

/** Starts a component unless it runs. */
async function start(component: (typeof components)[number]): Promise<void> {
  const manifest = await machineRun(master, ["cat", `/etc/kubernetes/manifests/${component}.yaml`]);
  const [, ...args] = staticPodCommand(manifest);
  const process = [`--pidfile=/run/${component}.pid`, "--make-pidfile", `--exec=/usr/local/bin/${component}`];
  const output = `--output=${logFolder}/${component}.log`;
  await machineRun(master, [
    "start-stop-daemon",
    "--start",
    "--oknodo",
    "--background",
    ...process,
    output,
    "--",
    ...args,
  ]);
}

async function waitUntilReady(): Promise<void> {
  await waitFor(
    async () => {
      // Not admin.conf, which has no rights before fillCluster.
      const { exitCode } = await machineExec(master, [
        "kubectl",
        "--kubeconfig=/etc/kubernetes/super-admin.conf",
        "get",
        "--raw=/readyz",
      ]);
      return exitCode === 0 ? true : undefined;
    },
    () => {
      const hint = `look into ${join(labDir(), "log", master, "kube-apiserver.log")}, and etcd.log beside it`;
      return new UserError(`the API server on ${master} was not ready within ${readyTimeoutMs / 1000} s`, { hint });
    },
    { timeoutMs: readyTimeoutMs, intervalMs: 300 },
  );
}

/** What `kubeadm init` puts into a cluster whose API server is up, and flannel. */
async function fillCluster(): Promise<void> {
  const superAdmin = "--kubeconfig=/etc/kubernetes/super-admin.conf";
  await machineRun(master, ["kubectl", superAdmin, "apply", "--filename=-"], { input: JSON.stringify(clusterAdmins) });
  await initPhase("upload-config", "all");
  await initPhase("bootstrap-token", "--skip-token-print");
  await initPhase("addon", "kube-proxy");
  await kubectl(["apply", "--filename=-"], await readFile(join(__dirname, "manifests/kube-flannel.yaml"), "utf8"));
}

/**
 * kubeadm's own phases leave it out: `kubeadm init` makes this binding by itself, or admin.conf would have no rights.
 */
const clusterAdmins = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRoleBinding",
  metadata: { name: "kubeadm:cluster-admins" },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
  subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "kubeadm:cluster-admins" }],
};

const initPhase = (...phase: string[]) =>
  machineRun(master, ["kubeadm", "init", "phase", ...phase, `--config=${configFile}`]);
