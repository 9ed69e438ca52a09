import { caCertHashes as pinsOf } from "../../../kubernetes/clusterInfo";
import type { Taint } from "../../../kubernetes/kubectl";
import type { ExecResult } from "../../../common/exec";
import { minorOf } from "../../../kubernetes/versionSkew";
import { isBound, requestCertificate, userOf } from "../bootstrap";
import { nodeAt, readinessOf, register, settleCluster, type JoinedGuest } from "../cluster";
import { fact, type Guest } from "../guest";
import type { ClusterState, Kubelet, Token } from "../state";
import { done, failed, type GuestScene, type Later, type Work } from "./command";
import {
  apiProblem,
  CHECKING,
  configurationOf,
  kubeadmError,
  kubeadmVersion,
  milliseconds,
  notRoot,
  preflightErrors,
  unreachable,
} from "./kubeadm";

/** kubeadm on a worker: `version`, `join --config /dev/stdin` and `reset --force`. */
export const kubeadmOnWorker: Work<GuestScene> = (scene) => {
  const verb = scene.words[1];
  if (verb === "version") return kubeadmVersion(versionOn(scene, "kubeadmVersion"), scene);
  if (verb === "join") return join(scene);
  return verb === "reset" ? reset(scene) : failed(`error: unknown command "${verb}" for "kubeadm"`);
};

/** Of what the guest's first boot has installed. A base image that had it from the start has the cluster's. */
const versionOn = ({ guest, state }: GuestScene, program: "kubeadmVersion" | "kubeletVersion") =>
  fact(guest, program, guest.disk.kubernetesVersion ?? state.cluster.version);

interface JoinConfiguration {
  discovery?: { bootstrapToken?: { apiServerEndpoint: string; token: string; caCertHashes?: string[] } };
  /** Of v1beta4. */
  timeouts?: { tlsBootstrap?: string };
  nodeRegistration?: { name?: string; criSocket?: string; kubeletExtraArgs?: KubeletArgs; taints?: Taint[] };
}

/** A map up to v1beta3. */
type KubeletArgs = { name: string; value: string }[] | Record<string, string>;

/** The first part: kubeadm's preflight checks. */
const join: Work<GuestScene> = (scene) => {
  const { state, guest, isRoot } = scene;
  if (!isRoot) return notRoot();
  const version = versionOn(scene, "kubeadmVersion");
  const configuration = configurationOf<JoinConfiguration>(scene, "JoinConfiguration");
  const problem = apiProblem(version, scene) ?? shapeProblem(configuration as JoinConfiguration & Api);
  if (problem) return kubeadmError(problem);
  if (!configuration?.discovery?.bootstrapToken)
    return kubeadmError('discovery: Invalid value: "": bootstrapToken or file must be set');
  if (!configuration.nodeRegistration?.criSocket && socketsOf(guest).length > 1) return kubeadmError(ambiguous(guest));
  const errors = joinErrors(scene, configuration);
  if (errors.length > 0) return preflightErrors(errors);
  const half = kubeletOf(configuration, guest.address ?? "");
  return { afterMs: state.delays.join, next: (later) => discovered(later, configuration, half) };
};

interface Api {
  apiVersion: string;
}

/** What is a list in one API version is a map in another. */
function shapeProblem(configuration: (JoinConfiguration & Api) | undefined): string | undefined {
  const args = configuration?.nodeRegistration?.kubeletExtraArgs;
  if (args === undefined || Array.isArray(args) === configuration?.apiVersion.endsWith("v1beta4")) return undefined;
  const [is, type] = Array.isArray(args) ? ["array", "map[string]string"] : ["object", "[]v1beta4.Arg"];
  return `json: cannot unmarshal ${is} into Go struct field NodeRegistrationOptions.nodeRegistration.kubeletExtraArgs of type ${type}`;
}

