import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publisherOf, unpublished } from "../../../cloudinit/iso9660/image";
import { observe } from "../../../dev/faults/observation";
import { openSimulatedStack, type SimulatedStack } from "../../../dev/simulator/stack";

jest.setTimeout(300_000);

/**
 * A state that version 0.1.0 wrote, that is an old one or that was lost, and a second checkout of the same names, by
 * the real CLI.
 */
let stack: SimulatedStack;
let folder: string;
let empty: string[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ownership-"));
  stack = await openSimulatedStack(folder);
  empty = onSite();
  await stack.configure({ workerCount: 1 });
});
afterAll(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true });
});

/** What there is on the site, beside what the tests and the CLI keep. */
const onSite = () => observe(stack).filter((line) => !/^resource |^file (cache|second|\w+\.json)/.test(line));
const secondCheckout = () => ({ PULUMI_BACKEND_URL: `file://${join(folder, "second")}` });
async function pulumi(args: string[], env?: Record<string, string>): Promise<string> {
  const { stdout, stderr, exitCode } = await stack.pulumi(args, { env });
  if (exitCode !== 0) throw new Error(`pulumi ${args.join(" ")}:\n${stdout}\n${stderr}`);
  return stdout;
}
const machine = () => stack.world.read().virtualBox.machines.find(({ name }) => name === "kube-node01")!;
const isoFile = () => join(folder, "site/iso/kube/dev/kube-node01-cidata.iso");

interface Resource {
  urn: string;
  type: string;
  parent?: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  dependencies?: string[];
  propertyDependencies?: Record<string, string[] | null>;
}

/** Version 0.1.0 had neither: all resources stood side by side. */
const isNew = ({ type }: Resource) => /StackIdentity$|:Machine$/.test(type);

/** Takes from the state, the machine, the Node and the ISO what version 0.1.0 did not write. */
async function downgrade(): Promise<void> {
  const text = await pulumi(["stack", "export"]);
  const exported = JSON.parse(text.replaceAll("vbox-kubeadm:index:Machine$", "")) as {
    deployment: { resources: Resource[] };
  };
  const root = exported.deployment.resources.find(({ type }) => type === "pulumi:pulumi:Stack")!.urn;
  exported.deployment.resources = exported.deployment.resources.filter((resource) => !isNew(resource));
  for (const resource of exported.deployment.resources) {
    if (resource.parent) resource.parent = root;
    for (const bag of [resource.inputs, resource.outputs])
      for (const key of ["stackId", "virtualBox"]) delete bag?.[key];
    resource.dependencies = resource.dependencies?.filter((urn) => !urn.includes("StackIdentity"));
    delete resource.propertyDependencies;
  }
  const file = join(folder, "former.json");
  writeFileSync(file, JSON.stringify(exported));
  await pulumi(["stack", "import", "--file", file]);
  writeFileSync(isoFile(), unpublished(readFileSync(isoFile())));
  await stack.world.change(({ virtualBox, cluster }) => {
    delete virtualBox.extraData;
    const former = (marks: Record<string, string>) =>
      Object.entries(marks).forEach(([key, mark]) => (marks[key] = mark.replace(/^[0-9a-f]{32} /, "")));
    virtualBox.machines.forEach(({ extraData }) => former(extraData));
    cluster.nodes.forEach(({ annotations }) => former(annotations));
  });
  rmSync(join(folder, "user/.vbox-kubeadm"), { recursive: true });
}

/** What is shown below the worker's machine. */
async function tree(): Promise<string[]> {
  const { deployment } = JSON.parse(await pulumi(["stack", "export"])) as { deployment: { resources: Resource[] } };
  return deployment.resources
    .filter(({ parent }) => parent?.endsWith(":Machine::kube-node01"))
    .map(({ type }) => type.split(":").at(-1)!)
    .sort();
}

