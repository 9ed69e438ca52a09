/**
 * Why the cluster did not do what a command of its administrator asked, where that is no refusal of the command itself.
 */
export interface ApiFailure {
  summary: string;
  hint: string;
  /** Another master may fare better: it has an admin.conf of its own. */
  ofMaster?: boolean;
}

/**
 * Reasons by which an API server refuses one request; it is well itself (kubernetes/apimachinery,
 * `metav1.StatusReason`).
 */
const REFUSALS = [
  "NotFound",
  "AlreadyExists",
  "Conflict",
  "Invalid",
  "BadRequest",
  "MethodNotAllowed",
  "NotAcceptable",
  "UnsupportedMediaType",
  "RequestEntityTooLarge",
  "Gone",
  "Expired",
];

/** The line in which kubectl says how it ended (kubernetes/kubectl, `checkErr`); others are of attempts before. */
const VERDICT = /^(Error from server|error: |Unable to connect to the server|The connection to the server|sudo: )/;

/**
 * What kubectl refuses by itself, before or after it has asked the server: of the commands that the program gives it.
 */
const REFUSED_BY_KUBECTL =
  /^error: (unknown (command|flag)|invalid (taint|label|argument)|unable to match a printer|Apply failed with |taint "[^"]*" not found|'[^']*' already has a value|node \S+ already has|.*(global timeout reached|cannot delete ))/;

/** What a shell gives where it cannot run a program. */
const NOT_RUN = [126, 127];

const RENEW =
  "`kubeadm certs check-expiration` on each master shows it; `kubeadm certs renew all` there renews it, then restart the control plane's static pods (move their manifests out of /etc/kubernetes/manifests for 20 s)";

/** Causes that have a cure of their own, by the words of Go's crypto/x509, of kubectl and of the API server. */
const CAUSES: readonly (readonly [RegExp, ApiFailure])[] = [
  [
    /x509: certificate has expired or is not yet valid: current time \S+ is before/,
    {
      summary: "the cluster's API server has a certificate that is not valid yet, by its own master's clock",
      hint: "set up time synchronisation on the masters",
    },
  ],
  [
    /x509: certificate has expired/,
    { summary: "the certificate of the cluster's API server has expired", hint: RENEW },
  ],
  [
    /x509: certificate signed by unknown authority/,
    {
      summary: "the cluster's API server is not the one that its master's admin.conf knows: another CA",
      hint: "compare /etc/kubernetes/pki/ca.crt on the masters, and see where the load balancer leads to",
      ofMaster: true,
    },
  ],
  [
    /You must be logged in to the server|\(Unauthorized\)/,
    {
      summary: "the cluster's API server does not accept its master's admin.conf",
      hint: `its certificate has most likely expired: ${RENEW}`,
      ofMaster: true,
    },
  ],
  [
    /\(Forbidden\)/,
    {
      summary: "the cluster's API server does not allow this to its master's admin.conf",
      hint: "see what forbids it: an admission policy, or an admin.conf that is no administrator's (`kubeadm init phase kubeconfig admin` makes a new one)",
      ofMaster: true,
    },
  ],
  [
    /error: stat \S*admin\.conf: no such file/,
    {
      summary: "this master has no /etc/kubernetes/admin.conf",
      hint: "was it reset, or is it no master? Where the cluster lives on others, give those in `masters`",
      ofMaster: true,
    },
  ],
];

/** The default: nobody knows all the words of a sick cluster. */
export const NO_ANSWER: ApiFailure = {
  summary: "the cluster's API server does not answer its own master",
  hint: "look on the masters whether kube-apiserver and etcd run (crictl ps -a, journalctl -u kubelet), and at the load balancer before them",
};

/** kubectl's last words without its notes of the attempts before. */
export function lastWords(output: string): string {
  const lines = output.trimEnd().split("\n");
  const words = lines.filter((line) => !/^[EWI]\d{4} /.test(line));
  return (words.length > 0 ? words : lines).join("\n");
}

/**
 * Judges a kubectl that failed, by kind: undefined where the server, kubectl or the system refused the command, which
 * it would do again. All else (5xx, 429, lost connections, timeouts, TLS, answers cut short, credentials) is a cluster
 * that does not do its work, now or for good.
 */
export function apiFailureOf(output: string, exitCode: number): ApiFailure | undefined {
  const verdict = output.split("\n").findLast((line) => VERDICT.test(line)) ?? "";
  const reason = /^Error from server \((\w+)\)/.exec(verdict)?.[1] ?? "";
  if (
    NOT_RUN.includes(exitCode) ||
    verdict.startsWith("sudo: ") ||
    REFUSALS.includes(reason) ||
    REFUSED_BY_KUBECTL.test(verdict)
  )
    return undefined;
  return CAUSES.find(([pattern]) => pattern.test(verdict))?.[1] ?? NO_ANSWER;
}
