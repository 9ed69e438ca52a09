import { randomInt, X509Certificate, createHash } from "node:crypto";
import { dump, load } from "js-yaml";
import { z } from "zod";
import { UserError } from "../common/errors";
import { isEndpoint } from "./joinProblems";
import { notUnderstood } from "../common/json";
import { ADMIN_CONF, kubectl, type Taint } from "./kubectl";
import { markOf, type Owner } from "../common/mark";
import { epochOf } from "./preflight";
import { beginningOf } from "../common/quoted";
import { shellCommand } from "../common/shell";
import type { SshSession } from "../ssh/session";
import { TOKEN_GROUP } from "./tokenGroup";
import { minorOf } from "./versionSkew";

/** What a worker needs to join a cluster: what `kubeadm token create --print-join-command` prints. */
export interface JoinInformation {
  /** The API server's address and port. */
  endpoint: string;
  /** `sha256:` and the hexadecimal digest of the CA certificate's SubjectPublicKeyInfo. */
  caCertHash: string;
}

/** A bootstrap token's description says whose it is, so that one that an interrupted run left behind is found again. */
export const tokenDescription = (owner: Owner) => `vbox-kubeadm ${markOf(owner)}`;

/** The public half of a token, which names its Secret. */
export const tokenId = (token: string) => token.slice(0, 6);

/** A new bootstrap token: `[a-z0-9]{6}.[a-z0-9]{16}`. Made here, so that its id is known whatever becomes of the call that registers it. */
export function newToken(): string {
  const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  const random = (length: number) => Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("");
  return `${random(6)}.${random(16)}`;
}

/** The kubeadm API version that a kubeadm understands: v1beta4 since 1.31, v1beta3 before. */
export const apiVersion = (kubeadmVersion: string): string => `kubeadm.k8s.io/${minorOf(kubeadmVersion) >= 31 ? "v1beta4" : "v1beta3"}`;

/** What a bootstrap token is made with. */
export interface TokenOptions {
  /** How long it lives, in minutes. */
  ttlMinutes: number;
  description: string;
  /** What its user is a member of. Default: our own group, {@link TOKEN_GROUP}, whose bindings must be there. */
  group?: string;
}

const secretOf = (id: string) => `bootstrap-token-${id}`;

/**
 * Registers a bootstrap token with the cluster, by its Secret: `kubeadm token create` does no more, asks a sick API server for a minute or two,
 * and with kubeadm 1.29 does not say what it suffers from. It goes over standard input, so that no process's arguments hold it. It ends by the
 * master's clock, which may not be ours.
 */
export async function registerToken(session: SshSession, token: string, options: TokenOptions): Promise<void> {
  const name = secretOf(tokenId(token));
  const ends = new Date(((await epochOf(session)) + options.ttlMinutes * 60) * 1000);
  // Server-side: applied a second time, as after an answer that was lost, it is the same; and its values are in no annotation.
  const said = await kubectl(session, ["apply", "--server-side", `--field-manager=${TOKEN_MANAGER}`, "--filename=-"], { input: JSON.stringify(tokenSecret(token, ends, options)) });
  if (!said.includes(`secret/${name} serverside-applied`)) throw notUnderstood("kubectl apply", `as it does when it has made ${name}`, said);
}

/** The field manager of a token's Secret. */
export const TOKEN_MANAGER = "vbox-kubeadm";

/** A bootstrap token as the API server keeps it (kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens). */
export function tokenSecret(token: string, ends: Date, { description, group = TOKEN_GROUP }: Omit<TokenOptions, "ttlMinutes">) {
  const id = tokenId(token);
  const values = {
    "token-id": id,
    "token-secret": token.slice(id.length + 1),
    expiration: ends.toISOString().replace(/\.\d+Z$/, "Z"),
    description,
    "usage-bootstrap-signing": "true",
    "usage-bootstrap-authentication": "true",
    "auth-extra-groups": group,
  };
  const data = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")]));
  return { apiVersion: "v1", kind: "Secret", metadata: { name: secretOf(id), namespace: "kube-system" }, type: "bootstrap.kubernetes.io/token", data };
}

/** Deletes a token; one that is gone already is as good. */
export async function revokeToken(session: SshSession, id: string): Promise<void> {
  const secret = secretOf(id);
  const said = await kubectl(session, ["-n", "kube-system", "delete", "secret", secret, "--ignore-not-found"]);
  if (said.trim() && !said.includes(`"${secret}" deleted`)) throw notUnderstood("kubectl delete secret", `as it does when it has deleted ${secret}`, said);
}

