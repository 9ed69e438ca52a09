import { join, joinConfiguration, reset } from "../../kubernetes/kubeadm";
import { joinInformation, type JoinInformation } from "../../kubernetes/clusterInfo";
import { listTokens, registerToken, revokeToken, tokenId } from "../../kubernetes/bootstrapToken";
import {
  getNode,
  getNodes,
  getPodsOn,
  internalIp,
  isTrue,
  kubectl,
  type Node,
  type Taint,
} from "../../kubernetes/kubectl";
import { OWNER_ANNOTATION, syncMarks } from "../../kubernetes/labels";
import { DEFAULT_PODS, waitForReady } from "../../kubernetes/nodeReady";
import { workerFacts } from "../../kubernetes/preflight";
import type { SshSession } from "../../ssh/session";
import { ensureTokenGroup, releaseTokenGroup, TOKEN_GROUP } from "../../kubernetes/tokenGroup";
import { deleteNode, drain } from "../../kubernetes/leave";

/**
 * Where the story takes place: `worker` leaves the cluster, and joins it again; `bystander` is a Ready node of it, and
 * stays as it is.
 */
export interface Cast {
  worker: string;
  bystander: string;
  /** The worker's address. */
  address: string;
}

/** The sessions that a step works over. */
export type Stage = Record<"master" | "worker", SshSession>;

/** A step: what of the program's own code runs, and what the program reads out of the answers. */
export type Step = (stage: Stage, cast: Cast) => Promise<unknown>;

/** A token that exists for one step, or for none: it joins nothing. */
const TOKEN = "record.0123456789abcdef";
const CRI = "unix:///run/containerd/containerd.sock";
const STACK = "kube/recording";
const quiet = () => {};

/** What the program reads of a Node. */
const readNode = (node: Node | undefined) =>
  node && {
    name: node.metadata.name,
    uid: node.metadata.uid,
    owner: node.metadata.annotations?.["vbox-kubeadm/recorded"],
    labels: node.metadata.labels?.["recorded"],
    // Kubernetes' own come and go a moment after what they tell of.
    taints: (node.spec.taints ?? []).filter(({ key }) => key === "recorded"),
    unschedulable: node.spec.unschedulable ?? false,
    ready: isTrue(node, "Ready"),
    address: internalIp(node),
    nodeInfo: {
      machineID: node.status.nodeInfo.machineID,
      systemUUID: node.status.nodeInfo.systemUUID,
      kubeletVersion: node.status.nodeInfo.kubeletVersion,
    },
  };

const readPods = async (master: SshSession, node: string) =>
  (await getPodsOn(master, node))
    .map((pod) => ({ ...pod.metadata, phase: pod.status.phase, ready: isTrue(pod, "Ready") }))
    .map(({ labels, namespace, phase, ready }) => ({
      app: labels?.["k8s-app"] ?? labels?.["app"],
      namespace,
      phase,
      ready,
    }))
    .sort((a, b) => a.namespace.localeCompare(b.namespace));

const taint = (value: string): Taint => ({ key: "recorded", value, effect: "PreferNoSchedule" });

type Differently = Partial<JoinInformation & { name: string; token: string }>;

async function joining(
  { master, worker }: Stage,
  { worker: name, address }: Cast,
  differently: Differently = {},
): Promise<string> {
  const information = await joinInformation(master);
  const options = {
    ...information,
    token: TOKEN,
    name,
    criSocket: CRI,
    nodeIp: address,
    taints: [],
    kubeletArgs: {},
    timeoutSeconds: 20,
    ...differently,
  };
  // Longer than the real kubeadm looks for a token.
  await join(worker, joinConfiguration("v1.36.3", options), 300_000);
  return "joined";
}

const withToken = async <T>(master: SshSession, use: () => Promise<T>): Promise<T> => {
  // In kubeadm's own group: these joins are about kubeadm, and nobody approves their certificates.
  await registerToken(master, TOKEN, {
    ttlMinutes: 10,
    description: `vbox-kubeadm ${STACK}`,
    group: "system:bootstrappers:kubeadm:default-node-token",
  });
  try {
    return await use();
  } finally {
    await revokeToken(master, tokenId(TOKEN));
  }
};

const ourToken = async (master: SshSession) =>
  (await listTokens(master))
    .filter(({ id }) => id === tokenId(TOKEN))
    .map(({ id, description, expiration }) => ({ id, description, ends: expiration !== undefined }));

