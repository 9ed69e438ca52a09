import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unfit } from "../../../dev/faults/unfit";
import { shellCommand } from "../../../common/shell";
import { journal, planFaults } from "../../../dev/simulator/faults";
import { exec } from "../../../dev/lab/exec";
import { projectDir } from "../../../dev/lab/paths";
import { sitePaths } from "../../../dev/simulator/sitePaths";
import { openSimulatedStack, type SimulatedStack } from "../../../dev/simulator/stack";

jest.setTimeout(240_000);

/**
 * One preview tells all that is missing, by the real CLI, and one without changes asks nobody. The tests follow one
 * another on one stack.
 */
let stack: SimulatedStack;
beforeAll(async () => void (stack = await openSimulatedStack(await mkdtemp(join(tmpdir(), "preview-")))));
afterAll(async () => {
  await stack.stop();
  await rm(stack.folder, { recursive: true, force: true });
});

const one = { workerCount: 1 };
const change = (path: string, text: string | undefined) => {
  const file = join(stack.site, "host", path);
  if (text === undefined) rmSync(file);
  else writeFileSync(file, text);
};
const setBase = (state: "running" | "poweroff") =>
  stack.world.change(({ virtualBox }) => void (virtualBox.machines[0]!.state = state));

async function run(...args: string[]) {
  planFaults(stack.site);
  const { stdout, stderr, exitCode } = await stack.pulumi(args);
  expect(unfit(stdout + stderr)).toEqual([]);
  return { output: stdout + stderr, exitCode, commands: journal(stack.site) };
}

const program = [join(projectDir, "node_modules/.bin/tsx"), join(projectDir, "commands/doctor.ts")] as const;
const inStack = (env: Record<string, string> = {}) => ({
  cwd: join(stack.folder, "program"),
  env: { ...stack.environment, ...env },
  timeoutMs: 120_000,
});

/** `npm run doctor` in the stack's folder. */
const doctor = (env: Record<string, string> = {}, ...args: string[]) =>
  exec(program[0], [program[1], ...args], inStack(env));

/** The same at a terminal, where somebody types. */
const atTerminal = (typed: string, ...args: string[]) =>
  exec("script", ["-qec", shellCommand([...program, ...args]), "/dev/null"], { ...inStack(), input: typed });

test("all that is missing is told together, once, and nothing is changed", async () => {
  change("dev/vboxdrv", undefined);
  change("proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 1048576 kB\n");
  await setBase("running");
  const before = stack.world.read();
  await stack.configure({
    workerCount: 2,
    kubernetesVersion: "1.37.1",
    nics: [
      { type: "intnet", network: "node" },
      { type: "hostonly", network: "vboxnet7" },
      { type: "natnetwork", network: "no such" },
    ],
  });
  const { output, exitCode, commands } = await run("preview");
  expect(exitCode).not.toBe(0);
  expect(output).toMatch(/has a problem: no machine is made, as 5 things are missing or wrong\n/);
  for (const what of [
    /kernel driver is not loaded/,
    /no network vboxnet7 of type hostonly/,
    /no network no such of type natnetwork/,
    /base image debian-base-image is running/,
    /kubernetesVersion: 1\.37\.1 is newer than/,
  ])
    expect(output.match(new RegExp(what, "g"))).toHaveLength(1);
  // A line of progress, and Pulumi's diagnostics of it.
  expect(
    output.match(/warning: kube-node0\d: the workers need 4\.0 GB of memory, and the host has 1\.0 GB/g),
  ).toHaveLength(2);
  expect(
    commands.filter(
      (command) =>
        !/^VBoxManage (--version|list|showvminfo|getextradata|guestproperty get)|^ip |kubectl version/.test(command),
    ),
  ).toEqual([]);
  expect(stack.world.read()).toEqual(before);

  const { stdout, exitCode: ended } = await doctor();
  expect(ended).toBe(1);
  expect(stdout.match(/^✗ /gm)).toHaveLength(5);
  expect(stdout).toMatch(/^✗ VirtualBox's kernel driver is not loaded: .*\n +→ Linux: install/m);
  expect(stdout).toMatch(/^✓ Pulumi CLI 3\./m);
  expect(stdout).toMatch(/^! the workers need 4\.0 GB of memory, and the host has 1\.0 GB in all\n +→ /m);
});

test("the doctor reads the configuration of a project that has another name", async () => {
  const [own, renamed] = [join(stack.folder, "program"), join(stack.folder, "renamed")];
  mkdirSync(renamed);
  for (const file of ["Pulumi.yaml", "Pulumi.dev.yaml"])
    writeFileSync(
      join(renamed, file),
      readFileSync(join(own, file), "utf8")
        .replace(/^name: .*/m, "name: renamed")
        .replaceAll("vbox-kubeadm:", "renamed:")
        .replace(/^encryptionsalt: .*\n/m, ""),
    );
  expect(await exec("pulumi", ["stack", "init", "dev"], { cwd: renamed, env: stack.environment })).toMatchObject({
    exitCode: 0,
  });
  const { stdout } = await exec(program[0], [program[1]], { ...inStack(), cwd: renamed });
  expect(stdout).toMatch(
    /^✓ the stack dev is selected, and its configuration can be read\n✓ key files, host keys and templates are there$/m,
  );
});
test("the doctor tells what keeps it from the configuration", async () => {
  const { stdout, exitCode } = await doctor({ PULUMI_BACKEND_URL: `file://${join(stack.folder, "none")}` });
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/^✗ pulumi stack --show-name failed\n[^]*→ select a stack/m);
});

