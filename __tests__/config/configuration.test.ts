import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfiguration, workerConfiguration, workerNames } from "../../config/configuration";
import { configurationSchema } from "../../config/schema";
import { hostKeysOf } from "../../config/environment";
import { newKeyPair } from "../support/sshServer";
import { configurationOf, projectKeys, stackValues } from "../support/configuration";

const read = (values: Record<string, unknown> = {}) => readConfiguration(configurationOf(values));

test("Pulumi.yaml and the program know the same keys, each with a description", () => {
  expect(Object.keys(projectKeys).sort()).toEqual(Object.keys(configurationSchema.shape).sort());
  for (const { description, type } of Object.values(projectKeys)) expect(description && type).toBeTruthy();
});

test("Pulumi.yaml's defaults are a whole configuration: the tutorial's", () => {
  const config = read();
  expect(workerNames(config)).toEqual(["kube-node01", "kube-node02", "kube-node03"]);
  expect(config).toMatchObject({
    cpus: 2,
    memoryMb: 2048,
    vramMb: 33,
    nics: [{ type: "intnet", network: "node" }],
    baseImage: "debian-base-image",
    bastion: { vm: "busybox" },
  });
  expect(config.timeouts).toEqual({
    cloudInit: 1800,
    command: 120,
    clone: 3600,
    start: 120,
    stop: 120,
    ssh: 120,
    join: 300,
    ready: 300,
    drain: 120,
  });
});

test.each(["dev", "lab"])("Pulumi.%s.yaml is right", (stack) => expect(() => read(stackValues(stack))).not.toThrow());

test("a worker may be other than the rest", () => {
  const config = read({ workerOverrides: { "kube-node02": { memoryMb: 4096, labels: { disk: "ssd" } } } });
  expect(workerConfiguration(config, "kube-node02")).toMatchObject({
    memoryMb: 4096,
    cpus: 2,
    labels: { disk: "ssd" },
  });
  expect(workerConfiguration(config, "kube-node01")).toMatchObject({ memoryMb: 2048, labels: {} });
});

test.each<[string, Record<string, unknown>, RegExp]>([
  ["a small memory", { memoryMb: 100 }, /memoryMb: give at least 512 MB/],
  ["text for a number", { cpus: "two" }, /cpus: give a number of CPUs/],
  ["a fraction", { cpus: 1.5 }, /cpus: give a whole number of CPUs/],
  ["an upper-case name", { workerNames: ["Node1"] }, /workerNames\[0\]: give a host name/],
  ["one name twice", { workerNames: ["n1", "n1"] }, /workerNames: two workers have one name/],
  ["an unknown NIC", { nics: [{ type: "wifi", network: "x" }] }, /nics\[0\]\.type: give a type: nat, natnetwork/],
  ["an intnet without a name", { nics: [{ type: "intnet" }] }, /nics\[0\]\.network/],
  [
    "VirtualBox's NAT as the node's address",
    { nics: [{ type: "nat" }, { type: "intnet", network: "node" }] },
    /nics\[0\]\.type: nat gives every machine the address 10\.0\.2\.15/,
  ],
  [
    "the same in an override",
    { workerOverrides: { "kube-node02": { nics: [{ type: "nat" }] } } },
    /workerOverrides\.kube-node02\.nics\[0\]\.type: nat gives/,
  ],
  [
    "two ways to say which pods",
    { cniSelector: "k8s-app=cilium", requiredPods: ["k8s-app=cilium"] },
    /cniSelector: says the same as requiredPods/,
  ],
  ["a pod that is no selector", { requiredPods: ["cilium"] }, /requiredPods\[0\]: give labels such as k8s-app=cilium/],
  ["no NIC", { nics: [] }, /nics: give at least one network adapter/],
  ["a bad disk", { disks: [{ sizeMb: 1000, format: "QCOW" }] }, /disks\[0\]\.format: give VDI, VMDK or VHD/],
  ["an unknown effect", { taints: [{ key: "a", effect: "Never" }] }, /taints\[0\]\.effect: give NoSchedule/],
  ["a short version", { kubernetesVersion: "v1.36" }, /kubernetesVersion: give a full version such as 1\.36\.3/],
  ["an unknown runtime", { containerRuntime: "rkt" }, /containerRuntime: give containerd or docker/],
  [
    "docker without cri-dockerd",
    { containerRuntime: "docker" },
    /criDockerdUrl: is needed for containerRuntime docker[^]*criDockerdSha256: is needed for containerRuntime docker/,
  ],
  [
    "docker for one worker without cri-dockerd's checksum",
    { workerOverrides: { "kube-node02": { containerRuntime: "docker" } }, criDockerdUrl: "https://example.org/d.deb" },
    /configuration is wrong\n {4}criDockerdSha256: is needed/,
  ],
  ["a linked clone of no snapshot", { cloneMode: "linked" }, /baseSnapshot: is needed for cloneMode linked/],
  [
    "a route with host bits",
    { routes: [{ destination: "192.168.4.1/27", gateway: "192.168.4.30", interface: "vboxnet0" }] },
    /routes\[0\]\.destination: give a network/,
  ],
  [
    "a route over the pods",
    { routes: [{ destination: "10.0.0.0/8", gateway: "192.168.4.30", interface: "vboxnet0" }] },
    /routes\[0\]\.destination: 10\.0\.0\.0\/8 overlaps podSubnet/,
  ],
  ["a bastion of nothing", { bastion: {} }, /bastion: give vm or address/],
  ["a misspelt timeout", { timeouts: { joins: 3 } }, /timeouts: .*joins/],
  ["a token that does not expire", { tokenTtlMinutes: 0 }, /tokenTtlMinutes: give at least 1 minutes/],
  [
    "an override of nobody",
    { workerOverrides: { n9: {} } },
    /workerOverrides\.n9: there is no such worker; give one of kube-node01/,
  ],
  [
    "a bad override",
    { workerOverrides: { "kube-node01": { memoryMb: 1 } } },
    /workerOverrides\.kube-node01\.memoryMb: give at least 512 MB/,
  ],
  ["no master", { masters: [] }, /masters: give at least one master/],
  [
    "a kubelet argument with dashes",
    { kubeletArgs: { "--max-pods": "5" } },
    /kubeletArgs.*: give a kubelet argument's name without its dashes/,
  ],
])("%s is refused by its key", (_what, values, message) => expect(() => read(values)).toThrow(message));

