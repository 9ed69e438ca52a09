import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateHostKey } from "../../cloudinit/hostKey";
import { sections } from "../../config/schema";
import { compose, type Composition, hostKeys, publicKey } from "../support/preview";

// Each configuration key has its way into the resource that is meant: a right value, other than the default, and where
// it arrives.
const { hostPublicKey: otherKey } = generateHostKey();

const folder = mkdtempSync(join(tmpdir(), "keys-"));
afterAll(() => rmSync(folder, { recursive: true }));
const template = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

interface Arrival {
  /** The key's value; with others that it needs. */
  values: Record<string, unknown>;
  /** The resource, by the end of its type; the first worker's, where each has one. */
  type: "CloudInitIso" | "vbox:Vm" | "HostRoute" | "kubeadm:Cluster" | "JoinToken" | "WorkerJoin" | "StackIdentity";
  /** The input, as a path. */
  input: string;
  /** What is in that input. */
  is: unknown;
}

const at = (
  type: Arrival["type"],
  input: string,
  values: Record<string, unknown>,
  is: unknown = Object.values(values)[0],
): Arrival => ({ values, type, input, is });
const iso = (key: string, value: unknown, more: object = {}) => at("CloudInitIso", key, { [key]: value, ...more });
const vm = (key: string, value: unknown) => at("vbox:Vm", key, { [key]: value });
const fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567";
const docker = {
  containerRuntime: "docker",
  criDockerdUrl: "https://example.com/cri-dockerd.deb",
  criDockerdSha256: "ab".repeat(32),
};
const userData = "#cloud-config\nhostname: x\n";

/** Each another than all others, and than its default. */
const timeouts = {
  command: 71,
  clone: 72,
  cloudInit: 73,
  start: 74,
  stop: 75,
  ssh: 76,
  join: 77,
  ready: 78,
  drain: 79,
};