test("a stack of version 0.1.0 gets its id, its marks and a tree for each worker in place: none is replaced", async () => {
  await pulumi(["up", "--yes", "--skip-preview"]);
  await downgrade();
  const [uuid, image] = [machine().uuid, readFileSync(isoFile())];
  expect(machine().extraData["vbox-kubeadm/owner"]).toBe("kube/dev/kube-node01");
  const preview = await pulumi(["preview"]);
  expect(preview).toContain("+ 2 to create");
  expect(preview).not.toMatch(/to update|to replace|to delete/);
  expect(await pulumi(["up", "--yes", "--skip-preview"])).not.toMatch(/replaced|deleted/);
  expect(machine()).toMatchObject({ uuid, state: "running" });
  expect(machine().extraData["vbox-kubeadm/owner"]).toMatch(/^[0-9a-f]{32} kube\/dev\/kube-node01$/);
  expect(publisherOf(readFileSync(isoFile()))).toBe(machine().extraData["vbox-kubeadm/owner"]!.slice(0, 32));
  expect(unpublished(readFileSync(isoFile()))).toEqual(image);
  await pulumi(["preview", "--expect-no-changes"]);
  expect(await tree()).toEqual(["CloudInitIso", "JoinToken", "Vm", "WorkerJoin"]);
});

test("a second checkout of the same names is refused before it writes anything, and its destroy takes nothing of ours", async () => {
  const before = { ...stack.world.read(), iso: readFileSync(isoFile()) };
  mkdirSync(join(folder, "second"));
  await pulumi(["stack", "select", "dev", "--create"], secondCheckout());
  const { stdout, exitCode } = await stack.pulumi(["up", "--yes", "--skip-preview"], { env: secondCheckout() });
  expect(exitCode).not.toBe(0);
  expect(stdout).toMatch(/kube-node01: the ISO .* belongs to another stack[^]*pulumi stack import[^]*adopt true/);
  await pulumi(["destroy", "--yes", "--skip-preview"], secondCheckout());
  const after = { ...stack.world.read(), iso: readFileSync(isoFile()) };
  expect(after.iso).toEqual(before.iso);
  for (const part of ["virtualBox", "network"] as const) expect(after[part]).toEqual(before[part]);
  await pulumi(["preview", "--expect-no-changes"]);
});

/** The worker as it runs: its machine, that machine's boot, and its Node. */
const worker = () => ({
  uuid: machine().uuid,
  boot: machine().boot,
  node: stack.world.read().cluster.nodes.find(({ name }) => name === "kube-node01")!.uid,
});

test("a state from before the worker was replaced takes up the worker that is there: no machine is made, and none joins again", async () => {
  const old = join(folder, "old.json");
  await pulumi(["stack", "export", "--file", old]);
  const former = worker();
  await stack.configure({ workerCount: 1, timezone: "Europe/Lisbon" });
  await pulumi(["up", "--yes", "--skip-preview"]);
  const now = worker();
  expect(now.uuid).not.toBe(former.uuid);
  await pulumi(["stack", "import", "--file", old]);
  expect(await pulumi(["up", "--yes", "--skip-preview"])).toContain(
    "kube-node01: the cluster's Node of this name is of a machine that the state does not know: it stays",
  );
  expect(worker()).toEqual(now);
  await pulumi(["preview", "--expect-no-changes"]);
});

test("a stack whose state was lost takes over what it made, as it runs, and its destroy leaves nothing", async () => {
  const before = worker();
  await pulumi(["stack", "rm", "dev", "--force", "--yes", "--preserve-config"]);
  await pulumi(["stack", "init", "dev"]);
  await pulumi(["config", "set", "adopt", "true"]);
  const output = await pulumi(["up", "--yes", "--skip-preview"]);
  expect(output).toContain("kube-node01: adopting the machine that is there");
  expect(output).not.toMatch(/kubeadm (join|reset)/);
  expect(worker()).toEqual(before);
  await pulumi(["destroy", "--yes", "--skip-preview"]);
  expect(onSite()).toEqual(empty);
});
