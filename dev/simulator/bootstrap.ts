import { randomBytes } from "node:crypto";
import { kubeletsRequest } from "./certificateRequest";
import type { CertificateRequest, ClusterState, Token } from "./state";

/**
 * kubeadm's own group: it is bound to all that a join needs, and every request of its members for a kubelet's
 * certificate is approved.
 */
export const KUBEADM_GROUP = "system:bootstrappers:kubeadm:default-node-token";

/** The user that a token is. */
export const userOf = ({ id }: Pick<Token, "id">): string => `system:bootstrap:${id}`;

/** Whether a token's group is bound to a role. */
export const isBound = ({ bindings = [] }: ClusterState, { group = KUBEADM_GROUP }: Token, role: string): boolean =>
  group === KUBEADM_GROUP ||
  bindings.some(({ roleRef, subjects }) => roleRef.name === role && subjects.some(({ name }) => name === group));

/** What a kubelet does with a bootstrap token: asks for its certificate, under a name that the API server chooses. */
export function requestCertificate(cluster: ClusterState, token: Token, node: string): CertificateRequest {
  const { group = KUBEADM_GROUP } = token;
  const request: CertificateRequest = {
    name: `csr-${randomBytes(3).toString("hex").slice(0, 5)}`,
    username: userOf(token),
    groups: ["system:bootstrappers", group, "system:authenticated"],
    signerName: "kubernetes.io/kube-apiserver-client-kubelet",
    usages: ["digital signature", "client auth"],
    pem: kubeletsRequest(node),
    // The controller does not compare the name that is asked for with who asks
    // (kubernetes/pkg/controller/certificates/approver).
    ...(group === KUBEADM_GROUP && { decision: "Approved" as const }),
  };
  (cluster.requests ??= []).push(request);
  return request;
}