const arrivals: Record<string, Arrival[]> = {
  clusterName: [
    at("vbox:Vm", "stack", { clusterName: "lab" }, "lab/dev"),
    at("StackIdentity", "name", { clusterName: "lab" }, "lab/dev"),
  ],
  zone: [
    iso("zone", "example.org"),
    at("vbox:Vm", "readiness.target.address", { zone: "example.org" }, "kube-node01.example.org"),
  ],
  kubernetesVersion: [iso("kubernetesVersion", "1.35.2")],
  containerRuntime: [
    at("CloudInitIso", "criDockerdUrl", docker, docker.criDockerdUrl),
    at("WorkerJoin", "criSocket", docker, "unix:///run/cri-dockerd.sock"),
  ],
  controlPlaneEndpoint: [at("WorkerJoin", "endpoint", { controlPlaneEndpoint: "10.1.2.3:6443" })],
  requiredPods: [at("WorkerJoin", "requiredPods", { requiredPods: ["k8s-app=cilium"] })],
  cniSelector: [at("WorkerJoin", "cniSelector", { cniSelector: "app=calico" })],
  masters: [at("kubeadm:Cluster", "masters.0.port", { masters: ["admin@kube-mast02:2222"], hostKeys }, 2222)],
  workerNamePrefix: [at("vbox:Vm", "name", { workerNamePrefix: "w" }, "w01")],
  workerNames: [at("vbox:Vm", "name", { workerNames: ["one"] }, "one")],
  cpus: [vm("cpus", 3)],
  memoryMb: [vm("memoryMb", 4096)],
  vramMb: [vm("vramMb", 16)],
  nics: [at("vbox:Vm", "nics.0.network", { nics: [{ type: "hostonly", network: "vboxnet3" }] }, "vboxnet3")],
  disks: [at("vbox:Vm", "disks.0.sizeMb", { disks: [{ sizeMb: 1024 }] }, 1024)],
  keepOpen: [vm("keepOpen", ["serial"])],
  labels: [at("WorkerJoin", "labels", { labels: { disk: "ssd" } })],
  taints: [at("WorkerJoin", "taints", { taints: [{ key: "gpu", effect: "NoSchedule" }] })],
  kubeletArgs: [at("WorkerJoin", "kubeletArgs", { kubeletArgs: { "max-pods": "50" } })],
  workerOverrides: [at("vbox:Vm", "cpus", { workerOverrides: { "kube-node01": { cpus: 7 } } }, 7)],
  autostart: [vm("autostart", false)],
  baseImage: [vm("baseImage", "other"), at("CloudInitIso", "machine.baseImage", { baseImage: "other" })],
  distro: [iso("distro", "ubuntu")],
  cloneMode: [at("vbox:Vm", "cloneMode", { cloneMode: "linked", baseSnapshot: "s" }, "linked")],
  baseSnapshot: [vm("baseSnapshot", "clean")],
  adopt: [vm("adopt", true), iso("adopt", true), at("HostRoute", "adopt", { adopt: true })],
  bastion: [
    at(
      "vbox:Vm",
      "readiness.target.bastion.address",
      { bastion: { address: "10.9.8.7" }, hostKeys: { ...hostKeys, "10.9.8.7": [publicKey] } },
      "10.9.8.7",
    ),
  ],
  routes: [
    at(
      "HostRoute",
      "gateway",
      { routes: [{ destination: "10.5.0.0/24", gateway: "10.4.0.1", interface: "vboxnet0" }] },
      "10.4.0.1",
    ),
  ],
  sshUser: [iso("sshUser", "admin"), at("vbox:Vm", "readiness.target.user", { sshUser: "admin" })],
  sshPublicKey: [iso("sshPublicKey", `${publicKey} me`)],
  sshPrivateKeyFile: [
    at(
      "vbox:Vm",
      "readiness.target.publicKey",
      { sshPrivateKeyFile: "", sshPublicKey: publicKey, autostart: false },
      publicKey,
    ),
  ],
  sshCaPublicKey: [iso("sshCaPublicKey", publicKey)],
  sshKnownHostsFile: [
    at(
      "kubeadm:Cluster",
      "masters.0.hostKeys",
      {
        get sshKnownHostsFile() {
          return template(
            "known_hosts",
            ["busybox", "kube-mast01", "kube-mast02", "kube-mast03"].map((name) => `${name} ${otherKey}\n`).join(""),
          );
        },
        hostKeys: {},
      },
      [otherKey],
    ),
  ],
  hostKeys: [
    at("kubeadm:Cluster", "masters.0.hostKeys", { hostKeys: { ...hostKeys, "kube-mast01": [otherKey] } }, [otherKey]),
  ],
  vboxManage: [
    vm("vboxManage", "/opt/VBoxManage"),
    iso("vboxManage", "/opt/VBoxManage"),
    at("WorkerJoin", "vboxManage", { vboxManage: "/opt/VBoxManage" }),
  ],
  isoFolder: [at("CloudInitIso", "path", { isoFolder: "/srv/isos" }, "/srv/isos/kube/dev/kube-node01-cidata.iso")],
  userData: [
    at(
      "CloudInitIso",
      "userData",
      {
        get userData() {
          return template("user-data", userData);
        },
      },
      expect.stringContaining("hostname: x"),
    ),
  ],
  metaData: [
    at(
      "CloudInitIso",
      "metaData",
      {
        get metaData() {
          return template("meta-data", "instance-id: ${instanceId}\n");
        },
      },
      "instance-id: ${instanceId}\n",
    ),
  ],
  networkConfig: [
    at(
      "CloudInitIso",
      "networkConfig",
      {
        get networkConfig() {
          return template("network-config", "version: 2\n");
        },
      },
      "version: 2\n",
    ),
  ],
  userDataValues: [iso("userDataValues", { motd: "hello" })],
  debianMirror: [iso("debianMirror", "https://mirror.example/debian/")],
  packageUpgrade: [iso("packageUpgrade", false)],
  reboot: [at("CloudInitIso", "userData", { reboot: false }, expect.not.stringContaining("power_state"))],
  locale: [iso("locale", "C.UTF-8")],
  timezone: [iso("timezone", "Europe/Lisbon")],
  kubernetesRepository: [iso("kubernetesRepository", "https://repo.example/k8s/")],
  kubernetesKeyUrl: [iso("kubernetesKeyUrl", "https://repo.example/key")],
  kubernetesKeyFingerprint: [iso("kubernetesKeyFingerprint", fingerprint)],
  containerdPackage: [iso("containerdPackage", "containerd")],
  dockerPackage: [iso("dockerPackage", "docker.io")],
  dockerRepository: [iso("dockerRepository", "https://repo.example/docker/")],
  dockerKeyUrl: [iso("dockerKeyUrl", "https://repo.example/gpg")],
  dockerKeyFingerprint: [iso("dockerKeyFingerprint", fingerprint)],
  criDockerdUrl: [iso("criDockerdUrl", docker.criDockerdUrl)],
  criDockerdSha256: [iso("criDockerdSha256", docker.criDockerdSha256)],
  sandboxImage: [iso("sandboxImage", "registry.k8s.io/pause:3.9")],
  checks: [at("vbox:Vm", "plan.vboxManage", { checks: "on", vboxManage: "/opt/VBoxManage" }, "/opt/VBoxManage")],
  tokenTtlMinutes: [at("JoinToken", "ttlMinutes", { tokenTtlMinutes: 7 }, 7)],
  timeouts: [
    ...(["clone", "stop", "start"] as const).map((step) =>
      at("vbox:Vm", `${step}TimeoutSeconds`, { timeouts }, timeouts[step]),
    ),
    at("vbox:Vm", "readiness.timeoutSeconds", { timeouts }, timeouts.cloudInit),
    ...(["join", "ready", "drain"] as const).map((step) =>
      at("WorkerJoin", `${step}TimeoutSeconds`, { timeouts }, timeouts[step]),
    ),
    ...(["CloudInitIso", "kubeadm:Cluster", "JoinToken", "WorkerJoin"] as const).map((type) =>
      at(type, "sshTimeoutSeconds", { timeouts }, timeouts.ssh),
    ),
    ...(["CloudInitIso", "vbox:Vm", "HostRoute", "kubeadm:Cluster", "JoinToken", "WorkerJoin"] as const).map((type) =>
      at(type, "commandTimeoutSeconds", { timeouts }, timeouts.command),
    ),
  ],
};