/** A binding as nobody sees it. */
const NEVER = JSON.stringify({
  apiVersion: "v1",
  kind: "DeleteOptions",
  preconditions: { uid: "00000000-0000-0000-0000-000000000000", resourceVersion: "1" },
});
const deleteRaw = (master: SshSession, name: string) =>
  kubectl(
    master,
    ["delete", "--raw", `/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/${name}`, "--filename=-"],
    { input: NEVER },
  );

/** What is not ours to change: a binding's role stays. */
const OTHER_ROLE = {
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "vbox-kubeadm:get-nodes" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: TOKEN_GROUP }],
    },
  ],
};

/** The story, step by step: each leaves the worker as the next one needs it, and the last one as it was. */
export const steps: Readonly<Record<string, Step>> = {
  versions: async ({ master, worker }) => {
    const { serverVersion } = JSON.parse(await kubectl(master, ["version", "-o", "json"])) as {
      serverVersion: { gitVersion: string };
    };
    return { server: serverVersion.gitVersion, kubeadm: [await worker.run("kubeadm version -o short")] };
  },
  "cluster-info": async ({ master }) => joinInformation(master),
  "admin kubeconfig": async ({ master }) =>
    /^kind: Config$/m.test(await master.run("sudo -n cat /etc/kubernetes/admin.conf")),
  nodes: async ({ master }, { worker, bystander }) =>
    (await getNodes(master)).filter(({ metadata: { name } }) => name === worker || name === bystander).map(readNode),
  pods: async ({ master }, { bystander }) => readPods(master, bystander),
  "a missing node, ignored": async ({ master }) => readNode(await getNode(master, "missing")),
  "a missing node": async ({ master }) => kubectl(master, ["get", "node", "missing"]),
  "a missing node deleted, ignored": async ({ master }) => deleteNode(master, "missing"),
  "a missing node deleted": async ({ master }) => kubectl(master, ["delete", "node", "missing"]),
  "a missing node drained": async ({ master }) => kubectl(master, ["drain", "missing", "--ignore-daemonsets"]),
  "a missing node labelled": async ({ master }) => kubectl(master, ["label", "node", "missing", "recorded=1"]),
  "a missing node tainted": async ({ master }) =>
    kubectl(master, ["taint", "node", "missing", "recorded=1:NoSchedule"]),
  "a token, made": async ({ master }) =>
    registerToken(master, TOKEN, { ttlMinutes: 10, description: `vbox-kubeadm ${STACK}` }),
  "a token, listed": async ({ master }) => ourToken(master),
  "a token, made twice": async ({ master }) => registerToken(master, TOKEN, { ttlMinutes: 10, description: "" }),
  "a token, revoked": async ({ master }) => (await revokeToken(master, tokenId(TOKEN)), ourToken(master)),
  "a token, revoked twice": async ({ master }) => revokeToken(master, tokenId(TOKEN)),
  "a missing token deleted": async ({ master }) =>
    kubectl(master, ["-n", "kube-system", "delete", "secret", `bootstrap-token-${tokenId(TOKEN)}`]),
  "marks, made": async ({ master }, { worker }) => {
    const marks = { owner: STACK, labels: { recorded: "1" }, taints: [taint("1")] };
    const node = (await getNode(master, worker))!;
    // The owner's own annotation is the stack's.
    await syncMarks(
      master,
      { ...node, metadata: { ...node.metadata, annotations: { "vbox-kubeadm/owner": STACK } } },
      marks,
    );
    await kubectl(master, ["annotate", "node", worker, "--overwrite", `vbox-kubeadm/recorded=${STACK}`]);
    return readNode(await getNode(master, worker));
  },
  "marks, changed": async ({ master }, { worker }) => {
    await kubectl(master, ["label", "node", worker, "--overwrite", "recorded=2"]);
    await kubectl(master, ["taint", "node", worker, "--overwrite", "recorded=2:PreferNoSchedule"]);
    return readNode(await getNode(master, worker));
  },
  "a label in the way": async ({ master }, { worker }) => kubectl(master, ["label", "node", worker, "recorded=3"]),
  "a taint in the way": async ({ master }, { worker }) =>
    kubectl(master, ["taint", "node", worker, "recorded=3:PreferNoSchedule"]),
  "a label that is so": async ({ master }, { worker }) => kubectl(master, ["label", "node", worker, "recorded=2"]),
  "marks, removed": async ({ master }, { worker }) => {
    await kubectl(master, ["label", "node", worker, "--overwrite", "recorded-"]);
    await kubectl(master, ["taint", "node", worker, "--overwrite", "recorded:PreferNoSchedule-"]);
    await kubectl(master, ["annotate", "node", worker, "vbox-kubeadm/recorded-"]);
    return readNode(await getNode(master, worker));
  },
  "a missing taint removed": async ({ master }, { worker }) =>
    kubectl(master, ["taint", "node", worker, "recorded:PreferNoSchedule-"]),
  "cordoned, and not": async ({ master }, { worker }) => {
    for (const verb of ["cordon", "uncordon"]) await kubectl(master, [verb, worker]);
    return readNode(await getNode(master, worker));
  },
  "the worker's facts": async ({ worker }) => {
    const { epoch, readAt, ...facts } = await workerFacts(worker);
    return { ...facts, hasClock: epoch > 0 && readAt > 0 };
  },
  "joined a second time": async (stage, cast) => joining(stage, cast),
  drained: async ({ master }, { worker }) => {
    const { metadata, status } = (await getNode(master, worker))!;
    // In the lab it carries the lab's own mark.
    const stack = metadata.annotations?.[OWNER_ANNOTATION]?.replace(`/${worker}`, "") ?? STACK;
    await drain(
      master,
      {
        name: worker,
        stack,
        nodeUid: metadata.uid,
        systemUuid: status.nodeInfo.systemUUID,
        drainTimeoutSeconds: 60,
        commandTimeoutSeconds: 60,
      },
      quiet,
    );
    return readNode(await getNode(master, worker));
  },
  reset: async ({ worker }) => (await reset(worker, CRI), (await workerFacts(worker)).joined),
  "its node deleted": async ({ master }, { worker }) => (
    await deleteNode(master, worker),
    readNode(await getNode(master, worker))
  ),
  "reset with nothing to reset": async ({ worker }) => reset(worker, CRI),
  "a join with a token that is not there": async (stage, cast) => joining(stage, cast),
  "a join with another secret": async (stage, cast) =>
    withToken(stage.master, () => joining(stage, cast, { token: `${tokenId(TOKEN)}.fedcba9876543210` })),
  "a join with another CA's pin": async (stage, cast) =>
    withToken(stage.master, () => joining(stage, cast, { caCertHash: `sha256:${"0".repeat(64)}` })),
  "a join under a Ready node's name": async (stage, cast) =>
    withToken(stage.master, () => joining(stage, cast, { name: cast.bystander })),
  "what that left": async ({ worker }) => {
    const { joined, halfJoined } = await workerFacts(worker);
    return { joined, halfJoined };
  },
  "a join over what that left": async (stage, cast) => joining(stage, cast),
  "reset of what that left": async ({ worker }) => (await reset(worker, CRI), (await workerFacts(worker)).halfJoined),
  "a join": async (stage, cast) => withToken(stage.master, () => joining(stage, cast)),
  ready: async ({ master }, { worker, address }) =>
    readNode(await waitForReady(master, { name: worker, address, requiredPods: DEFAULT_PODS }, 300_000, quiet)),
  "its pods": async ({ master }, { worker }) => readPods(master, worker),
  "a missing request, denied": async ({ master }) => kubectl(master, ["certificate", "deny", "--", "missing"]),
  "the token group's bindings, made": async ({ master }, { worker }) =>
    ensureTokenGroup(master, { stack: STACK, name: worker }),
  "a binding of another version, deleted": async ({ master }) => deleteRaw(master, "vbox-kubeadm:get-nodes"),
  "a missing binding, deleted": async ({ master }) => deleteRaw(master, "missing"),
  "a binding of another role, applied": async ({ master }, { worker }) =>
    kubectl(
      master,
      ["apply", "--server-side", `--field-manager=${STACK.replace("/", "-")}-${worker}`, "--filename=-"],
      { input: JSON.stringify(OTHER_ROLE) },
    ),
  "the token group's bindings, given up": async ({ master }, { worker }) =>
    releaseTokenGroup(master, { stack: STACK, name: worker }),
};
