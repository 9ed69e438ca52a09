import { lastLines } from "../../../common/exec";
import { namedCause } from "../../../kubernetes/joinReport";
import { caCertHash } from "../../../kubernetes/clusterInfo";
import { joinConfiguration, type JoinOptions } from "../../../kubernetes/kubeadm";
import { newToken, tokenSecret } from "../../../kubernetes/bootstrapToken";
import { FACTS_SCRIPT, parseFacts } from "../../../kubernetes/preflight";
import { TOKEN_GROUP } from "../../../kubernetes/tokenGroup";
import { KUBEADM_GROUP } from "../../../dev/simulator/bootstrap";
import { SimulatedClock } from "../../support/simulatedCommand";
import { bootWorker, diskOf, temporarySite } from "../../support/servedSite";

let site: Awaited<ReturnType<typeof temporarySite>>;
let clock: SimulatedClock;
let uuid: string;
let token: string;
beforeAll(
  async () => void (site = await temporarySite({ delays: { boot: 1000, join: 1000, register: 1000, ready: 1000 } })),
);
afterAll(() => site.remove());
beforeEach(async () => {
  ({ uuid } = await bootWorker(site, "kube-node01", { reboots: false }));
  clock = new SimulatedClock(site.world.read(), Date.now() + 60_000);
  token = newToken();
});

const create = (ttlMinutes = 30, given = token) =>
  clock.master(
    "sudo -n kubectl --kubeconfig /etc/kubernetes/admin.conf apply --server-side --filename=-",
    JSON.stringify(
      tokenSecret(given, new Date(clock.now + ttlMinutes * 60_000), {
        description: "a worker's",
        group: KUBEADM_GROUP,
      }),
    ),
  );

function join(given: Partial<JoinOptions> = {}, version = "v1.36.3") {
  const pin = caCertHash(clock.state.cluster.caCertificate);
  const cluster = { endpoint: "192.168.4.20:6443", caCertHash: pin, token };
  const node = {
    name: "kube-node01",
    criSocket: "unix:///run/containerd/containerd.sock",
    nodeIp: "192.168.2.130",
    taints: [],
    kubeletArgs: {},
  };
  return clock.worker(
    uuid,
    "sudo -n kubeadm join --config /dev/stdin",
    joinConfiguration(version, { ...cluster, ...node, timeoutSeconds: 60, ...given }),
  );
}

const nodes = () => clock.master("sudo -n kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes -o name").stdout;
const status = () =>
  clock
    .master("sudo -n kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes")
    .stdout.split("\n")[1]
    ?.split(/ +/)[1];
const kubelet = () => diskOf(clock.state, uuid).kubelet;
const reset = () =>
  clock.worker(uuid, "sudo -n kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock");
const wait = (ms: number) => void (clock.now += ms);

test("a join takes its time; the Node comes later, and is Ready later still", () => {
  create();
  const before = clock.now;
  expect(join()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("This node has joined the cluster") });
  expect(clock.now - before).toBe(1000);
  expect(nodes()).toBe("");
  wait(1000);
  expect(nodes()).toBe("node/kube-node01\n");
  expect(status()).toBe("NotReady");
  wait(1000);
  expect(status()).toBe("Ready");
});

test("readiness follows from the machine", () => {
  create();
  join();
  wait(2000);
  const machine = clock.state.virtualBox.machines.find((machine) => machine.uuid === uuid)!;
  machine.state = "poweroff";
  expect(status()).toBe("NotReady");
  Object.assign(machine, { state: "running", boot: { id: "later", nextId: "never", at: clock.now } });
  expect(status()).toBe("NotReady");
  wait(1000);
  expect(status()).toBe("Ready");
});

