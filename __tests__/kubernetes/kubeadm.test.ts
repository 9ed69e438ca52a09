import fc from "fast-check";
import { loadAll } from "js-yaml";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../dev/lab/exec";
import { apiVersion, joinConfiguration } from "../../kubernetes/kubeadm";
import { caCertHash, joinInformation, parseClusterInfo } from "../../kubernetes/clusterInfo";
import { listTokens, newToken, registerToken, revokeToken } from "../../kubernetes/bootstrapToken";
import { ApiUnreachable } from "../../kubernetes/kubectl";
import { SshError } from "../../ssh/error";
import { TOKEN_GROUP } from "../../kubernetes/tokenGroup";
import { troubled } from "../../dev/simulator/apiTroubles";
import { FakeSession } from "../support/fakeSession";

test.each([
  ["v1.36.3", "v1beta4"],
  ["v1.31.0", "v1beta4"],
  ["v1.30.9", "v1beta3"],
  ["1.24.0", "v1beta3"],
])("kubeadm %s understands %s", (version, api) => expect(apiVersion(version)).toBe(`kubeadm.k8s.io/${api}`));

test("newToken has kubeadm's form, and is never the same", () => {
  const tokens = Array.from({ length: 100 }, newToken);
  for (const token of tokens) expect(token).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);
  expect(new Set(tokens).size).toBe(100);
});

const plan = {
  endpoint: "192.168.4.20:6443",
  caCertHash: "sha256:00",
  token: newToken(),
  name: "kube-node01",
  criSocket: "unix:///run/containerd/containerd.sock",
  nodeIp: "192.168.2.130",
  taints: [],
  kubeletArgs: { "max-pods": "50" },
  timeoutSeconds: 300,
};

test("joinConfiguration in v1beta4 has kubelet arguments as a list, and timeouts of its own", () => {
  const [configuration] = loadAll(joinConfiguration("v1.36.3", plan));
  expect(configuration).toEqual({
    apiVersion: "kubeadm.k8s.io/v1beta4",
    kind: "JoinConfiguration",
    discovery: { bootstrapToken: { apiServerEndpoint: plan.endpoint, token: plan.token, caCertHashes: ["sha256:00"] } },
    nodeRegistration: {
      name: "kube-node01",
      criSocket: plan.criSocket,
      taints: [],
      kubeletExtraArgs: [
        { name: "node-ip", value: "192.168.2.130" },
        { name: "max-pods", value: "50" },
      ],
    },
    timeouts: { discovery: "300s", tlsBootstrap: "300s", kubeletHealthCheck: "300s" },
  });
});

test("joinConfiguration in v1beta3 has kubelet arguments as a map, and the discovery's timeout", () => {
  const [configuration] = loadAll(joinConfiguration("v1.30.2", plan)) as [Record<string, unknown>];
  expect(configuration).toMatchObject({
    apiVersion: "kubeadm.k8s.io/v1beta3",
    discovery: { timeout: "300s" },
    nodeRegistration: { kubeletExtraArgs: { "node-ip": "192.168.2.130", "max-pods": "50" } },
  });
  expect(configuration).not.toHaveProperty("timeouts");
});

test("whatever a name holds stays one value", () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      const [{ nodeRegistration }] = loadAll(joinConfiguration("v1.36.3", { ...plan, name })) as [
        { nodeRegistration: { name: string } },
      ];
      return nodeRegistration.name === name;
    }),
  );
});

describe("a token", () => {
  const [id, secret] = plan.token.split(".") as [string, string];
  const options = { ttlMinutes: 30, description: "d" };
  const applied = `secret/bootstrap-token-${id} serverside-applied`;
  const master = (...answers: (string | Error | ReturnType<typeof troubled>)[]) =>
    Object.assign(
      new FakeSession([
        [/date/, "1790000000\n"],
        [/apply/, () => answers.shift()!],
      ]),
      { patienceMs: 1_000 },
    );

  test("goes in by standard input only, and ends by the master's clock", async () => {
    const session = master(applied);
    await registerToken(session, plan.token, options);
    expect(session.ran.join("\n")).not.toContain(secret);
    const { type, data } = JSON.parse(session.inputs.at(-1)!) as { type: string; data: Record<string, string> };
    const values = Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
    );
    expect(type).toBe("bootstrap.kubernetes.io/token");
    expect(values).toMatchObject({
      "token-id": id,
      "token-secret": secret,
      expiration: new Date(1_790_001_800_000).toISOString().replace(".000", ""),
      description: "d",
      "auth-extra-groups": TOKEN_GROUP,
    });
  });

  test("that meets a leader change is made all the same", () =>
    registerToken(master(troubled("leader"), applied), plan.token, options));

  test.each<[string, ReturnType<typeof troubled> | Error]>([
    ["sick", troubled("etcd")],
    ["hanging", new SshError("timeout", "the command did not end within 5 s")],
  ])("of a cluster that stays %s names that, so that another master can be asked", async (_what, answer) => {
    await expect(registerToken(master(answer, answer, answer), plan.token, options)).rejects.toBeInstanceOf(
      ApiUnreachable,
    );
  });

  test("whose making was not understood is none", async () => {
    await expect(registerToken(master("<html>"), plan.token, options)).rejects.toThrow(
      "kubectl apply did not answer as it does when it has made bootstrap-token-",
    );
  });
});

