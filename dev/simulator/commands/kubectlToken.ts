import type { ExecResult } from "../../../common/exec";
import type { SiteState, Token } from "../state";
import { done, failed } from "./command";

/** The Secret of a bootstrap token, as it is applied. */
export interface TokenSecret {
  kind: "Secret";
  type?: string;
  metadata: { name: string; namespace?: string };
  data?: Record<string, string>;
}

/**
 * `kubectl apply --server-side -f -` of a bootstrap token. What Kubernetes takes for none is applied, and no token:
 * without one of its usages it neither signs cluster-info nor lets anybody in (k8s.io/cluster-bootstrap,
 * k8s.io/kubernetes/plugin/pkg/auth/authenticator/token/bootstrap).
 */
export function applyToken(
  { cluster }: Pick<SiteState, "cluster">,
  { type, metadata, data = {} }: TokenSecret,
): ExecResult {
  const value = (key: string) => Buffer.from(data[key] ?? "", "base64").toString();
  const [id, secret] = [value("token-id"), value("token-secret")];
  const found = cluster.tokens.find((token) => token.id === id);
  if (found && found.secret !== secret)
    return failed('error: Apply failed with 1 conflict: conflict with "kubeadm" using v1: .data.token-secret');
  const expires = Date.parse(value("expiration"));
  const isToken =
    type === "bootstrap.kubernetes.io/token" &&
    metadata.namespace === "kube-system" &&
    metadata.name === `bootstrap-token-${id}` &&
    /^[a-z0-9]{6}$/.test(id) &&
    /^[a-z0-9]{16}$/.test(secret);
  const isUsable = value("usage-bootstrap-signing") === "true" && value("usage-bootstrap-authentication") === "true";
  const token: Token = {
    id,
    secret,
    description: value("description"),
    group: value("auth-extra-groups"),
    ...(data.expiration && { expires }),
  };
  if (isToken && isUsable && !Number.isNaN(expires))
    cluster.tokens = [...cluster.tokens.filter((other) => other !== found), token];
  return done(`secret/${metadata.name} serverside-applied`);
}
