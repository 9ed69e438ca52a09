import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unpublished } from "../../cloudinit/iso9660/image";
import { FORGET_VARIABLE, type VirtualBoxHome } from "../../virtualbox/home";
import { RealStack, type StateResource } from "../support/realStack";

jest.setTimeout(300_000);

/**
 * One state and two VBOX_USER_HOMEs, by the real CLI and the real VBoxManage: the tests follow one another on one
 * stack.
 */
let stack: RealStack;
let made: VirtualBoxHome;
beforeAll(async () => {
  stack = await RealStack.make(() => ({ workerNames: [], workerNamePrefix: "n", workerCount: 1 }));
  await stack.pulumi("up", "--yes", "--skip-preview");
  made = (await vm()).outputs.virtualBox as VirtualBoxHome;
});
afterAll(() => stack.end());

const vm = async () => (await stack.resources()).find(({ urn }) => urn.endsWith("vbox:Vm::n01"))!;
const isoPath = () => join(stack.folder, "iso/kube/dev/n01-cidata.iso");
/** All that an operation could change. Of the state, what each resource is: secrets are encrypted again each time. */
async function everything() {
  const resources = (await stack.resources("--show-secrets")).map(
    ({ urn, id, inputs, outputs }) => `${urn} ${id} ${digest(JSON.stringify([inputs, outputs]))}`,
  );
  return [
    await stack.manage("list", "vms"),
    await stack.manage("list", "hdds"),
    await stack.manage("list", "dvds"),
    digest(readFileSync(isoPath())),
    ...resources,
  ];
}
const digest = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");

const refusal =
  /n01: (VirtualBox has no machine n01 \(\S+\), and may not be the one in which it was made|the ISO \S+ is for a machine of another VirtualBox); nothing was changed/;
async function expectRefused(...args: string[]): Promise<void> {
  const { stdout, exitCode } = await stack.cli(args);
  expect(stdout).toMatch(refusal);
  expect(stdout).toMatch(
    new RegExp(
      `made in: +.*/lab/vbox \\(id ${made.id}\\)[^]*asked now: .*/other/vbox [^]*${FORGET_VARIABLE}=${made.id}`,
    ),
  );
  expect(exitCode).not.toBe(0);
  expect(stdout).not.toMatch(/at .*\.ts:\d+/);
}

test("in another VirtualBox, whatever looks at a machine is refused, and nothing is changed", async () => {
  await stack.enter("other");
  const before = await everything();
  await expectRefused("refresh", "--yes", "--skip-preview");
  await expectRefused("destroy", "--yes", "--skip-preview");
  await stack.pulumi("config", "set", "timezone", "Europe/Lisbon");
  await expectRefused("preview");
  await expectRefused("up", "--yes", "--skip-preview");
  await stack.pulumi("config", "rm", "timezone");
  await stack.pulumi("config", "set", "workerCount", "0");
  await expectRefused("up", "--yes", "--skip-preview");
  await stack.pulumi("config", "set", "workerCount", "1");
  await stack.pulumi("preview", "--expect-no-changes"); // It asks nobody.
  expect(await everything()).toEqual(before);
});

test("in its own, all is as it was", async () => {
  await stack.enter("lab");
  await stack.pulumi("preview", "--expect-no-changes", "--refresh");
});

/** With one more worker, in another VirtualBox: refused, nothing made there or in the stack's, and the state as it was. */
async function expectNoneMade(args: string[], home = `.*/lab/vbox \\(id ${made.id}\\)`): Promise<void> {
  await stack.enter("lab");
  const inLab = await stack.manage("list", "vms");
  await stack.enter("other");
  const before = await everything();
  const { stdout, exitCode } = await stack.cli(args);
  expect(stdout).toMatch(
    new RegExp(
      `n0\\d: would be made in another VirtualBox than the stack's machines; nothing was made\\n.*made in: +${home}[^]*asked now: .*/other/vbox [^]*${FORGET_VARIABLE}=`,
    ),
  );
  expect(exitCode).not.toBe(0);
  expect(stdout).not.toMatch(/at .*\.ts:\d+/);
  expect(await stack.manage("list", "vms")).not.toContain('"n0');
  expect(readdirSync(join(stack.folder, "iso/kube/dev")).sort()).toEqual(isosOf(inLab));
  expect((await everything()).sort()).toEqual(before.sort());
  await stack.enter("lab");
  expect(await stack.manage("list", "vms")).toBe(inLab);
}
const isosOf = (vms: string) => [...vms.matchAll(/^"(n\d+)"/gm)].map(([, name]) => `${name!}-cidata.iso`).sort();
const isIdentity = ({ type }: StateResource) => type.endsWith("StackIdentity");
const upOptions = ["--yes", "--skip-preview"];
/** In the stack's VirtualBox, all is made, and then nothing is left to do. */
async function expectMade(names: string[], home: object = { id: made.id }): Promise<void> {
  await stack.enter("lab");
  await stack.pulumi("up", ...upOptions);
  expect(isosOf(await stack.manage("list", "vms"))).toEqual(names.map((name) => `${name}-cidata.iso`));
  await stack.pulumi("preview", "--expect-no-changes");
  const identity = (await stack.resources()).find(isIdentity)!;
  expect(identity.outputs.virtualBox).toEqual(expect.objectContaining(home));
}

