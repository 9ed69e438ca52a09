import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { exec } from "../../dev/lab/exec";
import { noDelays } from "../../dev/simulator/delays";
import { openSimulatedStack, type SimulatedStack } from "../../dev/simulator/stack";

jest.setTimeout(300_000);

let stack: SimulatedStack;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "progress-"));
  stack = await openSimulatedStack(folder, { delays: { ...noDelays, cloudInit: 5_000 } });
  await stack.configure({ workerCount: 1 });
});
afterAll(async () => {
  await stack.stop();
  await rm(stack.folder, { recursive: true });
});

/** What the CLI prints, which has to succeed, on a pseudo-terminal that is wide enough for any row. */
async function onTerminal(command: string): Promise<string> {
  const line = `stty cols 240 rows 60; ${command}`;
  const { stdout, exitCode } = await exec("script", ["-qec", line, "/dev/null"], {
    cwd: join(stack.folder, "program"),
    env: { ...stack.environment, TERM: "xterm", PULUMI_DISABLE_CI_DETECTION: "true" },
    timeoutMs: 240_000,
  });
  const output = stripVTControlCharacters(stdout);
  if (exitCode !== 0) throw new Error(output);
  return output;
}

test("on a terminal each resource's row shows what is done to it and for how long, and nothing of it comes again", async () => {
  const output = await onTerminal("pulumi up --yes --skip-preview --color never");
  expect(output).toMatch(/vbox:Vm +kube-node01 +creating \(\S+ +waiting for cloud-init: /);
  expect(output).toMatch(/vbox:Vm +kube-node01 +creating \(\S+ +waiting for cloud-init, 0:0[1-9]: /);
  expect(output).toMatch(/kubeadm:WorkerJoin +kube-node01 +created \(\S+ +Ready, v1\.36\.3, 192\.168\.2\.\d+/);
  expect(output).not.toContain("usually");
  expect(output).not.toMatch(/kube-node01: (cloning|starting|waiting|joining|Ready)/);
  expect(output).not.toContain("Diagnostics:");
});

test("in a pipe they are lines with the resource's name, without times", async () => {
  const output = await onTerminal("pulumi destroy --yes --skip-preview --color never | cat");
  expect(output).toMatch(/kubeadm:WorkerJoin kube-node01 deleting \(\S+ kube-node01: draining/);
  expect(output).not.toMatch(/draining, /);
  expect(output).not.toContain("Diagnostics:");
});

test("what was timed in an earlier run is told as usual", async () => {
  expect(await onTerminal("pulumi up --yes --skip-preview --color never")).toMatch(
    /vbox:Vm +kube-node01 +creating \(\S+ +waiting for cloud-init, (\d:\d\d, )?usually 0:\d\d: /,
  );
});

test("what is to be read lasts: it is told at the end, for its resource", async () => {
  await stack.world.change(({ virtualBox }) => {
    const machine = virtualBox.machines.find(({ name }) => name === "kube-node01")!;
    machine.state = "poweroff";
    delete machine.boot;
  });
  expect(await onTerminal("pulumi destroy --yes --skip-preview --color never")).toMatch(
    /Diagnostics:\s+pulumi-nodejs:dynamic\/kubeadm:WorkerJoin \(kube-node01\):\s+warning: is not reset: VirtualBox says that kube-node01 is poweroff/,
  );
});
