import { randomInt } from "node:crypto";
import { isWholeBase64 } from "../common/base64";
import { notUnderstood } from "../common/json";
import { markOf, type Owner } from "../common/mark";
import type { SshSession } from "../ssh/session";
import { kubectl } from "./kubectl";
import { epochOf } from "./preflight";
import { TOKEN_GROUP } from "./tokenGroup";

/** A bootstrap token's description says whose it is, so that one that an interrupted run left behind is found again. */
export const tokenDescription = (owner: Owner) => `vbox-kubeadm ${markOf(owner)}`;

/** The public half of a token, which names its Secret. */
export const tokenId = (token: string) => token.slice(0, 6);

/**
 * A new bootstrap token: `[a-z0-9]{6}.[a-z0-9]{16}`. Made here, so that its id is known whatever becomes of the call
 * that registers it.
 */
export function newToken(): string {
  const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  const random = (length: number) => Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("");
  return `${random(6)}.${random(16)}`;
}

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
 * Registers a bootstrap token with the cluster, by its Secret: `kubeadm token create` does no more, asks a sick API
 * server for a minute or two, and with kubeadm 1.29 does not say what it suffers from. It goes over standard input, so
 * that no process's arguments hold it. It ends by the master's clock, which may not be ours.
 */
export async function registerToken(session: SshSession, token: string, options: TokenOptions): Promise<void> {
  const name = secretOf(tokenId(token));
  const ends = new Date(((await epochOf(session)) + options.ttlMinutes * 60) * 1000);
  // Server-side: applied a second time, as after an answer that was lost, it is the same; and its values are in no
  // annotation.
  const output = await kubectl(
    session,
    ["apply", "--server-side", `--field-manager=${TOKEN_MANAGER}`, "--filename=-"],
    {
      input: JSON.stringify(tokenSecret(token, ends, options)),
    },
  );
  if (!output.includes(`secret/${name} serverside-applied`))
    throw notUnderstood("kubectl apply", `as it does when it has made ${name}`, output);
}

/** The field manager of a token's Secret. */
export const TOKEN_MANAGER = "vbox-kubeadm";

/** A bootstrap token as the API server keeps it (kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens). */
export function tokenSecret(
  token: string,
  ends: Date,
  { description, group = TOKEN_GROUP }: Omit<TokenOptions, "ttlMinutes">,
) {
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
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
  );
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: secretOf(id), namespace: "kube-system" },
    type: "bootstrap.kubernetes.io/token",
    data,
  };
}

/** Deletes a token; one that is gone already is as good. */
export async function revokeToken(session: SshSession, id: string): Promise<void> {
  const secret = secretOf(id);
  const output = await kubectl(session, ["-n", "kube-system", "delete", "secret", secret, "--ignore-not-found"]);
  if (output.trim() && !output.includes(`"${secret}" deleted`))
    throw notUnderstood("kubectl delete secret", `as it does when it has deleted ${secret}`, output);
}

/**
 * Revokes every token that was made for a worker of a stack: also one that an interrupted operation registered and does
 * not know of.
 */
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

/**
 * Prints a line for each bootstrap token: id, expiration and description, in base64. Only these, so that no secret half
 * leaves the master.
 */
export const TOKEN_TEMPLATE =
  '{{range .items}}{{index .data "token-id"}} {{index .data "expiration"}} {{index .data "description"}}{{"\\n"}}{{end}}';

/** What a template prints for a key that is not there. */
const NO_VALUE = "<no value>";

/** A line of {@link TOKEN_TEMPLATE}: a token may be without expiration and description. */
const TOKEN_LINE = new RegExp(`^[\\w+/=]+( ([\\w+/=]*|${NO_VALUE})){2}$`);

/** The bootstrap tokens that the cluster has. */
export async function listTokens(session: SshSession): Promise<TokenRecord[]> {
  const selector = "type=bootstrap.kubernetes.io/token";
  const output = await kubectl(
    session,
    ["-n", "kube-system", "get", "secrets", "--field-selector", selector, "-o", `go-template=${TOKEN_TEMPLATE}`],
    { readOnly: true },
  );
  return output.split("\n").filter(Boolean).map(parseTokenLine);
}

function parseTokenLine(line: string): TokenRecord {
  const fields = line.replaceAll(NO_VALUE, "").split(" ");
  if (!TOKEN_LINE.test(line) || !fields.every(isWholeBase64))
    throw notUnderstood("kubectl get secrets", "with the tokens", line);
  const [id, expiration, description] = fields.map((field) => Buffer.from(field, "base64").toString());
  return { id: id!, description: description ?? "", expiration: expiration ? new Date(expiration) : undefined };
}