/** Revokes every token that was made for a worker of a stack: also one that an interrupted operation registered and does not know of. */
export async function revokeTokensOf(session: SshSession, owner: Owner): Promise<void> {
  const ours = (await listTokens(session)).filter(({ description }) => description === tokenDescription(owner));
  for (const { id } of ours) await revokeToken(session, id);
}

/** A bootstrap token's Secret, decoded, without the secret half. */
interface TokenRecord {
  id: string;
  description: string;
  expiration?: Date;
}

/** Prints a line for each bootstrap token: id, expiration and description, in base64. Only these, so that no secret half leaves the master. */
export const TOKEN_TEMPLATE = '{{range .items}}{{index .data "token-id"}} {{index .data "expiration"}} {{index .data "description"}}{{"\\n"}}{{end}}';

/** What a template prints for a key that is not there. */
const NO_VALUE = "<no value>";

/** A line of {@link TOKEN_TEMPLATE}: a token may be without expiration and description. */
const TOKEN_LINE = new RegExp(`^[\\w+/=]+( ([\\w+/=]*|${NO_VALUE})){2}$`);

/** The bootstrap tokens that the cluster has. */
export async function listTokens(session: SshSession): Promise<TokenRecord[]> {
  const selector = "type=bootstrap.kubernetes.io/token";
  const output = await kubectl(session, ["-n", "kube-system", "get", "secrets", "--field-selector", selector, "-o", `go-template=${TOKEN_TEMPLATE}`], { looks: true });
  return output.split("\n").filter(Boolean).map(parseTokenLine);
}

/** A value in base64 that is cut short has another encoding, as a rule. */
const isWhole = (base64: string) => Buffer.from(base64, "base64").toString("base64") === base64;

function parseTokenLine(line: string): TokenRecord {
  const fields = line.replaceAll(NO_VALUE, "").split(" ");
  if (!TOKEN_LINE.test(line) || !fields.every(isWhole)) throw notUnderstood("kubectl get secrets", "with the tokens", line);
  const [id, expiration, description] = fields.map((field) => Buffer.from(field, "base64").toString());
  return { id: id!, description: description ?? "", expiration: expiration ? new Date(expiration) : undefined };
}

/**
 * Where and to what a worker joins, as the cluster itself publishes it (ConfigMap `kube-public/cluster-info`).
 * @param pinned the CA's pin that is in use: it stays, as long as the cluster has that CA
 */
export async function joinInformation(session: SshSession, pinned?: string): Promise<JoinInformation> {
  const kubeconfig = await kubectl(session, ["-n", "kube-public", "get", "configmap", "cluster-info", "-o", "jsonpath={.data.kubeconfig}"], { looks: true });
  return parseClusterInfo(kubeconfig, pinned);
}

/**
 * Reads the endpoint and pins the CA out of cluster-info's kubeconfig. While a CA is rotated, the bundle has several in any order, and kubeadm
 * is content with one of them (kubernetes/cmd/kubeadm, `pubkeypin.CheckAny`).
 * @throws UserError where it is none
 */
export function parseClusterInfo(kubeconfig: string, pinned?: string): JoinInformation {
  try {
    const { clusters } = load(kubeconfig) as { clusters: { cluster: { server: string; "certificate-authority-data": string } }[] };
    if (clusters.length !== 1) throw new Error(`${clusters.length} clusters`);
    const { server, "certificate-authority-data": ca } = clusters[0]!.cluster;
    const [, endpoint = ""] = /^https:\/\/([^/]+)\/?$/.exec(server) ?? [];
    if (!isEndpoint(endpoint)) throw new Error(`no endpoint: ${server}`);
    const pins = caCertHashes(Buffer.from(ca, "base64").toString());
    return { endpoint, caCertHash: pinned !== undefined && pins.includes(pinned) ? pinned : pins[0]! };
  } catch (cause) {
    throw new UserError("the cluster does not publish how to join it (ConfigMap kube-public/cluster-info)", {
      said: beginningOf(kubeconfig, 200),
      todo: "run `kubeadm init phase bootstrap-token` on a master",
      cause,
    });
  }
}

/** Certificates and keys stand in it in base64; the last one is what a text that was cut short lacks. */
const hasWholeData = (user: Record<string, unknown>) => Object.entries(user).every(([key, value]) => !key.endsWith("-data") || (typeof value === "string" && isWhole(value)));

