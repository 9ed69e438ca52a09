import { setTimeout as sleep } from "node:timers/promises";
import { isKubeletsRequest } from "./certificateRequest";
import { notUnderstood, parseJson } from "../common/json";
import { kubectl } from "./kubectl";
import { quoteValue } from "../common/quoteValue";
import type { SshSession } from "../ssh/session";
import { TOKEN_GROUP } from "./tokenGroup";
import type { Misuse } from "./misuse";
import type { Log } from "../common/log";

/** The parts of a CertificateSigningRequest that decide (kubernetes/api, certificates/v1). */
interface Request {
  metadata: { name: string };
  spec: { request: string; signerName: string; username: string; groups?: string[]; usages?: string[] };
  status?: { conditions?: unknown[] };
}

/** Whose certificate may be asked for, and with which token. */
export interface Bootstrap {
  name: string;
  /** The token's public half. */
  tokenId: string;
}

/** What has become of the requests of one join. */
export interface Approval {
  /** Requests that asked for something else, and were denied: a sentence each. */
  readonly denied: string[];
  /** Why the last look or approval failed, if it did. */
  readonly trouble: string | undefined;
  /** Looks a last time, and no more. */
  end(): Promise<void>;
}

const SIGNER = "kubernetes.io/kube-apiserver-client-kubelet";

/** A kubelet's, with an EC key and with an RSA key (kubernetes/pkg/apis/certificates, `ValidateKubeletClientCSR`). */
const USAGES = ["client auth,digital signature", "client auth,digital signature,key encipherment"];

const userOf = ({ tokenId }: Bootstrap) => `system:bootstrap:${tokenId}`;

/**
 * Between two looks, in milliseconds, from the first on; the kubelet goes on at once when it has its certificate.
 * Longer after failures.
 */
const FIRST_MS = 200;
const LOOK_MS = 1_000;
const FAILED_MS = 8_000;
/** How long one look or decision may take. */
const COMMAND_MS = 15_000;

/** So many requests are decided on at once; the next look finds the others. */
const AT_ONCE = 20;

/**
 * Approves a joining kubelet's request for its certificate as soon as it is there, and denies every other request that
 * was made with the same token, until it is stopped. A kubelet that starts again asks again, with another key. What
 * fails is tried again, less and less often.
 *
 * @param note is told of each request that is about to be denied, and keeps it
 */
export function startApproving(master: SshSession, bootstrap: Bootstrap, log: Log, note = noNote): Approval {
  const ended = new AbortController();
  const approval = { denied: [] as string[], trouble: undefined as string | undefined, end };
  const toDeny = async (problem: string) => {
    if (!approval.denied.includes(problem)) approval.denied.push(problem);
    await note(problem);
  };
  const look = async () => {
    try {
      await decide(master, bootstrap, log, toDeny);
      approval.trouble = undefined;
    } catch (error) {
      approval.trouble = (error as Error).message;
    }
  };
  const looking = (async () => {
    for (let waitMs = FIRST_MS; !ended.signal.aborted;) {
      await look();
      await sleep(waitMs, undefined, { signal: ended.signal }).catch(() => undefined);
      waitMs = Math.min(waitMs * 2, approval.trouble === undefined ? LOOK_MS : FAILED_MS);
    }
  })();
  async function end() {
    ended.abort();
    await looking;
    await look();
  }
  return approval;
}

const noNote: Misuse["note"] = () => Promise.resolve();

/**
 * Decides on what is undecided of a token's requests.
 * @param toDeny is told of each that is denied next: whatever becomes of this process, it is known by then
 * @returns what was denied
 */
export async function decide(master: SshSession, bootstrap: Bootstrap, log: Log, toDeny = noNote): Promise<string[]> {
  const undecided = (await requestsOf(master, bootstrap))
    .filter(({ status }) => !status?.conditions?.length)
    .slice(0, AT_ONCE);
  const denied: string[] = [];
  for (const request of undecided) {
    const problem = problemOf(request, bootstrap);
    if (problem) await toDeny(problem);
    await certificate(master, problem ? "deny" : "approve", request.metadata.name);
    if (!problem) {
      log("joining the cluster: its kubelet's certificate is approved");
      continue;
    }
    log(`its token was used to ask for another certificate, which is denied: ${problem}`, "warning");
    denied.push(problem);
  }
  return denied;
}

/** Only this token's: one object a line. */
async function requestsOf(master: SshSession, bootstrap: Bootstrap): Promise<Request[]> {
  const template = `jsonpath={range .items[?(@.spec.username=="${userOf(bootstrap)}")]}{@}{"\\n"}{end}`;
  const lines = await kubectl(master, ["get", "certificatesigningrequests", "-o", template], {
    readOnly: true,
    timeoutMs: COMMAND_MS,
    patienceMs: 0,
  });
  return lines
    .split("\n")
    .filter((line) => line.trim())
    .map(requestIn);
}

function requestIn(line: string): Request {
  const request = parseJson(line, "kubectl get certificatesigningrequests") as Request;
  const isKnown =
    typeof request?.metadata?.name === "string" &&
    typeof request.spec?.request === "string" &&
    typeof request.spec.username === "string";
  if (!isKnown) throw notUnderstood("kubectl get certificatesigningrequests", "with the requests", line);
  return request;
}

/** What is wrong with a request; undefined where it is the one that this worker's kubelet makes. */
export function problemOf({ spec }: Request, bootstrap: Bootstrap): string | undefined {
  const { signerName, username, groups = [], usages = [] } = spec;
  if (username !== userOf(bootstrap) || !groups.includes(TOKEN_GROUP))
    return `it is ${quoteValue(username)}'s, with the groups ${quoteValue(groups)}`;
  if (signerName !== SIGNER) return `its signer is ${quoteValue(signerName)}`;
  if (!USAGES.includes([...usages].sort().join())) return `its usages are ${quoteValue(usages)}`;
  const isOwn = isKubeletsRequest(Buffer.from(spec.request, "base64").toString("latin1"), bootstrap.name);
  return isOwn
    ? undefined
    : `its subject is not exactly O=system:nodes, CN=system:node:${bootstrap.name}, without other names`;
}

/** A request's name is its maker's choice. */
async function certificate(master: SshSession, verb: "approve" | "deny", name: string): Promise<void> {
  const output = await kubectl(master, ["certificate", verb, "--", name], { timeoutMs: COMMAND_MS, patienceMs: 0 });
  const done = { approve: "approved", deny: "denied" }[verb];
  if (!output.includes(`${name} ${done}`))
    throw notUnderstood(`kubectl certificate ${verb}`, `as it does when it has ${done} it`, output);
}
