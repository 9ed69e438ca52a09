import type { CertificateRequest } from "../state";
import { done, failed } from "./command";
import { type KubectlVerb, notFound } from "./kubectlVerb";

const KIND = "certificatesigningrequests.certificates.k8s.io";

/** `kubectl get certificatesigningrequests`, of one user, an object a line; or as names. */
export const getRequests: KubectlVerb = ({ state: { cluster } }, { flags: { output = "" } }) => {
  const requests = cluster.requests ?? [];
  if (output === "name")
    return done(requests.map(({ name }) => `certificatesigningrequest.certificates.k8s.io/${name}`).join("\n"));
  const [, user] =
    /^jsonpath=\{range \.items\[\?\(@\.spec\.username=="([^"]*)"\)\]\}\{@\}\{"\\n"\}\{end\}$/.exec(output) ?? [];
  if (user === undefined) return failed(`error: unable to match a printer suitable for the output format "${output}"`);
  return done(
    requests
      .filter(({ username }) => username === user)
      .map((request) => `${JSON.stringify(objectOf(request))}\n`)
      .join(""),
  );
};

/** `kubectl certificate approve|deny NAME…`: what was decided stays so. */
export const certificate: KubectlVerb = ({ state: { cluster } }, { operands: [verb, ...names] }) => {
  const decision = verb === "approve" ? "Approved" : verb === "deny" ? "Denied" : undefined;
  if (!decision) return failed(`error: unknown command "${verb} ${names.join(" ")}"`);
  const lines: string[] = [];
  for (const name of names) {
    const request = cluster.requests?.find((request) => request.name === name);
    if (!request) return failed(notFound(KIND, name).stderr, 1, lines.join("\n"));
    request.decision ??= decision;
    lines.push(`certificatesigningrequest.certificates.k8s.io/${name} ${decision.toLowerCase()}`);
  }
  return done(lines.join("\n"));
};

const objectOf = ({ name, username, groups, signerName, usages, pem, decision }: CertificateRequest) => ({
  apiVersion: "certificates.k8s.io/v1",
  kind: "CertificateSigningRequest",
  metadata: { name },
  spec: { groups, request: Buffer.from(pem).toString("base64"), signerName, usages, username },
  status: decision ? { conditions: [{ type: decision, status: "True" }] } : {},
});