/** What no resource is given: a check of the configuration itself, what the engine reads, and how many there are. */
const ELSEWHERE = ["podSubnet", "childEnvironment", "workerCount"];

const cases = Object.entries(arrivals).flatMap(([key, all]) =>
  all.map((arrival) => [key, `${arrival.type} ${arrival.input}`, arrival] as const),
);

test.each(cases)("%s arrives in %s", async (_key, _where, { values, type, input, is }) => {
  expect(valueAt(await composed({ workerCount: 1, ...values }), type, input)).toEqual(is);
});

test.each(cases)("%s is not what %s has by default", async (_key, _where, { type, input, is }) => {
  if (typeof is === "object" && is !== null && "asymmetricMatch" in is) return;
  expect(valueAt(await composed({}), type, input)).not.toEqual(is);
});

test("workerCount is how many workers there are", async () => {
  const { registered } = await compose({ workerCount: 2 });
  expect(registered.filter(({ type }) => type.endsWith("vbox:Vm"))).toHaveLength(2);
});

test("every key is in the table", () => {
  const keys = Object.values(sections).flatMap((section) => Object.keys(section));
  expect([...Object.keys(arrivals), ...ELSEWHERE].sort()).toEqual(keys.sort());
});

/** Several of the table have the same values. */
const compositions = new Map<string, Promise<Composition>>();

function composed(values: object): Promise<Composition> {
  const key = JSON.stringify(values);
  const made = compositions.get(key) ?? compose({ ...values });
  compositions.set(key, made);
  return made;
}

function valueAt({ registered }: Composition, type: string, input: string): unknown {
  const resource = registered.find((resource) => resource.type.endsWith(type));
  return input
    .split(".")
    .reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], resource?.inputs);
}