test("every wrong key is told at once", () => {
  expect(() => read({ cpus: 0, memoryMb: 1 })).toThrow(
    /cpus: give at least 1 CPUs[\s\S]*memoryMb: give at least 512 MB/,
  );
});

test.each<[string, Record<string, unknown>, RegExp]>([
  [
    "text that is empty is not the word undefined",
    { locale: "", clusterName: "" },
    /clusterName: give a name[^]*locale: give a UTF-8 locale/,
  ],
  ["an object is no text", { nics: [{ type: "intnet", network: {} }] }, /nics\[0\]\.network: give the network/],
  [
    "a number that JavaScript cannot hold is not rounded",
    { labels: { a: 2 ** 60 } },
    /labels\.a: give a label's value/,
  ],
  [
    "a key that JavaScript would pass over is told",
    { labels: JSON.parse('{"__proto__": "x"}') },
    /labels\.__proto__: give labels/,
  ],
  ["a key that Pulumi's SDK would call is told", { labels: { toString: "x" } }, /labels\.toString: give labels/],
  [
    "a key that nobody knows is told with those that are known",
    { bastion: { vm: "b", prot: 22 } },
    /bastion: there is no "prot"; give vm, address, interface, port, user/,
  ],
  [
    "a megabyte is not shown whole",
    { routes: [{ destination: "x".repeat(1e6), gateway: "y".repeat(1e6), interface: "-" }] },
    /^.{30,}\n {4}routes\[0\]\.destination: .{1,400}\n {4}routes\[0\]\.gateway: .{1,400}\n.{1,400}\n→/,
  ],
  [
    "ninety errors are not told one by one",
    { masters: Array(90).fill(".") },
    /masters\[19\]: give a host name[^]*and \d+ more\n→/,
  ],
  [
    "one route twice",
    { routes: Array(2).fill({ destination: "192.168.4.0/27", gateway: "192.168.4.30", interface: "vboxnet0" }) },
    /routes: two routes have one destination/,
  ],
  [
    "one taint twice",
    {
      taints: [
        { key: "a", effect: "NoExecute" },
        { key: "a", value: "x", effect: "NoExecute" },
      ],
    },
    /taints: two taints have one key and effect/,
  ],
  [
    "a worker that is the base image",
    { workerNames: ["debian-base-image"] },
    /workerNames: debian-base-image is a base image; give it another name/,
  ],
  ["a worker that is the bastion", { workerNames: ["busybox"] }, /workerNames: busybox is the bastion/],
  ["workers that are masters", { workerNamePrefix: "kube-mast" }, /workerNamePrefix: kube-mast01 is a master/],
  [
    "a port out of range",
    { bastion: { vm: "b", port: 0 } },
    /bastion\.port: give the port, a whole number from 1 to 65535/,
  ],
])("%s", (_what, values, message) => expect(() => read(values)).toThrow(message));

