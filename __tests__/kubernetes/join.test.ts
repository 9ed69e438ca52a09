import { newToken, tokenDescription } from "../../kubernetes/bootstrapToken";
import { OWNER_ANNOTATION } from "../../kubernetes/labels";
import { SshError } from "../../ssh/error";
import { ensureJoined, type JoinPlan, type JoinSessions, revokingToken } from "../../kubernetes/join";
import { FakeSession } from "../support/fakeSession";
import { innocent } from "../support/innocent";

const token = newToken();
const plan: JoinPlan = {
  name: "n1",
  stack: "kube/dev",
  endpoint: "192.168.4.20:6443",
  caCertHash: "sha256:00",
  token,
  address: "192.168.2.130",
  criSocket: "unix:///run/containerd/containerd.sock",
  taints: [],
  kubeletArgs: {},
  joinTimeoutSeconds: 1,
};
const now = () => Math.round(Date.now() / 1000);
const facts =
  (joined: 0 | 1, halfJoined: 0 | 1 = 0) =>
  () =>
    `swap=0\nbrNetfilter=1\nipForward=1\nepoch=${now()}\nmachineId=m1\nsystemUuid=U1\ncriSockets=/run/containerd/containerd.sock\nkubeletVersion=v1.36.3\nkubeadmVersion=v1.36.3\ncgroup=cgroup2fs\njoined=${joined}\nhalfJoined=${halfJoined}`;
const node = (annotations: Record<string, string> = {}, systemUUID = "u1") =>
  JSON.stringify({
    metadata: { name: "n1", uid: "uid", annotations },
    spec: {},
    status: {
      conditions: [{ type: "Ready", status: "Unknown" }],
      nodeInfo: { machineID: "m1", systemUUID, kubeletVersion: "v1.36.3" },
    },
  });
const base64 = (text: string) => Buffer.from(text).toString("base64");
const tokens = (id: string, minutes: number) => () =>
  `${base64(id)} ${base64(new Date(Date.now() + minutes * 60_000).toISOString())} ${base64(tokenDescription(plan))}\n`;

