import { adminKubeconfig } from "../../../kubernetes/adminKubeconfig";
import { joinInformation } from "../../../kubernetes/clusterInfo";
import { listTokens } from "../../../kubernetes/bootstrapToken";
import { getNode, getNodes, getPodsOn } from "../../../kubernetes/kubectl";
import { parseEpoch, parseFacts } from "../../../kubernetes/preflight";
import { UserError } from "../../../common/errors";
import type { SshSession } from "../../../ssh/session";
import { nodeObject, podObjects } from "../../../dev/simulator/kubeObjects";
import { FakeSession } from "../../support/fakeSession";
import { oddAnswers } from "../../support/oddAnswers";

/**
 * Every reader of what kubectl, kubeadm and a worker's preflight print: what is not understood is an error, never a
 * default.
 */
const isReady = { status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" } as const;
const known = {
  name: "n1",
  uid: "u",
  systemUuid: "x",
  machineId: "y",
  internalIp: "192.168.2.130",
  kubeletVersion: "v1.36.3",
  registered: 0,
  labels: {},
  annotations: {},
  taints: [{ key: "a", effect: "NoSchedule" as const }],
};
const node = JSON.stringify(nodeObject(known, isReady));
const base64 = (text: string) => Buffer.from(text).toString("base64");
const kubeconfig =
  "apiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    server: https://a:6443\n  name: a\nusers:\n- name: b\n  user:\n    client-key-data: " +
  base64("secret-of-the-administrator") +
  "\n";
const facts =
  "swap=0\nbrNetfilter=1\nipForward=1\nmachineId=0123\nsystemUuid=ABCD-EF\ncriSockets=/run/containerd/containerd.sock \nkubeletVersion=v1.36.3\nkubeadmVersion=v1.36.3\ncgroup=cgroup2fs\njoined=0\nepoch=1790000000\nhalfJoined=1\n";

interface Reader {
  right: string;
  read(session: SshSession, answer: string): unknown;
  /** Odd answers that it reads all the same, and rightly. */
  takes?: Readonly<Record<string, unknown>>;
}

const readers: Readonly<Record<string, Reader>> = {
  "a Node": {
    right: node,
    read: (session) => getNode(session, "n1"),
    takes: { nothing: undefined, "a blank line": undefined },
  },
  Nodes: { right: `{"items":[${node}]}`, read: getNodes },
  Pods: { right: JSON.stringify({ items: podObjects(known, isReady) }), read: (session) => getPodsOn(session, "n1") },
  tokens: {
    right: `${base64("abcdef")} <no value> ${base64("vbox-kubeadm kube/dev/n1")}\n`,
    read: async (session) => (await listTokens(session)).map(({ id }) => id),
    takes: { nothing: [], "a blank line": [], "the same twice": ["abcdef", "abcdef"] },
  },
  "cluster-info": { right: "", read: joinInformation },
  "the administrator's kubeconfig": { right: kubeconfig, read: adminKubeconfig },
  // A greeting has no line that could be taken for a fact.
  "a worker's facts": {
    right: facts,
    read: (_session, answer) => parseFacts(answer, 0),
    takes: { "a greeting before it": expect.objectContaining({ halfJoined: true }) },
  },
  "a clock": { right: "1790000000\n", read: (_session, answer) => parseEpoch(answer) },
};

const odd = Object.entries(readers).flatMap(([what, reader]) =>
  Object.entries(oddAnswers(reader.right)).map(([kind, answer]) => [what, kind, answer, reader] as const),
);

test.each(odd)("%s: %s", async (_what, kind, answer, { read, takes = {} }) => {
  const reading = Promise.resolve().then(() => read(new FakeSession([[/./, answer]]), answer));
  const outcome = await reading.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (kind in takes) return expect(outcome).toEqual({ value: takes[kind] });
  expect(outcome).toEqual({ error: expect.any(UserError) });
  expect((outcome as { error: Error }).error.message).not.toContain(base64("secret-of-the-").slice(0, 12));
});

test.each(Object.entries(readers).filter(([, { right }]) => right !== ""))(
  "%s as they should be are read",
  async (_what, { right, read }) => {
    await expect(Promise.resolve().then(() => read(new FakeSession([[/./, right]]), right))).resolves.toBeDefined();
  },
);

test.each(facts.trimEnd().split("\n"))("a worker's facts without %s, or with it twice, are none", (line) => {
  expect(() => parseFacts(facts.replace(`${line}\n`, ""), 0)).toThrow("the worker did not answer");
  expect(() => parseFacts(`${facts}${line}\n`, 0)).toThrow("the worker did not answer");
  expect(() => parseFacts(facts.replace(line, `${line.split("=")[0]}=no such thing`), 0)).toThrow(
    "the worker did not answer",
  );
});

test("a worker whose sudo refuses is told as one", () => {
  expect(() => parseFacts(facts.replace("ABCD-EF", ""), 0)).toThrow(/^the worker's sudo refused[^]*sudo -n true/);
});

test("another Node than the one that was asked for is none, and a taint without an effect is not left out", async () => {
  await expect(getNode(new FakeSession([[/./, node]]), "n2")).rejects.toThrow(
    "kubectl get node did not answer with the Node n2",
  );
  const strange = node.replace('"effect":"NoSchedule"', '"effekt":"NoSchedule"');
  await expect(getNode(new FakeSession([[/./, strange]]), "n1")).rejects.toThrow("did not answer");
});