test.each([
  ["nothing, as it is gone", "", true],
  ["that it is deleted", 'secret "bootstrap-token-abcdef" deleted from kube-system namespace\n', true],
  ["that another is deleted", 'secret "bootstrap-token-abcdeg" deleted\n', false],
  ["anything else", "<html>", false],
])("revokeToken names the Secret by the token's id, and reads the answer: %s", async (_what, answer, isRevoked) => {
  const master = new FakeSession([[/delete secret bootstrap-token-abcdef --ignore-not-found/, answer]]);
  const revoked = revokeToken(master, "abcdef").then(
    () => true,
    ({ message }: Error) => message,
  );
  expect(await revoked).toEqual(isRevoked || expect.stringContaining("kubectl delete secret"));
});

test("listTokens reads ids, expirations and descriptions", async () => {
  const encoded = (text: string) => Buffer.from(text).toString("base64");
  const lines = [
    `${encoded("abcdef")} ${encoded("2030-01-01T00:00:00Z")} ${encoded("vbox-kubeadm kube/dev/n1")}`,
    `${encoded("ghijkl")} <no value> <no value>`,
  ];
  const master = new FakeSession([[/get secrets/, `${lines.join("\n")}\n`]]);
  expect(await listTokens(master)).toEqual([
    { id: "abcdef", expiration: new Date("2030-01-01T00:00:00Z"), description: "vbox-kubeadm kube/dev/n1" },
    { id: "ghijkl", expiration: undefined, description: "" },
  ]);
});

test("listTokens takes no other answer for a cluster without tokens", async () => {
  expect(await listTokens(new FakeSession([]))).toEqual([]);
  for (const output of ["}{ <html> no such thing", "YWJjZGVm", "a b c d"]) {
    await expect(listTokens(new FakeSession([[/get secrets/, output]]))).rejects.toThrow(
      "kubectl get secrets did not answer with the tokens",
    );
  }
});

test("a cluster without cluster-info: the error says what makes it", async () => {
  const missing = { exitCode: 1, stderr: 'Error from server (NotFound): configmaps "cluster-info" not found' };
  await expect(joinInformation(new FakeSession([[/get configmap cluster-info/, missing]]))).rejects.toThrow(
    /^kubectl get configmap cluster-info failed[^]*→ .*`kubeadm init phase bootstrap-token` on a master/,
  );
});

describe("the CA's pin", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "ca-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each([
    ["RSA", ["-newkey", "rsa:2048"]],
    ["EC", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]],
  ])("is openssl's digest of an %s key", async (kind, key) => {
    const pem = join(folder, `${kind}.pem`);
    await run("openssl", [
      "req",
      "-x509",
      "-nodes",
      ...key,
      "-keyout",
      join(folder, "key"),
      "-out",
      pem,
      "-subj",
      "/CN=ca",
    ]);
    const digest = await run("sh", [
      "-c",
      `openssl x509 -in ${pem} -pubkey -noout | openssl pkey -pubin -outform der | sha256sum | cut -d' ' -f1`,
    ]);
    const text = await readFile(pem, "utf8");
    expect(caCertHash(text)).toBe(`sha256:${digest}`);
    const clusterInfo = {
      clusters: [
        {
          cluster: {
            server: "https://192.168.4.20:6443",
            "certificate-authority-data": Buffer.from(text).toString("base64"),
          },
        },
      ],
    };
    expect(parseClusterInfo(JSON.stringify(clusterInfo))).toEqual({
      endpoint: "192.168.4.20:6443",
      caCertHash: `sha256:${digest}`,
    });
  });

  test("stays while the cluster has that CA, wherever in the bundle; and is another's when it has gone", async () => {
    const [rsa, ec] = (await Promise.all(
      ["RSA", "EC"].map((kind) => readFile(join(folder, `${kind}.pem`), "utf8")),
    )) as [string, string];
    const read = (bundle: string, pinned?: string) =>
      parseClusterInfo(
        JSON.stringify({
          clusters: [
            {
              cluster: {
                server: "https://a:6443",
                "certificate-authority-data": Buffer.from(bundle).toString("base64"),
              },
            },
          ],
        }),
        pinned,
      ).caCertHash;
    for (const bundle of [rsa + ec, ec + rsa, `# old\n${rsa}# new\n${ec}`])
      expect(read(bundle, caCertHash(rsa))).toBe(caCertHash(rsa));
    expect(read(ec, caCertHash(rsa))).toBe(caCertHash(ec));
    expect(read(ec + rsa)).toBe(caCertHash(ec));
    for (const cut of [rsa + ec.slice(0, 200), "", "rubbish"])
      expect(() => read(cut, caCertHash(rsa))).toThrow("does not publish how to join it");
  });

  test.each<[string, unknown]>([
    ["nothing", ""],
    ["half of it", "apiVersion: v1\nclusters:\n- clus"],
    ["no cluster", { clusters: [] }],
    [
      "two clusters",
      { clusters: [{ cluster: { server: "https://a:6443" } }, { cluster: { server: "https://b:6443" } }] },
    ],
    ["a page", "<html>502</html>"],
    ["no port", { clusters: [{ cluster: { server: "https://a" } }] }],
    ["no TLS", { clusters: [{ cluster: { server: "http://a:6443" } }] }],
  ])("is not read from %s", (_what, text) =>
    expect(() => parseClusterInfo(typeof text === "string" ? text : JSON.stringify(text))).toThrow(
      "does not publish how to join it",
    ),
  );
});
