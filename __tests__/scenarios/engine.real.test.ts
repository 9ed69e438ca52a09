import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RealStack } from "../support/realStack";

jest.setTimeout(300_000);

let stack: RealStack;
let folder: string;
beforeAll(async () => {
  stack = await RealStack.make((folder) => ({ vboxManage: join(folder, "manage"), childEnvironment: ["ADDED"] }));
  folder = stack.folder;
  stack.environment.ADDED = "by its name";
  await writeFile(join(folder, "manage"), '#!/bin/sh\nenv >"${0%/*}/seen"\nexec VBoxManage "$@"\n', { mode: 0o755 });
});
afterAll(() => stack.end());

const pulumi = (...args: string[]) => stack.pulumi(...args);
const manage = (...args: string[]) => stack.manage(...args);

test("a wrong value is refused at preview by its key, without a stack, and nothing is made", async () => {
  await pulumi("config", "set", "memoryMb", "12");
  const { stdout, exitCode } = await stack.cli(["preview"]);
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
  const resources = await stack.resources();
  for (const { inputs } of resources) expect(String(inputs.__provider).length).toBeLessThan(200);
  const text = JSON.stringify(resources);
  expect(text).not.toMatch(/PRIVATE KEY/);
  expect(
    resources
      .filter(({ type }) => type.endsWith("CloudInitIso"))
      .map(({ outputs }) => Object.keys(outputs.hostPrivateKey as object)),
  ).toHaveLength(2);
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
  const urn = (await stack.resources()).find(
    ({ type, outputs }) => type.endsWith("vbox:Vm") && outputs.name === "n2",
  )!.urn;
  await pulumi("up", "--yes", "--skip-preview", "--replace", urn);
  const after = await uuid();
  expect(after).toBeDefined();
  expect(after).not.toBe(before);
  await pulumi("preview", "--expect-no-changes", "--refresh");
});

test("a machine of the same name that is not ours is refused and left alone", async () => {
  await manage("createvm", "--name", "n3", "--register");
  await pulumi("config", "set", "--path", "workerNames[2]", "n3");
  const { stdout, exitCode } = await stack.cli(["up", "--yes", "--skip-preview"]);
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
  expect(
    existsSync(join(folder, "iso")) &&
      (await readdir(join(folder, "iso"), { recursive: true })).some((file) => file.endsWith(".iso")),
  ).toBe(false);
});