/** kubeadm's preflight checks of what an earlier join left, of the runtime, and of the kubelet's version. */
function joinErrors(scene: GuestScene, { nodeRegistration }: JoinConfiguration): string[] {
  const { guest } = scene;
  const { kubelet } = guest.disk;
  const [kubeletVersion, kubeadm] = [versionOn(scene, "kubeletVersion"), versionOn(scene, "kubeadmVersion")];
  const socket = socketOf(nodeRegistration?.criSocket);
  const there = (file: string) => `[ERROR FileAvailable-${file.replaceAll("/", "-")}]: ${file} already exists`;
  const problems: [boolean, string][] = [
    [kubelet?.state === "whole", there("/etc/kubernetes/kubelet.conf")],
    [kubelet?.state === "half", there("/etc/kubernetes/bootstrap-kubelet.conf")],
    [!socketsOf(guest).includes(socket), `[ERROR CRI]: ${noRuntime(socket)}`],
    [kubelet?.state === "whole", "[ERROR Port-10250]: Port 10250 is in use"],
    [kubelet !== undefined, there("/etc/kubernetes/pki/ca.crt")],
    [
      minorOf(kubeletVersion) < minorOf(kubeadm) - 3,
      `[ERROR KubeletVersion]: Kubelet version "${kubeletVersion.slice(1)}" is lower than kubeadm can support. Please upgrade kubelet`,
    ],
  ];
  return problems.filter(([is]) => is).map(([, text]) => text);
}

const socketOf = (endpoint = "") => endpoint.replace("unix://", "");

const socketsOf = (guest: Guest) =>
  fact(guest, "criSockets", (guest.disk.criSockets ?? []).join(" "))
    .split(" ")
    .filter(Boolean);

/** Of kubernetes/cmd/kubeadm/app/util/runtime: it does not choose one. */
const ambiguous = (guest: Guest) =>
  `found multiple CRI endpoints on the host. Please define which one do you wish to use by setting the 'criSocket' field in the kubeadm configuration file: ${socketsOf(
    guest,
  )
    .map((socket) => `unix://${socket}`)
    .join(", ")}`;

const noRuntime = (socket: string) =>
  "could not connect to the container runtime: failed to create new CRI runtime service: validate service connection: " +
  `validate CRI v1 runtime API for endpoint "unix://${socket}": rpc error: code = Unavailable desc = connection error: ` +
  `dial unix ${socket}: connect: no such file or directory`;

function kubeletOf({ discovery, nodeRegistration }: JoinConfiguration, address: string): Kubelet {
  return {
    state: "half",
    nodeName: nodeRegistration?.name ?? "",
    caCertHash: discovery?.bootstrapToken?.caCertHashes?.[0] ?? "",
    nodeIp: argument(nodeRegistration?.kubeletExtraArgs, "node-ip") ?? address,
    criSocket: socketOf(nodeRegistration?.criSocket),
    ...(nodeRegistration?.taints && { taints: nodeRegistration.taints.map(taintOf) }),
  };
}

const argument = (args: KubeletArgs = [], wanted: string) =>
  Array.isArray(args) ? args.find(({ name }) => name === wanted)?.value : args[wanted];

/** As the API server keeps it: without what is empty. */
const taintOf = ({ key, value, effect }: Taint): Taint => ({ key, ...(value && { value }), effect });

/** The second part: whether worker and cluster trust each other; then the kubelet's files are there. */
function discovered(
  scene: GuestScene,
  configuration: JoinConfiguration,
  kubelet: Kubelet,
): ExecResult | Later<GuestScene> {
  const { state, now, guest } = scene;
  settleCluster(state, now);
  const refusal = discoveryError(scene, configuration);
  if (refusal)
    return kubeadmError(
      `error execution phase preflight: couldn't validate the identity of the API Server: ${refusal}`,
      CHECKING,
    );
  const forbidden = forbiddenConfiguration(state.cluster, tokenOf(scene, configuration)!);
  if (forbidden)
    return kubeadmError(
      `error execution phase preflight: unable to fetch the kubeadm-config ConfigMap: ${forbidden}`,
      CHECKING,
    );
  guest.disk.kubelet = kubelet;
  const node = nodeAt(state, kubelet.nodeName, now);
  if (node && readinessOf(state, node, now).status === "True") {
    const taken = `a Node with name "${node.name}" and status "Ready" already exists in the cluster`;
    const hint = "You must delete the existing Node or change the name of this new joining Node";
    return startFailed(scene, `${taken}. ${hint}`);
  }
  const writeError = fact(guest, "writeError", "");
  if (writeError) return startFailed(scene, cannotWrite("/var/lib/kubelet/config.yaml", writeError));
  const deadline = now + milliseconds(configuration.timeouts?.tlsBootstrap ?? "5m0s");
  return { afterMs: 0, isHalf: true, next: (later) => requested(later, configuration, deadline) };
}

