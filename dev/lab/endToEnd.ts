import { strict as assert } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ensureBaseImage } from "./baseImage";
import { ensureBaseMachine } from "./baseMachine";
import { pulumiFolder } from "./binaries";
import { kubectl } from "./controlPlane";
import { assertOnDocker, containerIds } from "./dockerWorker";
import { labDown } from "./down";
import { assertDestroyed, assertDown } from "./nothingLeft";
import { labDir } from "./paths";
import { execOnHost } from "./stack";
import { attackWithTokens } from "./tokenAttack";
import { commandOf, writeWorkersHostKeys } from "./tools";
import { labUp, log } from "./up";

/** The stack's resources of one type, by name, as Pulumi's state has them. */
type Resources = Record<string, { id: string; outputs: Record<string, unknown> }>;

let passed = 0;

async function step(what: string, work: () => Promise<void>): Promise<void> {
  log(`--- ${what}`);
  try {
    await work();
  } catch (error) {
    console.error(`FAILED: ${what}`);
    console.log(`${passed} passed, 1 failed`);
    throw error;
  }
  passed += 1;
}

async function pulumi(...args: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await execOnHost(await pulumiFolder(log), "pulumi", [
    ...args,
    "--non-interactive",
  ]);
  console.log(stdout);
  assert.equal(exitCode, 0, `pulumi ${args.join(" ")}: ${stderr}`);
  return stdout;
}

async function up(...args: string[]): Promise<string> {
  const output = await pulumi("up", "--yes", "--skip-preview", ...args);
  await writeWorkersHostKeys(await pulumiFolder(log));
  return output;
}

const manage = async (...args: string[]) => (await execOnHost(await pulumiFolder(log), "VBoxManage", args)).stdout;

async function resources(kind: string): Promise<Resources> {
  const { stdout } = await execOnHost(await pulumiFolder(log), "pulumi", ["stack", "export"]);
  const { deployment } = JSON.parse(stdout) as {
    deployment: { resources: { urn: string; type: string; id: string; outputs: Record<string, unknown> }[] };
  };
  const found = deployment.resources.filter(({ type }) => type === `pulumi-nodejs:dynamic/${kind}`);
  return Object.fromEntries(found.map(({ urn, id, outputs }) => [urn.split("::").at(-1)!, { id, outputs }]));
}

const nodes = async () =>
  (await kubectl(["get", "nodes", "-o", "jsonpath={range .items[*]}{.metadata.name}={.metadata.uid} {end}"]))
    .trim()
    .split(" ")
    .sort();

/** Every node Ready, and on each exactly one Running kube-proxy and one Running flannel pod. */
async function assertWorking(names: readonly string[]): Promise<void> {
  const conditions = await kubectl([
    "get",
    "nodes",
    "-o",
    'jsonpath={range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}',
  ]);
  assert.deepEqual(
    conditions.trim().split("\n").sort(),
    names.map((name) => `${name} True`),
  );
  const pods = await kubectl([
    "get",
    "pods",
    "-A",
    "-o",
    'jsonpath={range .items[*]}{.spec.nodeName} {.metadata.labels.k8s-app}{.metadata.labels.app} {.status.phase}{"\\n"}{end}',
  ]);
  const expected = names.flatMap((name) => [`${name} flannel Running`, `${name} kube-proxy Running`]);
  assert.deepEqual(pods.trim().split("\n").sort(), expected.sort());
}

/** What a command prints on a worker. */
async function inWorker(name: string, ...command: string[]): Promise<string> {
  const [file, ...args] = commandOf("ssh", [name, ...command]);
  return (await execOnHost(await pulumiFolder(log), file!, args)).stdout.trim();
}

const bootId = (name: string) => inWorker(name, "cat", "/proc/sys/kernel/random/boot_id");

