import { OWNER_ANNOTATION } from "../../kubernetes/labels";
import { SshError, type SshErrorKind } from "../../ssh/error";
import { deleteNode, drain, resetWorker } from "../../kubernetes/leave";
import { FakeSession } from "../support/fakeSession";

const plan = {
  name: "n1",
  stack: "kube/dev",
  nodeUid: "uid",
  systemUuid: "u1",
  drainTimeoutSeconds: 5,
  commandTimeoutSeconds: 5,
};
const node = (uid: string, owner?: string, systemUUID = "U2") =>
  JSON.stringify({
    metadata: { name: "n1", uid, annotations: owner && { [OWNER_ANNOTATION]: owner } },
    spec: {},
    status: { nodeInfo: { machineID: "m", systemUUID, kubeletVersion: "v1.36.3" } },
  });

test.each([
  ["by its mark", node("another", "kube/dev/n1", "U1")],
  ["by its mark, whatever its kubelet says of its machine", node("uid", "kube/dev/n1")],
  ["by its UID, where somebody took the mark away", node("uid")],
  ["by its machine, whose kubelet recreated it", node("another", undefined, "U1")],
])("a Node is ours %s, and is drained", async (_what, existing) => {
  const master = new FakeSession([[/get node/, existing]]);
  expect(await drain(master, plan, () => {})).toBe(true);
  expect(master.did(/drain n1 .*--timeout=5s/)).toBe(true);
});

const notOurs = "the cluster's Node of this name is not ours: it stays";
test.each([
  ["somebody else's", node("another", "kube/prod/n1"), notOurs],
  ["somebody else's by now, on our machine", node("uid", "kube/prod/n1", "U1"), notOurs],
  ["nobody's", node("another"), notOurs],
  [
    "of a machine that came after an old state's",
    node("another", "kube/dev/n1"),
    "the cluster's Node of this name is of a machine that the state does not know: it stays",
  ],
])("a Node of the same name that is %s is left alone", async (_what, existing, told) => {
  const master = new FakeSession([[/get node/, existing]]);
  const lines: string[] = [];
  expect(await drain(master, plan, (line) => void lines.push(line))).toBe(false);
  expect(master.ran).toHaveLength(1);
  expect(lines).toEqual([told]);
});

test("a drain that does not end well stops nothing, but an API server that is gone is told", async () => {
  const lines: string[] = [];
  const draining = (stderr: string, later = node("uid") as ConstructorParameters<typeof FakeSession>[0][0][1]) => {
    const readOnly = [node("uid"), later];
    return drain(
      new FakeSession([
        [/get node/, () => readOnly.shift() as string],
        [/drain/, { exitCode: 1, stderr }],
      ]),
      plan,
      (line) => void lines.push(line),
    );
  };
  expect(await draining("error: global timeout reached: 5s")).toBe(true);
  expect(lines.at(-1)).toMatch(
    /^was not drained within 5 s, and leaves all the same: kubectl drain n1 failed with exit code 1\n.*global timeout/,
  );
  expect(await draining("error: error when evicting pods/x: a webhook that nobody knows")).toBe(true);
  await expect(
    draining("Unable to connect to the server: EOF", { exitCode: 1, stderr: "Unable to connect to the server: EOF" }),
  ).rejects.toThrow("the cluster's API server does not answer its own master");
});

test.each<[SshErrorKind, boolean]>([
  ["dropped", true],
  ["unreachable", true],
  ["timeout", false],
])("a connection that is lost in the middle leaves open how far that got, and is told: %s", async (kind, isTold) => {
  const lost = new SshError(kind, "it was lost");
  const drained = drain(
    new FakeSession([
      [/get node/, node("uid")],
      [/drain/, lost],
    ]),
    plan,
    () => {},
  );
  const reset = resetWorker(
    new FakeSession([[/kubeadm reset/, lost]]),
    "unix:///run/containerd/containerd.sock",
    () => {},
  );
  for (const work of [drained, reset]) await (isTold ? expect(work).rejects.toBe(lost) : work);
});

test("a Node that is still there after its deletion is told", async () => {
  const master = new FakeSession([[/get node/, node("uid")]]);
  await expect(deleteNode(master, "n1")).rejects.toThrow(
    /the Node n1 is still there after its deletion\n→ .*finalizer/,
  );
});