test("a kubelet registers its Node when it starts, and not again while it runs", () => {
  create();
  join();
  wait(2000);
  clock.master("sudo -n kubectl --kubeconfig /etc/kubernetes/admin.conf delete node kube-node01");
  wait(60_000);
  expect(nodes()).toBe("");
  Object.assign(
    clock.state.virtualBox.machines.find((machine) => machine.uuid === uuid)!,
    { boot: { id: "later", nextId: "never", at: clock.now } },
  );
  wait(2000);
  expect(nodes()).toBe("node/kube-node01\n");
});

test("after a reset a restart registers nothing, and a Node that was about to be is not made", () => {
  create();
  join();
  expect(reset().exitCode).toBe(0);
  wait(1000);
  expect(nodes()).toBe("");
  Object.assign(
    clock.state.virtualBox.machines.find((machine) => machine.uuid === uuid)!,
    { boot: { id: "later", nextId: "never", at: clock.now } },
  );
  wait(60_000);
  expect(nodes()).toBe("");
  expect(reset().exitCode).toBe(0);
});

test("while a CA is rotated, a worker joins by the pin of either, and stays Ready", async () => {
  const other = await temporarySite();
  const old = clock.state.cluster.caCertificate;
  clock.state.cluster.caCertificate = other.world.read().cluster.caCertificate + old;
  create();
  expect(join({ caCertHash: caCertHash(old) }).exitCode).toBe(0);
  wait(2000);
  expect(status()).toBe("Ready");
  await other.remove();
});

/** For our own group all that a join needs: nobody approves it. */
const BINDINGS = [
  "system:node-bootstrapper",
  "kubeadm:get-nodes",
  "kubeadm:kubelet-config",
  "kubeadm:nodes-kubeadm-config",
].map((name) => ({
  apiVersion: "",
  kind: "RoleBinding" as const,
  metadata: { name, uid: "", resourceVersion: "" },
  roleRef: { apiGroup: "", kind: "Role", name },
  subjects: [{ apiGroup: "", kind: "Group", name: TOKEN_GROUP }],
}));