test("a further worker is refused in another VirtualBox, also where it alone is made, and is made in the stack's", async () => {
  await stack.pulumi("config", "set", "workerCount", "2");
  await expectNoneMade(["preview"]);
  await expectNoneMade(["up", ...upOptions]);
  await expectNoneMade(["up", ...upOptions, "--target", "**::n02"]);
  await expectMade(["n01", "n02"]);
});

/** Writes the state again, as an earlier version had it. */
async function rewrite(change: (resources: StateResource[]) => StateResource[]): Promise<void> {
  const exported = JSON.parse(await stack.pulumi("stack", "export")) as { deployment: { resources: StateResource[] } };
  exported.deployment.resources = change(exported.deployment.resources);
  const file = join(stack.folder, "earlier.json");
  writeFileSync(file, JSON.stringify(exported));
  await stack.pulumi("stack", "import", "--file", file);
}
function without(resource: StateResource, keys: readonly string[]): StateResource {
  for (const bag of [resource.inputs, resource.outputs]) for (const key of keys) delete bag?.[key];
  return resource;
}
test("a state without the stack's VirtualBox gets it in place, in the one that has the machines", async () => {
  const keys = ["hasWorkers", "vboxManage", "commandTimeoutSeconds", "virtualBox"];
  await rewrite((resources) => resources.map((one) => (isIdentity(one) ? without(one, keys) : one)));
  await stack.enter("lab");
  const preview = await stack.pulumi("preview");
  expect(preview).toMatch(/~ 1 to update/);
  expect(preview).not.toMatch(/to create|to replace|to delete/);
  await stack.enter("other");
  const before = await everything();
  for (const workers of ["2", "3"]) {
    await stack.pulumi("config", "set", "workerCount", workers);
    for (const args of [["preview"], ["up", ...upOptions]]) {
      const { stdout, exitCode } = await stack.cli(args);
      expect(stdout).toMatch(/kube\/dev: VirtualBox has no machine of kube\/dev, and may not be the one/);
      expect(exitCode).not.toBe(0);
    }
  }
  expect(await everything()).toEqual(before);
  await stack.pulumi("config", "set", "workerCount", "2");
  await expectMade(["n01", "n02"]);
});

test("a stack of version 0.1.0 is refused in the VirtualBox that has none of its machines, and then goes on in the one that has", async () => {
  await stack.enter("lab");
  for (const name of ["n01", "n02"]) {
    for (const key of ["owner", "finished"])
      await stack.manage("setextradata", name, `vbox-kubeadm/${key}`, `kube/dev/${name}`);
    const path = join(stack.folder, `iso/kube/dev/${name}-cidata.iso`);
    writeFileSync(path, unpublished(readFileSync(path)));
  }
  await rewrite((resources) =>
    resources
      .filter((one) => !isIdentity(one))
      .map((one) =>
        Object.assign(without(one, ["stackId", "virtualBox", "stackVirtualBox"]), {
          dependencies: [],
          propertyDependencies: undefined,
        }),
      ),
  );
  await stack.pulumi("config", "set", "workerCount", "3");
  const unknown = "not known, as version 0.1.0";
  await expectNoneMade(["preview"], unknown);
  await stack.enter("other");
  const { stdout, exitCode } = await stack.cli(["up", ...upOptions]);
  expect(stdout).toMatch(/n0\d: (would be made in another|VirtualBox has no machine n0\d)[^]*made in: +not known/);
  expect(exitCode).not.toBe(0);
  expect(await stack.manage("list", "vms")).not.toContain('"n0');
  await expectMade(["n01", "n02", "n03"], {});
  await stack.pulumi("refresh", ...upOptions);
  await expectMade(["n01", "n02", "n03"]);
  await stack.pulumi("config", "set", "workerCount", "4");
  await expectNoneMade(["preview"]);
  await expectNoneMade(["up", ...upOptions]);
  await expectMade(["n01", "n02", "n03", "n04"]);
});

test("where the first is said to be gone for good, a destroy lists what it could not look at", async () => {
  await stack.enter("other");
  const { outputs } = await vm();
  const { stdout, exitCode } = await stack.cli(["destroy", "--yes", "--skip-preview"], { [FORGET_VARIABLE]: made.id });
  expect([exitCode, stdout]).toEqual([
    0,
    expect.stringContaining(
      `was not looked at, and is left if it still exists: machine ${String(outputs.uuid)} with its disks, its ISO ${isoPath()}; in ${made.where}`,
    ),
  ]);
  expect(await stack.resources()).toEqual([]);
  expect(existsSync(isoPath())).toBe(false);
  await stack.enter("lab");
  expect(await stack.manage("list", "vms")).toContain('"n01"');
});
