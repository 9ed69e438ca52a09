import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { ExecResult } from "../host/exec";
import { exec, run } from "../lab/exec";
import { pulumiFolder } from "../lab/binaries";
import { projectDir } from "../lab/paths";
import { linkProgram } from "../lab/program";
import { endVirtualBox } from "../lab/virtualBox";

jest.setTimeout(300_000);

let folder: string;
let environment: Record<string, string>;
const inProgram = (file: string, args: readonly string[]): Promise<ExecResult> => exec(file, args, { cwd: join(folder, "program"), env: environment, timeoutMs: 240_000 });

async function pulumi(...args: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await inProgram("pulumi", [...args, "--non-interactive"]);
  if (exitCode !== 0) throw new Error(`pulumi ${args.join(" ")}:\n${stdout}\n${stderr}`);
  return stdout;
}

const manage = async (...args: string[]) => (await inProgram("VBoxManage", args)).stdout;

interface StateResource {
  type: string;
  urn: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
}
const state = async () => (JSON.parse(await pulumi("stack", "export")) as { deployment: { resources: StateResource[] } }).deployment.resources.filter(({ type }) => type.includes("dynamic/"));

/** A VirtualBox and a Pulumi backend of their own, and a base image that nothing boots from. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "engine-"));
  environment = {
    PATH: [join(projectDir, "lab"), await pulumiFolder(() => {}), process.env.PATH].join(delimiter),
    VBOX_LAB_DIR: join(folder, "lab"),
    PULUMI_HOME: join(folder, "home"),
    PULUMI_BACKEND_URL: `file://${folder}`,
    PULUMI_CONFIG_PASSPHRASE: randomUUID(),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    ADDED: "by its name",
  };
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, "id")]);
  const key = (await readFile(join(folder, "id.pub"), "utf8")).trim();
  await writeFile(join(folder, "known_hosts"), ["busybox", "kube-mast01", "kube-mast02", "kube-mast03"].map((name) => `${name} ${key}\n`).join(""));
  await linkProgram(join(folder, "program"), "dev", {
    workerNames: ["n1", "n2"],
    routes: [],
    autostart: false,
    kubernetesVersion: "1.36.3", // There is no cluster to ask.
    sshPrivateKeyFile: join(folder, "id"),
    sshKnownHostsFile: join(folder, "known_hosts"),
    isoFolder: join(folder, "iso"),
    vboxManage: join(folder, "manage"),
    childEnvironment: ["ADDED"],
  });
  await writeFile(join(folder, "manage"), '#!/bin/sh\nenv >"${0%/*}/seen"\nexec VBoxManage "$@"\n', { mode: 0o755 });
  await pulumi("stack", "init", "dev");
  await manage("createvm", "--name", "debian-base-image", "--ostype", "Debian_64", "--register");
  await manage("storagectl", "debian-base-image", "--name", "IDE", "--add", "ide");
  await manage("storagectl", "debian-base-image", "--name", "SATA", "--add", "sata", "--portcount", "4");
  await manage("createmedium", "disk", "--filename", join(folder, "base.vdi"), "--size", "16");
  await manage("storageattach", "debian-base-image", "--storagectl", "SATA", "--port", "0", "--device", "0", "--type", "hdd", "--medium", join(folder, "base.vdi"));
});

afterAll(async () => {
  await endVirtualBox(join(folder, "lab"));
  await rm(folder, { recursive: true, force: true });
});

test("a wrong value is refused at preview by its key, without a stack, and nothing is made", async () => {
  await pulumi("config", "set", "memoryMb", "12");
  const { stdout, exitCode } = await inProgram("pulumi", ["preview", "--non-interactive"]);
  expect(exitCode).not.toBe(0);
  expect(stdout).toContain("memoryMb: give at least 512 MB");
  expect(stdout).not.toMatch(/at .*\.ts:\d+/);
  await pulumi("config", "rm", "memoryMb");
});

test("up makes the machines; a preview then has no changes", async () => {
  await pulumi("up", "--yes", "--skip-preview");
  const vms = await manage("list", "vms");
  expect(vms).toContain('"n1"');
  expect(vms).toContain('"n2"');
  expect(existsSync(join(folder, "iso/kube/dev/n1-cidata.iso"))).toBe(true);
  await pulumi("preview", "--expect-no-changes");
});

test("VBoxManage is given what is added by name, and no credentials", async () => {
  const seen = await readFile(join(folder, "seen"), "utf8");
  expect(seen).toContain("ADDED=by its name");
  expect(seen).not.toContain("PULUMI");
});

test("state is small, and holds no secret in clear", async () => {
  const resources = await state();
  for (const { inputs } of resources) expect(String(inputs.__provider).length).toBeLessThan(200);
  const text = JSON.stringify(resources);
  expect(text).not.toMatch(/PRIVATE KEY/);
  expect(resources.filter(({ type }) => type.endsWith("CloudInitIso")).map(({ outputs }) => Object.keys(outputs.hostPrivateKey as object))).toHaveLength(2);
});

test("a change of memory is made in place, and only there", async () => {
  const uuids = async () => (await manage("list", "vms")).split("\n").sort();
  const before = await uuids();
  await pulumi("config", "set", "--path", "workerOverrides.n2.memoryMb", "700");
  expect(await pulumi("up", "--yes", "--skip-preview")).toMatch(/1 updated/);
  expect(await manage("showvminfo", "n2", "--machinereadable")).toMatch(/^memory=700$/m);
  expect(await uuids()).toEqual(before);
});

test("what somebody else changed is seen by refresh and repaired by up", async () => {
  await manage("modifyvm", "n1", "--memory", "999");
  await pulumi("refresh", "--yes", "--skip-preview");
  expect(await pulumi("up", "--yes", "--skip-preview")).toMatch(/1 updated/);
  expect(await manage("showvminfo", "n1", "--machinereadable")).toMatch(/^memory=2048$/m);
  await pulumi("preview", "--expect-no-changes");
});

test("changed cloud-init content replaces the machine", async () => {
  const uuid = async () => /^UUID="(.*)"$/m.exec(await manage("showvminfo", "n1", "--machinereadable"))![1];
  const before = await uuid();
  await pulumi("config", "set", "timezone", "Europe/Lisbon");
  await pulumi("up", "--yes", "--skip-preview");
  expect(await uuid()).not.toBe(before);
  await pulumi("preview", "--expect-no-changes");
});

test("a replacement that is asked for deletes the old machine before it makes the new one", async () => {
  const uuid = async () => /^UUID="(.*)"$/m.exec(await manage("showvminfo", "n2", "--machinereadable"))?.[1];
  const before = await uuid();
  const urn = (await state()).find(({ type, outputs }) => type.endsWith("vbox:Vm") && outputs.name === "n2")!.urn;
  await pulumi("up", "--yes", "--skip-preview", "--replace", urn);
  const after = await uuid();
  expect(after).toBeDefined();
  expect(after).not.toBe(before);
  await pulumi("preview", "--expect-no-changes", "--refresh");
});

test("a machine of the same name that is not ours is refused and left alone", async () => {
  await manage("createvm", "--name", "n3", "--register");
  await pulumi("config", "set", "--path", "workerNames[2]", "n3");
  const { stdout, exitCode } = await inProgram("pulumi", ["up", "--yes", "--skip-preview", "--non-interactive"]);
  expect(exitCode).not.toBe(0);
  expect(stdout).toMatch(/n3: .*adopt/s);
  expect(stdout).not.toMatch(/at .*\.ts:\d+/);
  await pulumi("config", "rm", "--path", "workerNames[2]");
  await pulumi("up", "--yes", "--skip-preview");
  expect(await manage("list", "vms")).toMatch(/"n3"/);
});

test("destroy leaves nothing of ours, and all that is not", async () => {
  await pulumi("destroy", "--yes", "--skip-preview");
  expect(await manage("list", "vms")).not.toMatch(/"n[12]"/);
  expect(await manage("list", "vms")).toMatch(/"n3"/);
  expect(await manage("list", "hdds")).not.toMatch(/n[12]/);
  expect(await manage("list", "dvds")).not.toMatch(/cidata/);
  expect(existsSync(join(folder, "iso")) && (await readdir(join(folder, "iso"), { recursive: true })).some((file) => file.endsWith(".iso"))).toBe(false);
});