const kubeconfigFormat = z.object({
  kind: z.literal("Config"),
  clusters: z.array(z.object({ cluster: z.object({ server: z.string() }) })).min(1),
  users: z.array(z.object({ user: z.record(z.string(), z.unknown()).refine(hasWholeData) })).min(1),
});

/**
 * The administrator's kubeconfig, as it is on a master.
 * @throws UserError where that is no whole kubeconfig; without a word of it, as it is a secret
 */
export async function adminKubeconfig(session: SshSession): Promise<string> {
  const text = await session.run(`sudo -n cat ${ADMIN_CONF}`, { looks: true });
  const isRead = kubeconfigFormat.safeParse(yamlIn(text)).success;
  if (!isRead) throw new UserError(`${ADMIN_CONF} on the master is no kubeconfig`, { todo: "`kubeadm init phase kubeconfig admin` makes a new one" });
  return text;
}

/** Undefined where it is none. */
function yamlIn(text: string): unknown {
  try {
    return load(text);
  } catch {
    return undefined;
  }
}

/**
 * The pins of all CA certificates in a bundle, in its order.
 * @throws Error where there is none, or one that cannot be read
 */
export function caCertHashes(bundle: string): string[] {
  const certificates = bundle.split(/^(?=-----BEGIN CERTIFICATE-----)/m).filter((text) => text.includes("-----BEGIN "));
  if (certificates.length === 0) throw new Error("no certificate");
  return certificates.map(caCertHash);
}

/** kubeadm's pin of a CA certificate (kubernetes/cmd/kubeadm, `pubkeypin.Hash`). */
export function caCertHash(pem: string): string {
  const spki = new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(spki).digest("hex")}`;
}

/** What {@link joinConfiguration} is made of. */
export interface JoinOptions extends JoinInformation {
  token: string;
  name: string;
  /** The runtime's socket, such as `unix:///run/containerd/containerd.sock`: with more than one on a machine kubeadm wants to be told. */
  criSocket: string;
  /** The address that the kubelet reports as the node's InternalIP. */
  nodeIp: string;
  taints: Taint[];
  /** Kubelet arguments without their dashes. */
  kubeletArgs: Record<string, string>;
  /** Deadline of the discovery and of the TLS bootstrap, each. */
  timeoutSeconds: number;
}

/** The configuration for `kubeadm join`, in the API version that the worker's kubeadm understands. */
export function joinConfiguration(version: string, options: JoinOptions): string {
  const { endpoint, token, caCertHash, name, criSocket, taints, timeoutSeconds } = options;
  const api = apiVersion(version);
  const args = { "node-ip": options.nodeIp, ...options.kubeletArgs };
  const isList = api.endsWith("v1beta4");
  const kubeletExtraArgs = isList ? Object.entries(args).map(([name, value]) => ({ name, value })) : args;
  const timeout = `${timeoutSeconds}s`;
  return dump({
    apiVersion: api,
    kind: "JoinConfiguration",
    discovery: {
      bootstrapToken: { apiServerEndpoint: endpoint, token, caCertHashes: [caCertHash] },
      ...(isList ? {} : { timeout }),
    },
    nodeRegistration: { name, criSocket, kubeletExtraArgs, taints },
    ...(isList ? { timeouts: { discovery: timeout, tlsBootstrap: timeout, kubeletHealthCheck: timeout } } : {}),
  });
}

/** Runs `kubeadm join`; its configuration, which holds the token, goes over standard input. */
export async function join(session: SshSession, configuration: string, timeoutMs: number): Promise<void> {
  await session.run("sudo -n kubeadm join --config /dev/stdin", { input: configuration, timeoutMs });
}

/**
 * What `kubeadm reset` leaves to the administrator. A stale CNI configuration would make the node Ready before its next CNI runs; its folder
 * stays, as containerd watches it, and would not see another one of its name. Where the bridge stays, no pod gets a network any more: the
 * Node that joins next has another pod subnet, and the bridge plugin refuses ("cni0" already has an IP address different from …).
 */
export const CNI_CLEANUP =
  "{ find /etc/cni/net.d /var/lib/cni -mindepth 1 -delete; rm -rf /run/flannel; ip link delete cni0; ip link delete flannel.1; } 2>/dev/null; true";

/** Takes off a machine what a join left on it, whole or half-done. */
export async function reset(session: SshSession, criSocket: string): Promise<void> {
  await session.run(shellCommand(["sudo", "-n", "kubeadm", "reset", "--force", "--cri-socket", criSocket]));
  await session.run(shellCommand(["sudo", "-n", "sh", "-c", CNI_CLEANUP]));
}
