import { isTransient, tryToJoin } from "../../kubernetes/joinAttempts";
import { SshError } from "../../ssh/error";
import { FakeSession } from "../support/fakeSession";

const check = (...errors: string[]) =>
  [
    "[preflight] Some fatal errors occurred:",
    ...errors.map((error) => `\t[ERROR ${error}`),
    "error: error execution phase preflight: preflight checks failed",
  ].join("\n");
const slowRuntime = check(
  "CRI]: could not connect to the container runtime: failed to create new CRI runtime service: validate service connection: rpc error: code = DeadlineExceeded desc = context deadline exceeded",
);

test.each<[string, string, boolean]>([
  ["a runtime that is slow", slowRuntime, true],
  [
    "a runtime that is not there",
    check(
      "CRI]: could not connect to the container runtime: dial unix /run/containerd/containerd.sock: connect: no such file or directory",
    ),
    false,
  ],
  [
    "a slow runtime, and a port in use",
    check("CRI]: context deadline exceeded", "Port-10250]: Port 10250 is in use"),
    false,
  ],
  [
    "a discovery without an answer",
    'couldn\'t validate the identity of the API Server: failed to request the cluster-info ConfigMap: Get "https://x:6443/api": net/http: TLS handshake timeout',
    true,
  ],
  ["a sick etcd", "unable to fetch the kubeadm-config ConfigMap: etcdserver: leader changed", true],
  [
    "a bootstrap that got no certificate in time",
    "error execution phase kubelet-start: timed out waiting for the condition",
    true,
  ],
  [
    "a kubelet that did not register its Node in time",
    'error execution phase kubelet-start: error uploading crisocket: nodes "n1" not found',
    true,
  ],
  [
    "a kubelet that got no certificate in time",
    "error execution phase kubelet-wait-bootstrap: failed while waiting for TLS bootstrap: context deadline exceeded",
    true,
  ],
  ["a token that is gone", 'could not find a JWS signature in the cluster-info ConfigMap for token ID "abcdef"', false],
  [
    "a kubelet that does not come up",
    'the HTTP call equal to "curl -sSL http://127.0.0.1:10248/healthz" failed: Get "http://127.0.0.1:10248/healthz": context deadline exceeded',
    false,
  ],
  ["a name that is taken", 'a Node with name "n1" and status "Ready" already exists in the cluster', false],
])("whether it passes: %s", (_what, message, passes) => expect(isTransient(message)).toBe(passes));

const worker = (...answers: (string | Error)[]) => new FakeSession([[/kubeadm join/, () => answers.shift()!]]);
let takenBack: number;
beforeEach(() => void (takenBack = 0));
const takeBack = () => Promise.resolve(void takenBack++);
const attempt = (session: FakeSession, deadlineMs = 100) =>
  tryToJoin(session, "", { takeBack, deadlineMs, log: () => {} });
const joins = (session: FakeSession) => session.ran.filter((command) => command.includes("kubeadm join")).length;

test("what passes is tried again, each time after what was left is taken back", async () => {
  const session = worker(new Error(slowRuntime), new Error("etcdserver: leader changed"), "");
  await attempt(session);
  expect([joins(session), takenBack]).toEqual([3, 2]);
});

test.each<[string, Error, number]>([
  ["for good", new Error("Port 10250 is in use"), 100],
  ["for a lost connection, of which nobody knows how far it got", new SshError("dropped", "connection reset"), 100],
  ["when the time is over", new Error(slowRuntime), 0],
])("what failed %s is not tried again", async (_what, error, deadlineMs) => {
  const session = worker(error, "");
  await expect(attempt(session, deadlineMs)).rejects.toBe(error);
  expect(joins(session)).toBe(1);
});

test("an attempt that the deadline cuts short does not hide why the one before failed", async () => {
  const reason = new Error(slowRuntime);
  await expect(attempt(worker(reason, new SshError("timeout", "it did not end within 3 s")))).rejects.toBe(reason);
});
