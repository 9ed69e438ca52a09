import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { UserError } from "../common/errors";
import { notUnderstood } from "../common/json";
import { kubectl, kubectlJson } from "./kubectl";
import { hasNamesOf, markOf, type Owner } from "../common/mark";
import type { SshSession } from "../ssh/session";

/**
 * The group of our bootstrap tokens. Unlike kubeadm's own, `system:bootstrappers:kubeadm:default-node-token`, it has no
 * approval of every request for a kubelet's certificate, whatever node the request names. Of the form that Kubernetes
 * wants (k8s.io/cluster-bootstrap, `BootstrapGroupPattern`).
 */
export const TOKEN_GROUP = "system:bootstrappers:vbox-kubeadm";

interface Binding {
  kind: "ClusterRoleBinding" | "RoleBinding";
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  roleRef: { apiGroup: string; kind: string; name: string };
  subjects?: { apiGroup?: string; kind: string; name: string }[];
}

const API = "rbac.authorization.k8s.io";
const OURS = { "app.kubernetes.io/managed-by": "vbox-kubeadm" };

const binding = (kind: Binding["kind"], role: string): Binding => ({
  kind,
  metadata: {
    name: `vbox-kubeadm:${role.split(":")[1]!}`,
    ...(kind === "RoleBinding" && { namespace: "kube-system" }),
  },
  roleRef: { apiGroup: API, kind: kind.replace("Binding", ""), name: role },
  subjects: [{ apiGroup: API, kind: "Group", name: TOKEN_GROUP }],
});

/** What `kubeadm join` needs of those that kubeadm gives its own group (kubernetes/cmd/kubeadm, 1.24 and later). */
const BINDINGS: readonly Binding[] = [
  // To ask for the kubelet's certificate,
  binding("ClusterRoleBinding", "system:node-bootstrapper"),
  // to see whether there is a node of this name,
  binding("ClusterRoleBinding", "kubeadm:get-nodes"),
  // and to read the configuration.
  binding("RoleBinding", "kubeadm:kubelet-config"),
  binding("RoleBinding", "kubeadm:nodes-kubeadm-config"),
];

const resourceOf = ({ kind, metadata: { name } }: Binding) => `${kind.toLowerCase()}/${name}`;

/**
 * Makes sure that our tokens may do what a join needs. The bindings are shared by everything of this program that joins
 * the cluster: each worker is written on them, and the last one takes them away, see {@link releaseTokenGroup}.
 *
 * @throws UserError where somebody else has a binding of such a name
 */
export async function ensureTokenGroup(session: SshSession, holder: Owner): Promise<void> {
  const foreign = (await look(session)).find((found) => !isOurs(found));
  if (foreign) throw notOurs(foreign);
  const key = keyOf(holder);
  const objects = BINDINGS.map(({ metadata, ...rest }) => ({
    apiVersion: `${API}/v1`,
    ...rest,
    metadata: { ...metadata, labels: OURS, annotations: { [key]: markOf(holder) } },
  }));
  // Server-side: whoever applies at the same time adds its own annotation, and takes none away. Each worker is its own
  // field manager.
  const apply = ["apply", "--server-side", `--field-manager=${key.replace("/", "-")}`, "--filename=-"];
  const output = await kubectl(session, apply, {
    input: JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }),
  });
  const missing = BINDINGS.find(({ metadata: { name } }) => !output.includes(`/${name} serverside-applied`));
  if (missing) throw notUnderstood("kubectl apply", `as it does when it has applied ${missing.metadata.name}`, output);
}

/**
 * Takes a worker off the bindings, and the bindings away where it was the last one on them. What is not there, or not
 * ours, is left. A stack of the same names whose state was lost goes with it: there is one Node of a name.
 */
export async function releaseTokenGroup(session: SshSession, holder: Owner): Promise<void> {
  const bindings = (await look(session)).filter(isOurs);
  const keysOf = (found: Binding) =>
    holdersOf(found).filter((key) => hasNamesOf(found.metadata.annotations![key], holder));
  for (const key of new Set(bindings.flatMap(keysOf)))
    await takeOff(
      session,
      bindings.filter((found) => keysOf(found).includes(key)),
      key,
    );
  for (const found of await look(session))
    if (isOurs(found) && holdersOf(found).length === 0) await deleteUnlessHeld(session, found);
}

async function takeOff(session: SshSession, held: readonly Binding[], key: string): Promise<void> {
  const output = await kubectl(session, ["-n", "kube-system", "annotate", ...held.map(resourceOf), `${key}-`]);
  const missing = held.find(({ metadata: { name } }) => !output.includes(`/${name} annotate`));
  if (missing)
    throw notUnderstood("kubectl annotate", `as it does when it has changed ${missing.metadata.name}`, output);
}

/** Deletes a binding as it was seen: not one on which another worker has been written since. */
async function deleteUnlessHeld(
  session: SshSession,
  { kind, metadata: { name, namespace, uid, resourceVersion } }: Binding,
): Promise<void> {
  const path = `/apis/${API}/v1/${namespace ? `namespaces/${namespace}/` : ""}${kind.toLowerCase()}s/${name}`;
  const input = JSON.stringify({ apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid, resourceVersion } });
  try {
    const output = await kubectl(session, ["delete", "--raw", path, "--filename=-"], { input });
    if (!output.includes('"Success"'))
      throw notUnderstood("kubectl delete", `as it does when it has deleted ${name}`, output);
  } catch (error) {
    if (!(error instanceof UserError && /\((Conflict|NotFound)\)/.test(error.detail.output ?? ""))) throw error;
  }
}

async function look(session: SshSession): Promise<Binding[]> {
  const found = await kubectlJson(session, [
    "-n",
    "kube-system",
    "get",
    ...BINDINGS.map(resourceOf),
    "--ignore-not-found",
  ]);
  if (found === undefined) return [];
  const { items } = found as { items?: Binding[] };
  if (!Array.isArray(items)) throw notUnderstood("kubectl get", "with a list", JSON.stringify(found));
  return items;
}

/** Ours by its label, and as we made it. */
function isOurs({ kind, metadata, roleRef, subjects }: Binding): boolean {
  const made = BINDINGS.find((binding) => binding.kind === kind && binding.metadata.name === metadata.name);
  const [label, value] = Object.entries(OURS)[0]!;
  return (
    metadata.labels?.[label] === value &&
    isDeepStrictEqual(roleRef, made?.roleRef) &&
    isDeepStrictEqual(subjects, made?.subjects)
  );
}

const notOurs = (found: Binding) =>
  new UserError(
    `the cluster has a ${found.kind} ${found.metadata.name} that this program did not make, or that was changed since`,
    {
      hint: `if it is of no use: kubectl delete ${resourceOf(found)}${found.metadata.namespace ? ` -n ${found.metadata.namespace}` : ""}`,
    },
  );

const HOLDER = "used-by.vbox-kubeadm/";

/** An annotation's key holds 63 characters, which a worker's name alone may have. */
const keyOf = (holder: Owner) => `${HOLDER}${createHash("sha256").update(markOf(holder)).digest("hex").slice(0, 40)}`;

const holdersOf = ({ metadata: { annotations = {} } }: Binding) =>
  Object.keys(annotations).filter((key) => key.startsWith(HOLDER));