/** The kubelet asks for its certificate, where its token may. */
function requested(
  scene: GuestScene,
  configuration: JoinConfiguration,
  deadline: number,
): ExecResult | Later<GuestScene> {
  const { cluster } = scene.state;
  const token = tokenOf(scene, configuration);
  const request =
    token && isBound(cluster, token, "system:node-bootstrapper")
      ? requestCertificate(cluster, token, configuration.nodeRegistration?.name ?? "")
      : undefined;
  return certified(scene, request?.name, deadline);
}

/**
 * It waits until somebody approves that. Denied, it would ask again; nobody who denied it once does otherwise the next
 * time.
 */
function certified(scene: GuestScene, name: string | undefined, deadline: number): ExecResult | Later<GuestScene> {
  const { cluster } = scene.state;
  if (cluster.requests?.some((request) => request.name === name && request.decision === "Approved"))
    return bootstrapped(scene);
  if (scene.now < deadline) return { afterMs: CERTIFICATE_LOOK_MS, next: (later) => certified(later, name, deadline) };
  return uncertified(scene);
}

/**
 * Whether the phase kubelet-start ends with the kubelet's Node, as up to 1.30; later ones wait in a phase of their own
 * (read in kubeadm 1.29 and 1.36).
 */
const isOnePhase = (scene: GuestScene) => minorOf(versionOn(scene, "kubeadmVersion")) < 31;

/** The older ones take bootstrap-kubelet.conf away however their one phase ends. */
function startFailed(scene: GuestScene, message: string): ExecResult {
  if (isOnePhase(scene)) scene.guest.disk.kubelet!.state = "remains";
  return kubeadmError(`error execution phase kubelet-start: ${message}`, CHECKING);
}

/** The kubelet has no credentials in time. */
function uncertified(scene: GuestScene): ExecResult {
  scene.guest.disk.kubelet!.state = "remains";
  return isOnePhase(scene)
    ? startFailed(scene, "timed out waiting for the condition")
    : kubeadmError(NOT_IN_TIME, CHECKING);
}

const NOT_IN_TIME =
  "error execution phase kubelet-wait-bootstrap: failed while waiting for TLS bootstrap: context deadline exceeded";

/** How often the simulated kubelet looks, in milliseconds; the real one is told. */
const CERTIFICATE_LOOK_MS = 50;

/** The token that a join has, if the cluster has it, too. */
function tokenOf({ state: { cluster } }: GuestScene, { discovery }: JoinConfiguration) {
  const [id] = (discovery?.bootstrapToken?.token ?? "").split(".");
  return cluster.tokens.find((token) => token.id === id);
}

/** What a token without the group's bindings may not read. */
function forbiddenConfiguration(cluster: ClusterState, token: Token): string | undefined {
  const may = (role: string) => isBound(cluster, token, role);
  const no = (what: string) => `${what} is forbidden: User "${userOf(token)}" cannot get resource`;
  if (!may("kubeadm:nodes-kubeadm-config"))
    return `failed to get config map: ${no('configmaps "kubeadm-config"')} "configmaps" in API group "" in the namespace "kube-system"`;
  if (!may("kubeadm:kubelet-config"))
    return `failed to get component configs: ${no('configmaps "kubelet-config"')} "configmaps" in API group "" in the namespace "kube-system"`;
  return may("kubeadm:get-nodes") ? undefined : `${no("nodes")} "nodes" in API group "" at the cluster scope`;
}