interface Cluster {
  existing?: string | (() => string);
  known?: string | (() => string);
  revoked?: string | Error;
}
const master = ({ existing = "", known = tokens(token.slice(0, 6), 20), revoked = "" }: Cluster = {}) => {
  const session: FakeSession = new FakeSession([
    [/delete secret/, revoked],
    [/get node n1/, existing],
    [/get nodes/, '{"items":[]}'],
    [/kubectl.* version/, '{"serverVersion":{"gitVersion":"v1.36.3"}}'],
    [/date/, () => String(now())],
    [
      /get secrets/,
      () => [typeof known === "string" ? known : known(), ...madeOf(session).map((id) => tokens(id, 30)())].join(""),
    ],
    [/kubeadm version/, "v1.36.3"],
    [/--field-manager=vbox-kubeadm'? /, () => `secret/bootstrap-token-${madeOf(session)[0]!} serverside-applied`],
    [
      /apply --server-side/,
      ["node-bootstrapper", "get-nodes", "kubelet-config", "nodes-kubeadm-config"]
        .map((role) => `binding/vbox-kubeadm:${role} serverside-applied\n`)
        .join(""),
    ],
  ]);
  return session;
};
/** The tokens that a master was given, by their ids, the last one first. */
const madeOf = ({ inputs }: FakeSession) =>
  inputs.flatMap((input) => /"bootstrap-token-(\w{6})"/.exec(input)?.[1] ?? []).reverse();
const worker = (say: () => string, join: string | Error | (() => string | Error) = "") =>
  new FakeSession([
    [/product_uuid/, say],
    [/kubeadm join/, join],
    [/journalctl/, "--- kubelet\nfailed: no space left on device"],
  ]);
const log = () => {};

/** As the resource does it. */
const joined = (sessions: Omit<JoinSessions, "misuse">, plan: JoinPlan) =>
  revokingToken(sessions, plan, () => ensureJoined({ ...sessions, misuse: innocent }, plan));

test("a fresh worker joins with its token over standard input, and the token is revoked", async () => {
  const [m, w] = [master(), worker(facts(0))];
  await joined({ master: m, worker: w, log }, plan);
  expect(w.did(/kubeadm join --config \/dev\/stdin/)).toBe(true);
  expect(w.did(/kubeadm reset/)).toBe(false);
  expect(w.inputs.join()).toContain(token);
  expect([...w.ran, ...m.ran].join()).not.toContain(token);
  expect(m.did(new RegExp(`delete secret bootstrap-token-${token.slice(0, 6)}`))).toBe(true);
});

test("a joined worker is left alone", async () => {
  const [m, w] = [master({ existing: node() }), worker(facts(1))];
  await joined({ master: m, worker: w, log }, plan);
  expect(w.did(/kubeadm (join|reset)/)).toBe(false);
});

test("a reset empties the CNI's folder and leaves it, as containerd watches it", async () => {
  const w = worker(facts(0, 1));
  await joined({ master: master(), worker: w, log }, plan);
  expect(w.did(/find \/etc\/cni\/net\.d .*-mindepth 1 -delete/)).toBe(true);
  expect(w.did(/rm -rf \/etc\/cni/)).toBe(false);
});

test("a half-done join is taken back before the next", async () => {
  const w = worker(facts(0, 1));
  await joined({ master: master(), worker: w, log }, plan);
  const order = w.ran.filter((command) => /kubeadm (reset|join)/.test(command));
  expect(order[0]).toMatch(/reset/);
  expect(order[1]).toMatch(/join/);
});

test("our own Node of an earlier machine goes first, with the pods that were bound to it", async () => {
  const m: FakeSession = master({
    existing: () => (m.did(/delete node/) ? "" : node({ [OWNER_ANNOTATION]: "kube/dev/n1" }, "another")),
  });
  await joined({ master: m, worker: worker(facts(0)), log }, plan);
  expect(m.did(/delete node n1/)).toBe(true);
  expect(m.did(/delete pods --all-namespaces --field-selector '?spec.nodeName=n1/)).toBe(true);
});

test("a Node that is not ours is refused, and nothing is changed", async () => {
  const [m, w] = [master({ existing: node({}, "another") }), worker(facts(0))];
  await expect(joined({ master: m, worker: w, log }, plan)).rejects.toThrow(
    "already has a Node n1, which this stack did not make",
  );
  expect(m.did(/delete (node|pods)/)).toBe(false);
  expect(w.did(/kubeadm (join|reset)/)).toBe(false);
});

test.each<[string, string | (() => string)]>([
  ["expired", tokens(token.slice(0, 6), -5)],
  ["gone", ""],
  ["short", tokens(token.slice(0, 6), 1.02)],
  [
    "older",
    () => tokens(token.slice(0, 6), 20)().replace(base64(tokenDescription(plan)), base64("vbox-kubeadm kube/other")),
  ],
])("a token that is %s is renewed for as long as this join may take, and the new one revoked", async (_what, known) => {
  const [m, w] = [master({ known }), worker(facts(0))];
  await joined({ master: m, worker: w, log }, plan);
  const [fresh] = madeOf(m);
  const { data } = JSON.parse(m.inputs.find((input) => input.includes("bootstrap-token"))!) as {
    data: { expiration: string };
  };
  expect(fresh).not.toBe(token.slice(0, 6));
  expect(Date.parse(Buffer.from(data.expiration, "base64").toString()) - Date.now()).toBeCloseTo(120_000, -4);
  expect(w.inputs.join()).toContain(`${fresh}.`);
  expect(m.did(new RegExp(`delete secret bootstrap-token-${fresh}`))).toBe(true);
});

test("an unfit worker is not touched", async () => {
  const w = worker(() => facts(0)().replace("swap=0", "swap=1"));
  await expect(joined({ master: master(), worker: w, log }, plan)).rejects.toThrow(/not fit to join\n {4}swap is on/);
  expect(w.did(/kubeadm join/)).toBe(false);
});

test("a failed join names its cause, shows no secret, and revokes the token", async () => {
  const [m, w] = [master(), worker(facts(0), new Error(`failed with ${token}`))];
  const failure = joined({ master: m, worker: w, log }, plan);
  await expect(failure).rejects.toThrow(/kubeadm join failed[\s\S]*the worker's disk is full/);
  await expect(failure).rejects.not.toThrow(token);
  expect(m.did(/delete secret/)).toBe(true);
});

test("a cluster whose CA is not the pinned one is not joined, the error says how to go on, and the token is revoked", async () => {
  const output =
    'cluster CA found in cluster-info configmap is invalid: none of the public keys "sha256:11" are pinned';
  const [m, w] = [master(), worker(facts(0), new Error(output))];
  await expect(joined({ master: m, worker: w, log }, plan)).rejects.toThrow(
    /the cluster's CA is not the pinned one.*`pulumi refresh`, then `pulumi up`/,
  );
  expect(w.inputs).toEqual([expect.stringContaining(plan.caCertHash)]);
  expect(w.did(/kubeadm reset/)).toBe(false);
  expect(m.did(/delete secret/)).toBe(true);
});

test("a join that was refused revokes its token as well", async () => {
  const m = master({ existing: node({}, "another") });
  await expect(joined({ master: m, worker: worker(facts(0)), log }, plan)).rejects.toThrow("already has a Node");
  expect(m.did(/delete secret/)).toBe(true);
});

describe("a join that fails after its kubelet has registered its Node", () => {
  /** The Node is there once `kubeadm join` has failed, until it is deleted. */
  const late = (registered: string) => {
    const answers = [new Error("failed while waiting for TLS bootstrap: context deadline exceeded"), ""];
    const w: FakeSession = worker(
      () => facts(w.did(/kubeadm join/) && !w.did(/kubeadm reset/) ? 1 : 0)(),
      () => answers.shift()!,
    );
    const m: FakeSession = master({
      existing: () => (w.did(/kubeadm join/) && !m.did(/delete node/) ? registered : ""),
    });
    return { m, w };
  };

  test("is taken back with its Node, under whose name kubeadm would not join, and tried again", async () => {
    const { m, w } = late(node());
    await joined({ master: m, worker: w, log }, plan);
    expect(w.ran.flatMap((command) => /kubeadm (join|reset)/.exec(command)?.[1] ?? [])).toEqual([
      "join",
      "reset",
      "join",
    ]);
    expect(m.did(/delete node n1/)).toBe(true);
  });

  test("leaves a Node of its name that another machine registered meanwhile", async () => {
    const { m, w } = late(node({}, "another"));
    await expect(joined({ master: m, worker: w, log }, plan)).rejects.toThrow(
      "already has a Node n1, which this stack did not make",
    );
    expect(m.did(/delete node/)).toBe(false);
  });
});

test("a token that cannot be revoked does not hide why the join failed, but fails one that went well", async () => {
  const broken = () => master({ revoked: new Error("gone\nand more") });
  const lines: string[] = [];
  const failed = joined(
    {
      master: broken(),
      worker: worker(facts(0), new Error("no space left on device")),
      log: (line) => void lines.push(line),
    },
    plan,
  );
  await expect(failed).rejects.toThrow(/kubeadm join failed[^]*disk is full/);
  expect(lines.at(-1)).toBe("its token could not be revoked, and ends by itself: gone");
  await expect(joined({ master: broken(), worker: worker(facts(0)), log }, plan)).rejects.toThrow("gone");
});

test("a token that an earlier attempt registered for the worker, and does not know of, is revoked as well", async () => {
  const [m, w] = [master({ known: () => tokens(token.slice(0, 6), 20)() + tokens("forgot", 20)() }), worker(facts(0))];
  await joined({ master: m, worker: w, log }, plan);
  expect(m.did(/delete secret bootstrap-token-forgot/)).toBe(true);
});

test("a worker that drops in the middle still has its token revoked", async () => {
  const [m, w] = [master(), worker(facts(0), new SshError("dropped", "gone"))];
  await expect(joined({ master: m, worker: w, log }, plan)).rejects.toThrow("kubeadm join failed");
  expect(m.did(/delete secret/)).toBe(true);
});