test("text is taken as it is written, where it looks like something else too", () => {
  const config = read({
    baseImage: "007",
    baseSnapshot: "1.50",
    vboxManage: '"x"',
    isoFolder: "/12345678901234567890",
    kubernetesKeyFingerprint: "a".repeat(40),
    bastion: { vm: "null" },
    labels: { a: 1, b: true },
  });
  expect(config).toMatchObject({
    baseImage: "007",
    baseSnapshot: "1.50",
    vboxManage: '"x"',
    isoFolder: "/12345678901234567890",
    kubernetesKeyFingerprint: "A".repeat(40),
    bastion: { vm: "null" },
    labels: { a: "1", b: "true" },
  });
});

test("a machine that is named like something of JavaScript's is unknown too", () => {
  expect(() => hostKeysOf({ hostKeys: {}, sshKnownHostsFile: "/nonexistent" }, "constructor")).toThrow(
    "no host key of constructor is known",
  );
  expect(workerConfiguration(read({ workerNames: ["constructor"] }), "constructor")).toMatchObject({ cpus: 2 });
});

test("an unknown machine is never trusted", () => {
  expect(() => hostKeysOf({ hostKeys: {}, sshKnownHostsFile: "/nonexistent" }, "kube-mast01")).toThrow(
    /no host key of kube-mast01 is known[\s\S]*hostKeys\.kube-mast01/,
  );
});

describe("host keys", () => {
  const folder = mkdtempSync(join(tmpdir(), "host-keys-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const [one, two] = [newKeyPair().public.trim(), newKeyPair().public.trim()];
  const files = (own: string, system: string) => {
    const [user, global] = [join(folder, "user"), join(folder, "global")];
    writeFileSync(user, own);
    writeFileSync(global, system);
    return { user, global };
  };
  const keysOf = (own: string, system: string, hostKeys = {}, port?: number) => {
    const { user, global } = files(own, system);
    return hostKeysOf({ hostKeys, sshKnownHostsFile: user }, "kube-mast01", port, [global]);
  };
  const bare = (key: string) => key.split(" ", 2).join(" ");

  test("are those of the user's file and of the system's", () =>
    expect(keysOf(`kube-mast01 ${one}\n`, `kube-mast01 ${two}\n`)).toEqual([bare(one), bare(two)]));

  test("that are pinned count before them, but for one that a file revokes", () => {
    expect(keysOf(`kube-mast01 ${one}`, "", { "kube-mast01": [two] })).toEqual([two]);
    for (const [own, system] of [
      [`@revoked * ${one}`, ""],
      ["", `@revoked kube-mast01 ${one}`],
    ] as const) {
      expect(keysOf(own, system, { "kube-mast01": [one, two] })).toEqual([two]);
      expect(() => keysOf(own, system, { "kube-mast01": [one] })).toThrow(
        /^every host key of kube-mast01 in hostKeys is revoked\n[^]*@revoked[^]*→ /,
      );
    }
  });

  test("a file of the system that cannot be read is passed over, as ssh does; the user's own is named", () => {
    const { user } = files(`kube-mast01 ${one}\n`, "");
    expect(hostKeysOf({ hostKeys: {}, sshKnownHostsFile: user }, "kube-mast01", undefined, [folder])).toEqual([
      bare(one),
    ]);
    expect(() => hostKeysOf({ hostKeys: {}, sshKnownHostsFile: folder }, "kube-mast01", undefined, [])).toThrow(
      /^sshKnownHostsFile: .* cannot be read\n {4}it is a directory/,
    );
  });

  test("may be pinned for one port", () => {
    const pinned = { "kube-mast01": [one], "[kube-mast01]:2222": [two] };
    expect([keysOf("", "", pinned, 2222), keysOf("", "", pinned)]).toEqual([[two], [one]]);
  });

  test("by certificates are refused by name", () =>
    expect(() => keysOf(`@cert-authority * ${one}`, "")).toThrow(
      /no host key of kube-mast01 is known\n {4}a line with @cert-authority vouches for it, and this program cannot check host certificates\n→ run `npm run doctor -- --fetch-host-keys`, which shows its key/,
    ));
});