test("the doctor adds host keys that are not known after a yes at a terminal", async () => {
  await stack.configure(one);
  const { sshKnownHostsFile } = sitePaths(stack.site);
  const before = readFileSync(sshKnownHostsFile, "utf8");
  rmSync(sshKnownHostsFile);
  try {
    const { stdout, exitCode } = await atTerminal("yes\nyes\nyes\nno\n", "--fetch-host-keys");
    expect(stdout).toMatch(/^\? busybox \(127\.\d+\.\d+\.\d+:22022\) {2}ED25519 {2}SHA256:\S+\s*$/m);
    expect(stdout).toContain("✗ the host key of kube-mast03 was not added");
    expect(exitCode).toBe(1);
    const expected = before
      .split("\n")
      .flatMap((line) => /^(\[busybox\]:22022|kube-mast0[12])(?:,\S+)? (.*)$/.exec(line)?.slice(1).join(" ") ?? []);
    expect(readFileSync(sshKnownHostsFile, "utf8").trimEnd().split("\n")).toEqual(expected);
  } finally {
    writeFileSync(sshKnownHostsFile, before);
  }
});

test("with `checks: off` nobody is asked, and an `up` that is possible comes up", async () => {
  await stack.configure({ ...one, checks: "off" });
  const { exitCode, commands } = await run("preview");
  expect(exitCode).toBe(0);
  expect(commands.filter((command) => !/^ip /.test(command))).toEqual([]);
});

test("what a worker needs that is not among the targets keeps nobody from the others", async () => {
  change("dev/vboxdrv", "");
  change("proc/meminfo", "MemTotal: 33554432 kB\nMemAvailable: 25165824 kB\n");
  await setBase("poweroff");
  const nics = [
    { type: "intnet", network: "node" },
    { type: "natnetwork", network: "no such" },
  ];
  await stack.configure({ workerCount: 2, workerOverrides: { "kube-node02": { nics } } });
  const whole = await run("preview");
  expect(whole.exitCode).not.toBe(0);
  expect(whole.output).toMatch(
    /'kube-node02' has a problem: kube-node02 is not made, as one thing is missing or wrong\n[^]*no network no such of type natnetwork/,
  );
  expect(whole.output).not.toMatch(/'kube-node01' has a problem/);
  const targets = ["stack", "cluster", "route-*", "kube-node01"].flatMap((name) => ["--target", `**::${name}`]);
  expect(await run("preview", ...targets)).toMatchObject({ exitCode: 0 });
});

test("a site that has everything is brought up, and a preview without changes asks nobody", async () => {
  await stack.configure(one);
  const preview = await run("preview");
  expect(preview.output).not.toMatch(/warning|not looked at|could not/);
  expect(await run("up", "--yes", "--skip-preview")).toMatchObject({ exitCode: 0 });
  const { output, exitCode, commands } = await run("preview", "--expect-no-changes");
  expect(exitCode).toBe(0);
  expect(output).not.toMatch(/warning|not looked at/);
  expect(commands.filter((command) => !/^ip /.test(command))).toEqual([]);

  await stack.world.change(({ cluster }) => void (cluster.version = "v1.37.2"));
  const { stdout, exitCode: ended } = await doctor();
  expect(ended).toBe(0);
  expect(stdout).not.toMatch(/^✗/m);
  expect(stdout).toMatch(/^! kube-node01: its Kubernetes v?1\.36\.3 is older than the cluster's v1\.37\.2\n +→ /m);
});
