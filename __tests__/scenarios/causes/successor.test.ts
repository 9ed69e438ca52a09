import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run as execHere } from "../../../dev/lab/exec";
import { observe } from "../../../dev/faults/observation";
import { unfit } from "../../../dev/faults/unfit";
import { journal, planFaults } from "../../../dev/simulator/faults";
import { baseImage } from "../../../dev/simulator/site";
import { openSimulatedStack, type SimulatedStack } from "../../../dev/simulator/stack";
import type { SiteState } from "../../../dev/simulator/state";

jest.setTimeout(180_000);

/**
 * A worker is not taken away before it is clear that another one can be made, in every way that a replacement comes
 * about, by the real CLI.
 */
let folder: string;
let stack: SimulatedStack;
const timeouts = { command: 10, clone: 10, cloudInit: 20, start: 5, stop: 2, ssh: 3, join: 5, ready: 10, drain: 2 };
const one = { workerCount: 1, timeouts };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "successor-"));
  // The tutorial's own cluster, with Pulumi.dev.yaml as it is.
  stack = await openSimulatedStack(folder, { kubernetesVersion: "v1.29.15" });
  await stack.configure(one);
  expect(await run()).toMatchObject({ exitCode: 0 });
});
afterAll(async () => {
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
});

async function run(...args: string[]) {
  const { stdout, stderr, exitCode } = await stack.pulumi(["up", "--yes", "--skip-preview", ...args]);
  expect(unfit(stdout + stderr)).toEqual([]);
  return { output: stdout + stderr, exitCode };
}
const change = (work: (state: SiteState) => void) => stack.world.change(work);
const takesAway = (command: string) =>
  /kubectl (cordon|drain|delete)|kubeadm reset|controlvm|clonevm|unregistervm|CNI cleanup/.test(command);

/** Nothing was taken away, and everything is as it was. */
async function refused(message: RegExp, ...args: string[]): Promise<void> {
  const before = observe(stack);
  planFaults(stack.site);
  const { output, exitCode } = await run(...args);
  expect(exitCode).not.toBe(0);
  expect(output).toMatch(message);
  expect(journal(stack.site).filter(takesAway)).toEqual([]);
  expect(observe(stack)).toEqual(before);
}

test("the tutorial's 1.29.15 is what its worker has", () => {
  expect(stack.world.read().cluster.nodes).toMatchObject([{ name: "kube-node01", kubeletVersion: "v1.29.15" }]);
});

test("a version that stays, and that the upgraded cluster does not take any more, is refused before its machine is recreated", async () => {
  await change(({ cluster }) => void (cluster.version = "v1.33.1"));
  await refused(
    /kubernetesVersion: 1\.29\.15 is too old for the cluster's v1\.33\.1; give 1\.30\.0 … 1\.33\.x\n\s*→ take the cluster's own: pulumi up --replace 'urn:pulumi:\*\*vbox:CloudInitIso::kube-node01'/,
    "--replace",
    "**vbox:Vm::kube-node01",
  );
});

test("so is one before its lost machine is cloned again; the command that the error prints takes the cluster's own", async () => {
  await change(({ cluster }) => void (cluster.version = "v1.33.1"));
  const vbox = (...args: string[]) => execHere(join(stack.site, "bin/VBoxManage"), args);
  await vbox("controlvm", "kube-node01", "poweroff");
  await vbox("unregistervm", "kube-node01", "--delete");
  expect(await stack.pulumi(["refresh", "--yes", "--skip-preview"])).toMatchObject({ exitCode: 0 });
  await refused(/kubernetesVersion: 1\.29\.15 is too old for the cluster's v1\.33\.1;/);
  expect(await run("--replace", "urn:pulumi:**vbox:CloudInitIso::kube-node01")).toMatchObject({ exitCode: 0 });
  expect(stack.world.read().cluster.nodes).toMatchObject([{ name: "kube-node01", kubeletVersion: "v1.33.1" }]);
});

test.each<[string, object, RegExp]>([
  [
    "a base image that is not there",
    { ...one, baseImage: "debian-bse-image" },
    /kube-node01: VirtualBox has no machine debian-bse-image to clone\n\s*→ make the base image first/,
  ],
  [
    "a version that is newer than the cluster's",
    { ...one, kubernetesVersion: "1.37.1" },
    /kubernetesVersion: 1\.37\.1 is newer than the cluster's v1\.33\.1; give 1\.30\.0 … 1\.33\.x, or nothing for the cluster's own/,
  ],
])("%s is refused before the worker leaves", async (_what, configuration, message) => {
  await stack.configure({ ...configuration });
  await refused(message);
});

test("with --replace of all that the worker has, a base image in use is refused before the worker leaves", async () => {
  await stack.configure(one);
  const base = (state: SiteState) => state.virtualBox.machines.find(({ name }) => name === baseImage)!;
  await change((state) => void (base(state).state = "running"));
  await refused(
    /the base image debian-base-image is running\n\s*→ shut it down/,
    "--replace",
    "**CloudInitIso::kube-node01",
  );
  await change((state) => void (base(state).state = "poweroff"));
});

test("a worker that is to join again, and could not, stays", async () => {
  await change(({ virtualBox }) => {
    for (const { guest } of virtualBox.media) if (guest?.kubelet) guest.facts = { swap: "1" };
  });
  await refused(/the worker is not fit to join\n\s*swap is on/, "--replace", "**WorkerJoin::kube-node01");
});

test("a version that the cluster does not take any more gives way to the cluster's where the base image changes", async () => {
  await change(({ cluster, virtualBox }) => {
    cluster.version = "v1.37.0";
    const base = virtualBox.machines.find(({ name }) => name === baseImage)!;
    virtualBox.machines.push({ ...structuredClone(base), name: "debian-13", uuid: randomUUID() });
  });
  await stack.configure({ ...one, baseImage: "debian-13" });
  const { output, exitCode } = await run();
  expect(output).toContain(
    "kube-node01: is to have Kubernetes 1.37.0: the cluster's v1.37.0 does not take 1.33.1 any more",
  );
  expect(exitCode).toBe(0);
  expect(stack.world.read().cluster.nodes).toMatchObject([{ name: "kube-node01", kubeletVersion: "v1.37.0" }]);
});
