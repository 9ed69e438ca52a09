import { createHash, X509Certificate } from "node:crypto";
import { load } from "js-yaml";
import { UserError } from "../common/errors";
import { beginningOf } from "../common/quoted";
import type { SshSession } from "../ssh/session";
import { isEndpoint } from "./joinProblems";
import { kubectl } from "./kubectl";

/** What a worker needs to join a cluster: what `kubeadm token create --print-join-command` prints. */
export interface JoinInformation {
  /** The API server's address and port. */
  endpoint: string;
  /** `sha256:` and the hexadecimal digest of the CA certificate's SubjectPublicKeyInfo. */
  caCertHash: string;
}

/**
 * Where and to what a worker joins, as the cluster itself publishes it (ConfigMap `kube-public/cluster-info`).
 * @param pinned the CA's pin that is in use: it stays, as long as the cluster has that CA
 */
export async function joinInformation(session: SshSession, pinned?: string): Promise<JoinInformation> {
  const kubeconfig = await kubectl(
    session,
    ["-n", "kube-public", "get", "configmap", "cluster-info", "-o", "jsonpath={.data.kubeconfig}"],
    { readOnly: true },
  );
  return parseClusterInfo(kubeconfig, pinned);
}

/**
 * Reads the endpoint and pins the CA out of cluster-info's kubeconfig. While a CA is rotated, the bundle has several in
 * any order, and kubeadm is content with one of them (kubernetes/cmd/kubeadm, `pubkeypin.CheckAny`).
 * @throws UserError where it is none
 */
export function parseClusterInfo(kubeconfig: string, pinned?: string): JoinInformation {
  try {
    const { clusters } = load(kubeconfig) as {
      clusters: { cluster: { server: string; "certificate-authority-data": string } }[];
    };
    if (clusters.length !== 1) throw new Error(`${clusters.length} clusters`);
    const { server, "certificate-authority-data": ca } = clusters[0]!.cluster;
    const [, endpoint = ""] = /^https:\/\/([^/]+)\/?$/.exec(server) ?? [];
    if (!isEndpoint(endpoint)) throw new Error(`no endpoint: ${server}`);
    const pins = caCertHashes(Buffer.from(ca, "base64").toString());
    return { endpoint, caCertHash: pinned !== undefined && pins.includes(pinned) ? pinned : pins[0]! };
  } catch (cause) {
    throw new UserError("the cluster does not publish how to join it (ConfigMap kube-public/cluster-info)", {
      output: beginningOf(kubeconfig, 200),
      hint: "run `kubeadm init phase bootstrap-token` on a master",
      cause,
    });
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
