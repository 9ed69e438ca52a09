import { TOKEN_TEMPLATE } from "../../../kubernetes/bootstrapToken";
import type { ExecResult } from "../../../common/exec";
import { nodeAt, nodesAt, readinessOf } from "../cluster";
import { leaseMs } from "../leases";
import { nodeObject, type NodeObject, podObjects, type PodObject, time } from "../kubeObjects";
import type { ClusterState, Token } from "../state";
import { done, failed, type Scene } from "./command";
import { getBindings, isAboutBindings } from "./kubectlBindings";
import { getRequests } from "./kubectlCertificate";
import { nodeTable, podTable } from "./kubectlTables";
import { type KubectlVerb, notFound } from "./kubectlVerb";

/**
 * `kubectl get` of nodes, pods, the tokens' secrets, the ConfigMap cluster-info, Leases, role bindings and requests for
 * certificates.
 */
export const get: KubectlVerb = (scene, args) => {
  const { operands, flags } = args;
  const [kind = "", name] = operands;
  if (isAboutBindings(operands)) return getBindings(scene, args);
  switch (kind.replace(/s$/, "")) {
    case "node":
      return getNodes(scene, name, flags);
    case "pod":
      return getPods(scene, flags);
    case "secret":
      return getSecrets(scene.state.cluster, flags.output ?? "");
    case "certificatesigningrequest":
      return getRequests(scene, args);
    case "lease":
      return getLease(scene, name ?? "", flags);
    case "configmap":
      return getConfigMap(scene.state.cluster, name ?? "", flags);
    default:
      return failed(`error: the server doesn't have a resource type "${kind}"`);
  }
};

/** `kubectl version -o json`. */
export const version: KubectlVerb = ({ state }) => {
  const about = { gitVersion: state.cluster.version, platform: "linux/amd64" };
  return done(json({ clientVersion: about, serverVersion: about }));
};

/** The pods of a field selector's node, or all. */
export function podsOf({ state, now }: Scene, selector = ""): PodObject[] {
  const [, node] = /^spec\.nodeName=(.*)$/.exec(selector) ?? [];
  return nodesAt(state, now)
    .filter(({ name }) => node === undefined || name === node)
    .flatMap((of) => podObjects(of, readinessOf(state, of, now), state.cluster.flannelWaits))
    .sort((a, b) => compare(a.metadata.namespace, b.metadata.namespace) || compare(a.metadata.name, b.metadata.name));
}

type Flags = Readonly<Record<string, string>>;

function getNodes({ state, now }: Scene, name: string | undefined, { output = "", ...flags }: Flags): ExecResult {
  const nodes = nodesAt(state, now)
    .filter((node) => name === undefined || node.name === name)
    .map((node) => nodeObject(node, readinessOf(state, node, now)))
    .sort((a, b) => compare(a.metadata.name, b.metadata.name));
  if (name !== undefined && nodes.length === 0) return flags["ignore-not-found"] ? done() : notFound("nodes", name);
  return printed<NodeObject>(name === undefined ? { items: nodes } : nodes[0]!, nodes, output, "node", (list) =>
    nodeTable(list, now, output === "wide"),
  );
}

function getLease({ state, now }: Scene, name: string, { namespace, output = "", ...flags }: Flags): ExecResult {
  const node = namespace === "kube-node-lease" ? nodeAt(state, name, now) : undefined;
  // Without a grace a Node's state is its machine's, and so is its Lease.
  const renewed =
    node && state.delays.grace === 0 && readinessOf(state, node, now).status !== "Unknown" ? now : node?.renewed;
  if (renewed === undefined) return flags["ignore-not-found"] ? done() : notFound("leases.coordination.k8s.io", name);
  const spec = {
    holderIdentity: name,
    leaseDurationSeconds: Math.max(1, Math.ceil(leaseMs(state.delays) / 1000)),
    renewTime: new Date(renewed).toISOString().replace("Z", "000Z"),
  };
  return output === "json"
    ? done(json({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name, namespace }, spec }))
    : noPrinter(output);
}

function getPods(scene: Scene, { output = "", "field-selector": selector }: Flags): ExecResult {
  const pods = podsOf(scene, selector);
  return printed<PodObject>({ items: pods }, pods, output, "pod", (list) =>
    podTable(list, scene.now, output === "wide"),
  );
}

function getSecrets({ tokens }: ClusterState, output: string): ExecResult {
  if (output === "name") return done(tokens.map(({ id }) => `secret/bootstrap-token-${id}`).join("\n"));
  return output === `go-template=${TOKEN_TEMPLATE}` ? done(tokens.map(tokenLine).join("")) : noPrinter(output);
}

function tokenLine({ id, expires, description }: Token): string {
  const base64 = (text: string) => (text ? Buffer.from(text).toString("base64") : "<no value>");
  return `${base64(id)} ${base64(expires === undefined ? "" : time(expires))} ${base64(description)}\n`;
}

function getConfigMap(
  { endpoint, caCertificate }: ClusterState,
  name: string,
  { namespace, output = "" }: Flags,
): ExecResult {
  if (name !== "cluster-info" || namespace !== "kube-public") return notFound("configmaps", name);
  return output === "jsonpath={.data.kubeconfig}" ? done(clusterInfo(endpoint, caCertificate)) : noPrinter(output);
}

/** As `kubeadm init` writes it: without a user. */
const clusterInfo = (endpoint: string, caCertificate: string) => `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${Buffer.from(caCertificate).toString("base64")}
    server: https://${endpoint}
  name: ""
contexts: null
current-context: ""
kind: Config
preferences: {}
users: null
`;

function printed<T extends NodeObject | PodObject>(
  whole: T | { items: T[] },
  list: T[],
  output: string,
  kind: string,
  table: (list: T[]) => string,
): ExecResult {
  if (output === "json")
    return done(
      json("items" in whole ? { apiVersion: "v1", ...whole, kind: "List", metadata: { resourceVersion: "" } } : whole),
    );
  if (output === "name") return done(list.map(({ metadata }) => `${kind}/${metadata.name}`).join("\n"));
  if (output !== "" && output !== "wide") return noPrinter(output);
  return list.length === 0 ? done("", "No resources found") : done(table(list));
}

const noPrinter = (output: string) =>
  failed(`error: unable to match a printer suitable for the output format "${output}"`);

const json = (value: object) => JSON.stringify(value, null, 4);

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
