import { compose, type Composition, hostKeys, publicKey, type Registered } from "../support/preview";
import { stackValues } from "../support/configuration";

const of = (registered: Registered[], type: string) => registered.filter((resource) => resource.type.endsWith(type));

test("the tutorial's environment is two routes, and three workers of ISO, VM, token and join", async () => {
  const { registered, outputs } = await compose(stackValues("dev"));
  expect(of(registered, "HostRoute").map(({ inputs }) => inputs)).toMatchObject([
    { destination: "192.168.4.0/27", gateway: "192.168.4.30", interface: "vboxnet0" },
    { destination: "192.168.4.32/27", gateway: "192.168.4.62", interface: "vboxnet0" },
  ]);
  const workers = ["kube-node01", "kube-node02", "kube-node03"];
  for (const type of ["CloudInitIso", "vbox:Vm", "JoinToken", "WorkerJoin"])
    expect(
      of(registered, type)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(workers);
  expect(of(registered, "vbox:Vm").find(({ name }) => name === "kube-node02")!.inputs).toMatchObject({
    name: "kube-node02",
    stack: "kube/dev",
    baseImage: "debian-base-image",
    cpus: 2,
    memoryMb: 2048,
    vramMb: 33,
    nics: [{ type: "intnet", network: "node", mac: expect.stringMatching(/^080027[0-9A-F]{6}$/) }],
    isoSha256: "sha of kube-node02",
    readiness: {
      target: {
        address: "kube-node02.kube.demo",
        user: "debian",
        hostKeys: [publicKey],
        bastion: { vm: "busybox", user: "debian", hostKeys: [publicKey] },
      },
      rebootExpected: true,
      timeoutSeconds: 1800,
    },
  });
  expect(of(registered, "vbox:Vm")[0]!.inputs.readiness).not.toHaveProperty("endsUnmarked");
  expect(of(registered, "WorkerJoin").find(({ name }) => name === "kube-node03")!.inputs).toMatchObject({
    machine: "debian-base-image sha of kube-node03",
    vmUuid: "uuid of kube-node03",
    endpoint: "192.168.4.20:6443",
    caCertHash: "sha256:00",
    address: "192.168.2.130",
    masters: [{ address: "kube-mast01" }, { address: "kube-mast02" }, { address: "kube-mast03" }],
  });
  expect(outputs).toMatchObject({
    nodes: workers.map((name) => ({ name, version: "v1.36.3", internalAddress: "192.168.2.130", ready: true })),
    addresses: { "kube-node01": "192.168.2.130" },
    kubeconfig: "k",
  });
});

test.each<[string, { hostKeys?: object } & Record<string, unknown>, string]>([
  ["by its VM is named by the address that was found", { bastion: { vm: "busybox" } }, "debian@192.168.4.57"],
  [
    "by its address is named by that",
    { bastion: { address: "10.0.0.1", port: 2222, user: "jump" }, hostKeys: { "10.0.0.1": [publicKey] } },
    "jump@10.0.0.1:2222",
  ],
  [
    "by an IPv6 address has brackets",
    { bastion: { address: "fd00::57", port: 22 }, hostKeys: { "fd00::57": [publicKey] } },
    "'debian@[fd00::57]:22'",
  ],
  ["by its VM, without a cluster, is named by that", { autostart: false }, "debian@busybox"],
])("in the way to log in a bastion %s", async (_what, values, jump) => {
  const { outputs } = await compose({
    ...values,
    masters: ["kube-mast01"],
    hostKeys: { "kube-mast01": [publicKey], busybox: [publicKey], ...values.hostKeys },
  });
  expect(outputs.ssh).toMatchObject({ "kube-node01": `ssh -J ${jump} debian@kube-node01.kube.demo` });
});

test("the stack's id is made once, and is part of every mark", async () => {
  const { registered } = await compose(stackValues("dev"));
  expect(of(registered, "StackIdentity")).toMatchObject([{ name: "stack", inputs: { name: "kube/dev" } }]);
  const stackId = "0123456789abcdef0123456789abcdef";
  for (const type of ["vbox:Vm", "JoinToken", "WorkerJoin"])
    expect(of(registered, type).map(({ inputs }) => inputs.stackId)).toEqual([stackId, stackId, stackId]);
});

test("every NIC has a MAC address of its own", async () => {
  const { registered } = await compose({ nics: [{ type: "intnet", network: "node" }, { type: "nat" }] });
  const macs = of(registered, "vbox:Vm").flatMap(({ inputs }) =>
    (inputs.nics as { mac: string }[]).map(({ mac }) => mac),
  );
  expect(macs).toHaveLength(6);
  expect(new Set(macs).size).toBe(6);
});

test("the ISO is told the same MAC addresses as the VM", async () => {
  const { registered } = await compose({ workerNames: ["n1"] });
  const [vm] = of(registered, "vbox:Vm");
  expect(of(registered, "CloudInitIso")[0]!.inputs.macAddresses).toEqual(
    (vm!.inputs.nics as { mac: string }[]).map(({ mac }) => mac),
  );
});

test("without autostart nothing joins", async () => {
  const { registered, outputs } = await compose({ autostart: false });
  expect(of(registered, "vbox:Vm")).toHaveLength(3);
  expect(of(registered, "WorkerJoin")).toHaveLength(0);
  expect(outputs.nodes).toEqual([]);
});

test("a cluster without workers has its kubeconfig all the same", async () => {
  const { registered, outputs } = await compose({ workerCount: 0 });
  expect(of(registered, "kubeadm:Cluster").map(({ inputs }) => inputs)).toMatchObject([
    { name: "kube/dev", masters: [{ address: "kube-mast01" }, { address: "kube-mast02" }, { address: "kube-mast03" }] },
  ]);
  expect(outputs.kubeconfig).toBe("k");
});

test("docker has its own CRI socket, also for one worker alone", async () => {
  const criDockerd = { criDockerdUrl: "https://example.org/cri-dockerd.deb", criDockerdSha256: "0".repeat(64) };
  const sockets = async (configuration: object) =>
    of((await compose({ ...criDockerd, ...configuration })).registered, "WorkerJoin").map(
      ({ inputs }) => inputs.criSocket,
    );
  const [containerd, docker] = ["unix:///run/containerd/containerd.sock", "unix:///run/cri-dockerd.sock"];
  expect(await sockets({ containerRuntime: "docker", workerCount: 2 })).toEqual([docker, docker]);
  expect(await sockets({ workerCount: 2, workerOverrides: { "kube-node02": { containerRuntime: "docker" } } })).toEqual(
    [containerd, docker],
  );
});

test("what is secret in the configuration is so in every resource that has it, and nothing else but the first boot's own", async () => {
  const values = {
    workerNames: ["n1"],
    debianMirror: "https://user:token@mirror.example/debian/",
    bastion: { vm: "gate" },
    hostKeys: { ...hostKeys, gate: [publicKey] },
  };
  const secretsOf = ({ registered }: Composition, type: string) =>
    of(registered, type).map(({ secrets }) => secrets.sort())[0];
  const firstBoot = ["metaData", "networkConfig", "sources", "userData", "userDataValues"];
  const none = await compose(values);
  expect(secretsOf(none, "CloudInitIso")).toEqual(firstBoot);
  expect(secretsOf(none, "vbox:Vm")).toEqual(["seed"]);
  for (const type of ["JoinToken", "kubeadm:Cluster"]) expect(secretsOf(none, type)).toEqual([]);
  expect(secretsOf(none, "WorkerJoin")).toEqual(["token"]);
  const some = await compose(values, ["debianMirror", "bastion"]);
  expect(secretsOf(some, "CloudInitIso")).toEqual(["debianMirror", "masters", ...firstBoot].sort());
  expect(secretsOf(some, "vbox:Vm")).toEqual(["readiness", "seed"]);
  expect(secretsOf(some, "WorkerJoin")).toEqual(["masters", "token", "worker"]);
});