describe("a join is refused", () => {
  const invalid = {
    exitCode: 1,
    stderr: expect.stringContaining(
      "error execution phase preflight: couldn't validate the identity of the API Server: ",
    ),
  };
  const cause = (stderr: string) => namedCause(lastLines(stderr));

  test("with a token that is not there", () => {
    const result = join();
    expect(result).toMatchObject(invalid);
    expect(cause(result.stderr)).toMatch(/token is not valid any more/);
    expect(kubelet()).toBeUndefined();
  });

  test("with a token that has ended while the join went on", () => {
    create(1);
    wait(59_500);
    const result = join();
    expect(cause(result.stderr)).toMatch(/token is not valid any more/);
  });

  test("with another secret of the same token", () => {
    create();
    expect(join({ token: `${token.slice(0, 7)}0123456789abcdef` })).toMatchObject({
      ...invalid,
      stderr: expect.stringContaining("failed to verify JWS signature"),
    });
  });

  test("with another CA's pin", () => {
    create();
    expect(cause(join({ caCertHash: `sha256:${"0".repeat(64)}` }).stderr)).toMatch(/CA is not the pinned one/);
  });

  test("with another endpoint, or where the API server is gone", () => {
    create();
    expect(cause(join({ endpoint: "192.168.4.21:6443" }).stderr)).toMatch(/cannot reach the API server/);
    clock.state.cluster.apiDown = true;
    expect(cause(join().stderr)).toMatch(/cannot reach the API server/);
  });

  test("where a Ready Node has the name: both kubelet files are written by then, and the next join finds them until a reset", async () => {
    create();
    join();
    wait(2000);
    const other = await bootWorker(site, "kube-node02", { reboots: false });
    const { virtualBox } = site.world.read();
    const machine = virtualBox.machines.find((machine) => machine.uuid === other.uuid)!;
    clock.state.virtualBox.machines.push(machine);
    clock.state.virtualBox.media.push(
      ...virtualBox.media.filter((medium) => machine.drives.some((drive) => drive.medium === medium.uuid)),
    );
    uuid = other.uuid;
    const taken = join();
    expect(taken).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(
        'a Node with name "kube-node01" and status "Ready" already exists in the cluster',
      ),
    });
    expect(parseFacts(clock.worker(uuid, FACTS_SCRIPT).stdout, 0)).toMatchObject({ joined: false, halfJoined: true });
    expect(join().stderr).toMatch(
      /Some fatal errors[^]*FileAvailable--etc-kubernetes-bootstrap-kubelet\.conf\]: .*already exists[^]*preflight checks failed/,
    );
    reset();
    expect(join({ name: "kube-node02" }).exitCode).toBe(0);
  });

  test.each([
    ["v1.36.3", /kubelet-wait-bootstrap: failed while waiting for TLS bootstrap: context deadline exceeded/],
    ["v1.29.15", /kubelet-start: error uploading crisocket: nodes "kube-node01" not found/],
  ])("by kubeadm %s after the kubelet has registered its Node, which stays", (version, words) => {
    diskOf(clock.state, uuid).facts = { kubeadmVersion: version };
    clock.state.cluster.lateFailures = 1;
    clock.state.delays.grace = 40_000;
    create();
    expect(join({}, version).stderr).toMatch(words);
    wait(2000);
    expect(status()).toBe("Ready");
    reset();
    expect(join({}, version).stderr).toContain('a Node with name "kube-node01" and status "Ready" already exists');
  });

  test("where the kubelet gets no certificate: the CA that is left is in the way, and told", () => {
    create();
    clock.state.cluster.tokens[0]!.group = TOKEN_GROUP;
    clock.state.cluster.bindings = BINDINGS;
    expect(join({ timeoutSeconds: 1 }).stderr).toContain("failed while waiting for TLS bootstrap");
    expect(parseFacts(clock.worker(uuid, FACTS_SCRIPT).stdout, 0)).toMatchObject({ joined: false, halfJoined: true });
    expect(join().stderr).toMatch(
      /fatal errors occurred:\n\t\[ERROR FileAvailable--etc-kubernetes-pki-ca\.crt\][^\n]*\n\[preflight\]/,
    );
  });

  test("after a whole join", () => {
    create();
    join();
    expect(join().stderr).toMatch(/FileAvailable--etc-kubernetes-kubelet\.conf[^]*Port-10250[^]*ca\.crt/);
    expect(parseFacts(clock.worker(uuid, FACTS_SCRIPT).stdout, 0)).toMatchObject({ joined: true, halfJoined: false });
  });

  test("where the runtime's socket is not there", () => {
    create();
    expect(cause(join({ criSocket: "unix:///run/cri-dockerd.sock" }).stderr)).toMatch(
      /container runtime does not answer/,
    );
  });

  test("without root's rights", () => {
    expect(clock.worker(uuid, "kubeadm join --config /dev/stdin").stderr).toContain("user is not running as root");
  });
});

test("a token ends by itself, and nobody else's of its id is changed", () => {
  const other = `${token.slice(0, 7)}0123456789abcdef`;
  expect(create(1)).toEqual({
    exitCode: 0,
    stdout: `secret/bootstrap-token-${token.slice(0, 6)} serverside-applied\n`,
    stderr: "",
  });
  expect(create(1).exitCode).toBe(0);
  expect(create(1, other)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining("Apply failed with 1 conflict"),
  });
  wait(60_000);
  expect(create(1, other).exitCode).toBe(0);
});

test("a guest says of itself what a test has it say", () => {
  diskOf(clock.state, uuid).facts = { swap: "1", kubeletVersion: "v1.37.0" };
  expect(parseFacts(clock.worker(uuid, FACTS_SCRIPT).stdout, 0)).toMatchObject({
    swap: true,
    kubeletVersion: "v1.37.0",
    kubeadmVersion: "v1.36.3",
    systemUuid: uuid,
    brNetfilter: true,
  });
});
