import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FORGET_VARIABLE, type VirtualBoxHome } from "../../virtualbox/home";
import { RealStack } from "../support/realStack";

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

const vm = async () => (await stack.resources()).find(({ type }) => type.endsWith("vbox:Vm"))!;
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
