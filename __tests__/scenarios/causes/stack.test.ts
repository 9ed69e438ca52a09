import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { observe } from "../../../dev/faults/observation";
import { unfit } from "../../../dev/faults/unfit";
import { openSimulatedStack, type SimulatedStack } from "../../../dev/simulator/stack";
import type { SiteState } from "../../../dev/simulator/state";

jest.setTimeout(180_000);

/** What the engine makes of failures, by the real CLI: the tests follow one another on one stack. */
let folder: string;
let stack: SimulatedStack;
const timeouts = { command: 10, clone: 10, cloudInit: 20, start: 5, stop: 2, ssh: 2, join: 5, ready: 10, drain: 2 };
const one = { workerCount: 1, timeouts };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "causes-"));
  stack = await openSimulatedStack(folder);
  await stack.configure(one);
  expect(await run("up")).toMatchObject({ exitCode: 0 });
});
afterAll(async () => {
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What an operation said, and how it ended; it never shows what a user must not see. */
async function run(operation: "up" | "refresh" | "destroy") {
  const { stdout, stderr, exitCode } = await stack.pulumi([operation, "--yes", "--skip-preview"]);
  expect(unfit(stdout + stderr)).toEqual([]);
  return { output: stdout + stderr, exitCode };
}
const change = (work: (state: SiteState) => void) => stack.world.change(work);
const machines = () => stack.world.read().virtualBox.machines.map(({ name }) => name);

test("a VM that is not ours keeps one worker from being made, and nothing else is changed", async () => {
  await change(({ virtualBox }) => {
    const [base] = virtualBox.machines;
    virtualBox.machines.push({
      ...structuredClone(base!),
      uuid: "11111111-1111-1111-1111-111111111111",
      name: "kube-node02",
      drives: [],
    });
  });
  const before = observe(stack);
  await stack.configure({ ...one, workerCount: 2 });
  const { output, exitCode } = await run("up");
  expect(exitCode).not.toBe(0);
  expect(output).toMatch(
    /kube-node02: VirtualBox already has a machine kube-node02 .*, which kube\/dev did not make\n\s*→ rename or delete that machine/,
  );
  const iso = /kube-node02-cidata\.iso 600$|(CloudInitIso|Machine)::kube-node02$/;
  expect(observe(stack).filter((line) => !iso.test(line))).toEqual(before);

  await stack.configure(one);
  expect(await run("up")).toMatchObject({ exitCode: 0 });
  expect(observe(stack)).toEqual(before);
});

test("a worker is not taken away to be replaced while its cluster does not answer", async () => {
  const before = observe(stack);
  const uuid = machines();
  await change(({ cluster }) => void (cluster.apiDown = true));
  await stack.configure({ ...one, kubeletArgs: { "max-pods": "50" } });
  const { output, exitCode } = await run("up");
  expect(exitCode).not.toBe(0);
  expect(output).toMatch(
    /kube-node01: the worker is to be replaced, and was left as it is: its cluster does not answer[^]*API server does not answer[^]*→ bring the cluster back, then run `pulumi up` again/,
  );
  expect(machines()).toEqual(uuid);
  await change(({ cluster }) => void (cluster.apiDown = false));
  await stack.configure(one);
  expect(await run("up")).toMatchObject({ exitCode: 0 });
  expect(observe(stack)).toEqual(before);
});

test("a master that is not configured any more is not asked any more, by a refresh neither; on the machines nothing changes", async () => {
  const before = observe(stack);
  await stack.configure({ ...one, masters: ["kube-mast02", "kube-mast03"] });
  expect(await run("up")).toMatchObject({ exitCode: 0 });
  expect(observe(stack)).toEqual(before);
  await change(({ cluster }) => void (cluster.mastersDown = ["kube-mast01"]));
  const { output, exitCode } = await run("refresh");
  expect(exitCode).toBe(0);
  expect(output).not.toMatch(/kube-mast01/);
});

test("with the worker's machine, all masters and the API gone a destroy ends, and says what is left to do", async () => {
  await change(({ cluster, virtualBox }) => {
    cluster.mastersDown = ["kube-mast01", "kube-mast02", "kube-mast03"];
    cluster.apiDown = true;
    const worker = virtualBox.machines.find(({ name }) => name === "kube-node01")!;
    worker.state = "poweroff";
    delete worker.boot;
  });
  const { output, exitCode } = await run("destroy");
  expect(exitCode).toBe(0);
  expect(output).toMatch(
    /kube-node01: its Node stays, as the cluster does not answer: none of the masters .* gave an SSH session within 2 s\. If the cluster still lives: kubectl delete node kube-node01/,
  );
  expect(output).toMatch(/kube-node01: is not reset: VirtualBox says that kube-node01 is poweroff/);
  expect(output).toMatch(/kube-node01: token \w{6} could not be revoked, and ends by itself within 30 minutes/);
  expect(machines()).toEqual(["debian-base-image", "busybox", "kube-node02"]);
  expect(observe(stack).filter((line) => /^(route|token|resource urn.*dynamic|medium dvd)/.test(line))).toEqual([]);
});