/** The last part: the kubelet has its credentials, and registers its Node. */
function bootstrapped(scene: GuestScene): ExecResult {
  const { state, now, guest } = scene;
  const kubelet = Object.assign(guest.disk.kubelet!, { state: "whole", startedIn: guest.bootId });
  register(state, guest as JoinedGuest, now + state.delays.register);
  if (!state.cluster.lateFailures) return done(JOINED);
  state.cluster.lateFailures--;
  const slow = `error execution phase kubelet-start: error uploading crisocket: nodes "${kubelet.nodeName}" not found`;
  return kubeadmError(isOnePhase(scene) ? slow : NOT_IN_TIME, CHECKING);
}

const cannotWrite = (file: string, error: string) =>
  `failed to write kubelet configuration file "${file}": write ${file}: ${error}`;

function discoveryError({ state: { cluster } }: GuestScene, { discovery }: JoinConfiguration): string | undefined {
  const { token = "", apiServerEndpoint, caCertHashes = [] } = discovery?.bootstrapToken ?? {};
  const [id, secret] = token.split(".");
  if (cluster.apiDown || apiServerEndpoint !== cluster.endpoint) {
    const error = unreachable(apiServerEndpoint ?? "", "Get", "namespaces/kube-public/configmaps/cluster-info");
    return `failed to request the cluster-info ConfigMap: ${error}`;
  }
  const known = cluster.tokens.find((token) => token.id === id);
  if (!known) return `could not find a JWS signature in the cluster-info ConfigMap for token ID "${id}"`;
  if (known.secret !== secret)
    return "failed to verify JWS signature of received cluster info object, can't trust this API Server";
  const pins = pinsOf(cluster.caCertificate);
  if (pins.some((pin) => caCertHashes.includes(pin))) return undefined;
  return `cluster CA found in cluster-info ConfigMap is invalid: none of the public keys "${pins.join(":")}" are pinned`;
}

const JOINED = `${CHECKING}
[preflight] Reading configuration from the "kubeadm-config" ConfigMap in namespace "kube-system"...
[preflight] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it.
[kubelet-start] Writing kubelet configuration to file "/var/lib/kubelet/config.yaml"
[kubelet-start] Writing kubelet environment file with flags to file "/var/lib/kubelet/kubeadm-flags.env"
[kubelet-start] Starting the kubelet
[kubelet-check] Waiting for a healthy kubelet at http://127.0.0.1:10248/healthz. This can take up to 4m0s
[kubelet-start] Waiting for the kubelet to perform the TLS Bootstrap

This node has joined the cluster:
* Certificate signing request was sent to apiserver and a response was received.
* The Kubelet was informed of the new secure connection details.

Run 'kubectl get nodes' on the control-plane to see this node join the cluster.
`;

/** Takes off what a join left, whole or half; there may be nothing. A Node that was not registered yet never is. */
function reset({ state, now, guest, isRoot, words }: GuestScene): ExecResult {
  if (!isRoot) return notRoot();
  if (!words.includes("--force")) return kubeadmError("error execution phase preflight: aborted reset operation");
  if (!words.includes("--cri-socket") && socketsOf(guest).length > 1) return kubeadmError(ambiguous(guest));
  delete guest.disk.kubelet;
  settleCluster(state, now);
  return done(`${CHECKING}
[reset] Stopping the kubelet service
[reset] Unmounting mounted directories in "/var/lib/kubelet"
[reset] Deleting contents of directories: [/etc/kubernetes/manifests /var/lib/kubelet /etc/kubernetes/pki /etc/kubernetes/tmp]
[reset] Deleting files: [/etc/kubernetes/admin.conf /etc/kubernetes/super-admin.conf /etc/kubernetes/kubelet.conf /etc/kubernetes/bootstrap-kubelet.conf /etc/kubernetes/controller-manager.conf /etc/kubernetes/scheduler.conf]

The reset process does not perform cleanup of CNI plugin configuration,
network filtering rules and kubeconfig files.

For information on how to perform this cleanup manually, please see:
    https://k8s.io/docs/reference/setup-tools/kubeadm/kubeadm-reset/
`);
}
