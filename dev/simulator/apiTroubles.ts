import type { ExecResult } from "../../common/exec";

/**
 * Why an API server does not do its work, and what kubectl 1.32 says then: its real words, met with servers that
 * answered so.
 */
const troubles = {
  leader: "Error from server: etcdserver: leader changed",
  etcd: "Error from server: etcdserver: request timed out",
  timeout: discovering(
    "the server was unable to return a response in the time allotted, but may still be processing the request",
    "Error from server (Timeout): ",
  ),
  unavailable:
    "Error from server (ServiceUnavailable): the server is currently unable to handle the request (get nodes kube-node01)",
  internal: "Error from server (InternalError): Internal error occurred: resource quota evaluation timed out",
  tooMany: discovering(
    "the server has received too many requests and has asked us to try again later",
    "Error from server (TooManyRequests): ",
  ),
  badGateway:
    'Error from server (InternalError): an error on the server ("<html><body><h1>502 Bad Gateway</h1></body></html>") has prevented the request from succeeding (get nodes kube-node01)',
  html: "error: serializer for text/html doesn't exist",
  deadline: "Unable to connect to the server: context deadline exceeded",
  clientTimeout:
    "Unable to connect to the server: net/http: request canceled (Client.Timeout exceeded while awaiting headers)",
  handshake: "Unable to connect to the server: net/http: TLS handshake timeout",
  eof: "Unable to connect to the server: EOF",
  reset:
    'error: Get "https://192.168.4.20:6443/api/v1/nodes/kube-node01": read tcp 192.168.1.11:45524->192.168.4.20:6443: read: connection reset by peer' +
    " - error from a previous attempt: read tcp 192.168.1.11:45516->192.168.4.20:6443: read: connection reset by peer",
  cut: "E1127 20:08:31.539658   19538 request.go:1332] Unexpected error when reading response body: unexpected EOF\nerror: unexpected error when reading response body. Please retry. Original error: unexpected EOF",
  expired:
    "Unable to connect to the server: tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-27T20:08:31Z is after 2026-11-20T10:00:00Z",
  unauthorized: discovering(
    "the server has asked for the client to provide credentials",
    "error: You must be logged in to the server (",
    ")",
  ),
  forbidden:
    'Error from server (Forbidden): nodes "kube-node01" is forbidden: User "kubernetes-admin" cannot get resource "nodes" in API group "" at the cluster scope',
  otherCa:
    "Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority",
  noAdminConf: "error: stat /etc/kubernetes/admin.conf: no such file or directory",
} as const;

/** One of the {@link troubles}. */
export type Trouble = keyof typeof troubles;

/** What an API server suffers from, how many commands meet it, and which verb of kubectl; none: all of them. */
export interface Suffering {
  kind: Trouble;
  commands?: number;
  verb?: string;
}

/** All of them. */
export const troubleKinds = Object.keys(troubles) as Trouble[];

/** kubectl asks five times what the server knows, and prints each attempt. */
function discovering(error: string, before: string, after = ""): string {
  const attempt = `E1127 20:06:07.918541   11714 memcache.go:265] "Unhandled Error" err="couldn't get current server API group list: ${error}"`;
  return [...Array.from({ length: 5 }, () => attempt), `${before}${error}${after}`].join("\n");
}

/** How a command of kubectl ends in a trouble. */
export const troubled = (kind: Trouble): ExecResult => ({ stdout: "", stderr: `${troubles[kind]}\n`, exitCode: 1 });

/** The trouble that a command meets, if any. */
export function meetTrouble({ trouble }: { trouble?: Suffering }, verb: string): Trouble | undefined {
  if (!trouble || trouble.commands === 0 || (trouble.verb ?? verb) !== verb) return undefined;
  if (trouble.commands !== undefined) trouble.commands--;
  return trouble.kind;
}