async function main(): Promise<void> {
  const three = ["kube-node01", "kube-node02", "kube-node03"];
  const two = ["kube-node02", "kube-node04"];
  const isKept = (node: string) => /^kube-node0[13]=/.test(node);

  await step("up: three workers, joined and Ready", async () => {
    assert.equal(await labUp(), 0);
    await writeWorkersHostKeys(await pulumiFolder(log));
    await assertWorking(three);
  });

  await step("no private key on a worker that others than root could read", async () => {
    const keys =
      "sudo -n grep -rl 'PRIVATE KEY-----' /etc /home /root /run/cloud-init /tmp /var/lib/cloud /var/lib/kubelet";
    assert.match(await inWorker("kube-node01", keys), /^\/etc\/ssh\/ssh_host_ed25519_key$/m);
    assert.equal(await inWorker("kube-node01", `${keys} | sudo -n xargs -I{} find {} -perm /077`), "");
  });

  await step("no private key on a worker's ISO, and none in its drive", async () => {
    const folder = join(labDir(), "iso");
    const isos = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".iso"));
    assert.equal(isos.length, 3);
    for (const iso of isos) assert.doesNotMatch(readFileSync(join(folder, iso), "latin1"), /PRIVATE KEY/);
    assert.equal(await inWorker("kube-node01", "sudo -n grep -ac 'PRIVATE KEY' /dev/sr0 || true"), "0");
  });

  await step(
    "a worker's token gets a certificate for its own node alone, where one of kubeadm's group gets any",
    async () => {
      const tookMs = await attackWithTokens();
      log(`from a request to its certificate: ${Math.round(tookMs)} ms`);
      assert.ok(tookMs < 3_000);
    },
  );

  await step("a second preview changes nothing", async () => {
    await pulumi("preview", "--expect-no-changes");
  });

  await step(
    "at once: a fourth worker, on Docker Engine, by the whole installation path, more memory for the first in place, the second replaced; the third untouched",
    async () => {
      await ensureBaseMachine("debian-bare-image", await ensureBaseImage("bare", log), log);
      const [before, boot] = [await nodes(), await bootId("kube-node03")];
      const vms = await resources("vbox:Vm");
      await pulumi("config", "set", "workerCount", "4");
      await pulumi("config", "set", "--path", "workerOverrides.kube-node01.memoryMb", "1100");
      for (const [key, value] of [
        ["containerRuntime", "docker"],
        ["baseImage", "debian-bare-image"],
        ["reboot", "true"],
      ] as const) {
        await pulumi("config", "set", "--path", `workerOverrides.kube-node04.${key}`, value);
      }
      // A second network adapter, whose DHCP offers a default route too: by systemd-networkd, and by netplan, which the
      // bare image has.
      for (const [name, key, value] of two.flatMap(
        (name) =>
          [
            [name, "[0].type", "intnet"],
            [name, "[0].network", "node"],
            [name, "[1].type", "nat"],
          ] as const,
      )) {
        await pulumi("config", "set", "--path", `workerOverrides.${name}.nics${key}`, value);
      }
      const urn = (await pulumi("stack", "--show-urns"))
        .split(/\s+/)
        .find((word) => word.endsWith("vbox:Vm::kube-node02"))!;
      const output = await up("--replace", urn);
      assert.match(output, /kube-node02: draining/);
      assert.match(
        output,
        /kube-node04: fit to join; of its container runtimes' sockets, .*, kubeadm and the kubelet use unix:\/\/\/run\/cri-dockerd\.sock/,
      );
      await assertWorking([...three, "kube-node04"]);
      const after = await nodes();
      assert.deepEqual(after.filter(isKept), before.filter(isKept));
      assert.notEqual(after[1], before[1]);
      assert.equal(await bootId("kube-node03"), boot);
      assert.equal((await resources("vbox:Vm"))["kube-node01"]!.id, vms["kube-node01"]!.id);
      assert.match(await manage("showvminfo", "kube-node01", "--machinereadable"), /^memory=1100$/m);
      for (const name of two) {
        assert.match(await inWorker(name, "ip", "-4", "-o", "address", "show", "enp0s8"), /inet 10\.0\.3\./);
        assert.match(
          await inWorker(name, "ip", "-4", "route", "show", "default"),
          /^default via 192\.168\.2\.254 [^\n]*$/,
        );
      }
      assert.match(await inWorker("kube-node02", "ls /etc/systemd/network"), /^10-cloud-init-.*\.network$/m);
      assert.match(
        await inWorker("kube-node04", "ls /etc/netplan /run/systemd/network"),
        /^50-cloud-init\.yaml$[^]*^10-netplan-.*\.network$/m,
      );
      log(await kubectl(["get", "nodes", "-o", "wide"]));
      await assertOnDocker("kube-node04", (...command) => inWorker("kube-node04", ...command));
    },
  );

  await step(
    "a Node on Docker Engine that somebody else deleted is seen by refresh and joined again, and no container of before is left; the others untouched",
    async () => {
      const [before, containers] = [
        await nodes(),
        await containerIds((...command) => inWorker("kube-node04", ...command)),
      ];
      // As the bridge plugin leaves it behind: with it there, no pod of the next Node would get a network.
      await inWorker("kube-node04", "sudo -n ip link add cni0 type bridge");
      assert.match(await inWorker("kube-node04", "ls /sys/class/net"), /^cni0$/m);
      await kubectl(["delete", "node", "kube-node04"]);
      await pulumi("refresh", "--yes", "--skip-preview");
      assert.equal((await resources("kubeadm:WorkerJoin"))["kube-node04"], undefined);
      await up();
      await assertWorking([...three, "kube-node04"]);
      assert.deepEqual((await nodes()).slice(0, 3), before.slice(0, 3));
      assert.doesNotMatch(await inWorker("kube-node04", "ls /sys/class/net"), /^cni0$/m);
      const now = await containerIds((...command) => inWorker("kube-node04", ...command));
      assert.deepEqual(
        now.filter((id) => containers.includes(id)),
        [],
      );
    },
  );

  await step(
    "a change of containerRuntime replaces the worker, by the whole installation path; the others untouched",
    async () => {
      const before = await nodes();
      await pulumi("config", "set", "--path", "workerOverrides.kube-node04.containerRuntime", "containerd");
      // The installation that ends with a reboot was the first's.
      await pulumi("config", "set", "--path", "workerOverrides.kube-node04.reboot", "false");
      const output = await up();
      assert.match(output, /kube-node04: draining/);
      assert.doesNotMatch(output, /kubeadm reset did not end well/);
      await assertWorking([...three, "kube-node04"]);
      assert.deepEqual((await nodes()).slice(0, 3), before.slice(0, 3));
      assert.match(
        await kubectl(["get", "node", "kube-node04", "-o", "jsonpath={.status.nodeInfo.containerRuntimeVersion}"]),
        /^containerd:/,
      );
      assert.deepEqual((await inWorker("kube-node04", "apt-mark", "showhold")).split(/\s+/).sort(), [
        "containerd",
        "kubeadm",
        "kubectl",
        "kubelet",
      ]);
    },
  );

  await step("back to three; the others untouched", async () => {
    const before = await nodes();
    await pulumi("config", "set", "workerCount", "3");
    await pulumi("config", "rm", "--path", "workerOverrides.kube-node04");
    await up();
    await assertWorking(three);
    assert.deepEqual(await nodes(), before.slice(0, 3));
    assert.doesNotMatch(await manage("list", "vms"), /kube-node04/);
    await pulumi("preview", "--expect-no-changes");
  });

  await step("destroy leaves nothing", async () => {
    await pulumi("destroy", "--yes", "--skip-preview");
    await assertDestroyed(manage);
  });

  await step("down takes the lab away", async () => {
    const dir = labDir();
    assert.equal(await labDown(), 0);
    await assertDown(dir);
  });

  console.log(`${passed} passed, 0 failed`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
