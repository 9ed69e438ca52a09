import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setInterval } from "node:timers";
import { merge, parseYaml, printYaml } from "../../../cloudinit/yaml";
import { unfit } from "../../../dev/faults/unfit";
import { planFaults } from "../../../dev/simulator/faults";
import { bastionName, bastionPort, sitePaths } from "../../../dev/simulator/sitePaths";
import { ourTemplates } from "../../support/cloudInit";
import { openSimulatedStack, type SimulatedStack } from "../../../dev/simulator/stack";

// What docs/security.md says of secrets, with the real CLI at its most talkative (but for Pulumi's own trace, see
// there), on a simulated site.
jest.setTimeout(300_000);

let folder: string;
let stack: SimulatedStack;
/** Not secret at first. */
let bastionAddress: string;
let watching: NodeJS.Timeout | undefined;
/** Every command that a machine was given over SSH: it is in the arguments of the shell there. */
const commands: string[] = [];
/** The backend's files, as they were after each operation. */
const states: string[] = [];
/** Arguments and environments of every process that ran meanwhile. */
const processes = new Set<string>();
/** Everything that the CLI printed, and its event logs. */
const output: string[] = [];
/** The token in the state, and those that the cluster was seen to have. */
const tokens = new Set<string>();
/** The host keys of all workers that there were. */
const hostKeys = new Set<string>();

/** What the user set as secret, and what stands in a template of their own. */
const planted = { mirror: "plantedMirrorToken", value: "plantedUserDataValue", template: "plantedInTemplate" };

const configuration = { workerCount: 1, timeouts: { command: 10, join: 3, ready: 10, ssh: 15, drain: 3 } };
const loudly = ["--debug", "--diff"];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "secrets-"));
  stack = await openSimulatedStack(folder, { heard: (command) => commands.push(command) });
  bastionAddress = stack.world.read().virtualBox.machines.find(({ name }) => name === bastionName)!.guestProperties[
    "/VirtualBox/GuestInfo/Net/0/V4/IP"
  ]!;
  const { sshKnownHostsFile } = sitePaths(stack.site);
  writeFileSync(sshKnownHostsFile, readFileSync(sshKnownHostsFile, "utf8").replaceAll(bastionName, bastionAddress));
  await stack.configure({
    ...configuration,
    userData: ownUserData(),
    bastion: { address: bastionAddress, port: bastionPort },
  });
  await stack.pulumi([
    "config",
    "set",
    "--secret",
    "debianMirror",
    `https://user:${planted.mirror}@mirror.example/debian/`,
  ]);
  await stack.pulumi(["config", "set", "--secret", "--path", "userDataValues.password", planted.value]);
  watching = setInterval(watch, 20);
  const run = async (operation: string) => {
    const events = join(folder, "events");
    const env = { PULUMI_DEBUG_COMMANDS: "true" }; // Without it there is no --event-log.
    const { stdout, stderr, exitCode } = await stack.pulumi(
      [
        operation,
        ...loudly,
        ...(operation === "up" ? ["--show-sames"] : []),
        "--yes",
        "--skip-preview",
        "--event-log",
        events,
      ],
      { env },
    );
    output.push(stdout, stderr, readFileSync(events, "utf8"));
    rmSync(events);
    states.push(...filesIn(join(folder, "backend")).map((file) => readText(file)));
    return exitCode;
  };
  // Each goes wrong where a secret is on its way, then all goes well.
  for (const [command, kind] of faults) {
    planFaults(stack.site, { at: { command, occurrence: 1, kind } });
    await run("up");
  }
  planFaults(stack.site);
  for (const operation of ["up", "refresh"]) expect(await run(operation)).toBe(0);
  await stack.pulumi(["config", "set", "timezone", "Europe/Lisbon"]);
  expect(await run("up")).toBe(0);
  await setSecretWhatIsThere(run);
  const { stdout } = await stack.pulumi(["stack", "export", "--show-secrets"]);
  for (const [token] of stdout.matchAll(/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g)) tokens.add(token);
});

/** What makes no change: a resource that stays as it is has copies of it too. */
async function setSecretWhatIsThere(run: (operation: string) => Promise<number | undefined>): Promise<void> {
  const { isoFolder } = sitePaths(stack.site);
  await stack.pulumi(["config", "set", "--secret", "isoFolder", isoFolder]);
  await stack.pulumi(["config", "set", "--secret", "--path", "bastion.address", bastionAddress]);
  expect(await run("up")).toBe(0);
  const { stdout } = await stack.pulumi(["stack", "export"]);
  const { deployment } = JSON.parse(stdout) as {
    deployment: { resources: { urn: string; outputs?: Record<string, unknown>; inputs?: Record<string, unknown> }[] };
  };
  const holders = deployment.resources.flatMap(({ urn, inputs = {}, outputs = {} }) =>
    [...Object.entries(inputs), ...Object.entries(outputs)]
      .filter(([, value]) => [isoFolder, bastionAddress].some((secret) => JSON.stringify(value).includes(secret)))
      .map(([property]) => `${urn.split("::").at(-2)} ${property}`),
  );
  expect(holders).toEqual([]);
}

/** Ours, with a file that has both kinds of secrets. */
function ownUserData(): string {
  const file = { path: "/etc/own", permissions: "0600", content: `${planted.template} \${userDataValues.password}` };
  const template = merge(parseYaml(ourTemplates().userData, "ours"), { write_files: [file] });
  writeFileSync(join(folder, "own.yaml"), printYaml(template), { mode: 0o600 });
  return join(folder, "own.yaml");
}

const faults = [
  ["ssh kube-mast01 kubectl apply token", "fails"],
  ["ssh kube-mast01 kubectl apply token", "rubbish"],
  ["ssh kube-node01 kubeadm join", "fails"],
  ["ssh kube-node01 kubeadm join", "hangs"],
] as const;

afterAll(async () => {
  clearInterval(watching);
  await stack.stop();
  rmSync(folder, { recursive: true });
});

function watch(): void {
  const { cluster, virtualBox } = stack.world.read();
  for (const { guest } of virtualBox.media) if (guest?.hostKey) hostKeys.add(guest.hostKey);
  for (const { id, secret } of cluster.tokens) tokens.add(`${id}.${secret}`);
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    processes.add(readText(`/proc/${pid}/cmdline`));
    // Pulumi hands the configuration to its own programs there, and they not to theirs.
    processes.add(
      readText(`/proc/${pid}/environ`)
        .replace(/^PULUMI_CONFIG=[^\0]*/m, "")
        .replace(/\0PULUMI_CONFIG=[^\0]*/, ""),
    );
  }
}

/** Every secret of the stack, by what it is: the part that no other text has. */
function secrets(): [string, string][] {
  const { sshPrivateKeyFile } = sitePaths(stack.site);
  const { clientKey } = /client-key-data: (?<clientKey>\S+)/.exec(stack.world.read().cluster.kubeconfig)!.groups!;
  return [
    ["the user's SSH key", body(readFileSync(sshPrivateKeyFile, "utf8"))],
    ["the kubeconfig's key", clientKey!],
    ["the passphrase", readFileSync(join(folder, "passphrase"), "utf8")],
    ...Object.entries(planted).map(([what, secret]): [string, string] => [`the planted ${what}`, secret]),
    ...[...hostKeys].map((key): [string, string] => ["a worker's host key", body(key)]),
    ...[...tokens].map((token): [string, string] => ["a join token", token.split(".")[1]!]),
    // As its Secret has it.
    ...[...tokens].map((token): [string, string] => [
      "an encoded join token",
      Buffer.from(token.split(".")[1]!).toString("base64"),
    ]),
  ];
}

/** The line of an OpenSSH private key in which the secret half is. */
const body = (key: string) => key.trim().split("\n").at(-2)!;

const found = (text: string) => secrets().flatMap(([what, secret]) => (text.includes(secret) ? [what] : []));

test("the secrets are what they should be", () => {
  expect(tokens.size).toBeGreaterThan(0);
  expect(new Set(secrets().map(([what]) => what)).size).toBe(9);
  for (const [, secret] of secrets()) expect(secret.length).toBeGreaterThan(12);
  expect(processes.size).toBeGreaterThan(100);
  expect(
    commands.filter((command) => /kubeadm join|field-manager=vbox-kubeadm'? /.test(command)).length,
  ).toBeGreaterThan(5);
});

test("no process had one in its arguments or its environment", () => expect([...processes].flatMap(found)).toEqual([]));

test("no command on a machine had one", () => expect(commands.flatMap(found)).toEqual([]));

test("the CLI printed none, also where things went wrong and with --debug, nor did its event log", () =>
  expect(output.flatMap((text) => [...found(text), ...unfit(text)])).toEqual([]));

test("the state has them encrypted, and only there", () => {
  expect(states.join("").length).toBeGreaterThan(10_000);
  expect(states.flatMap(found)).toEqual([]);
});

test("files have them only where docs/security.md says, for their owner alone", () => {
  const holders = filesIn(folder).filter((file) => found(readText(file)).length > 0);
  const named = holders.map((file) => relative(folder, file)).filter((file) => !/^(site\/world\.json|kept)/.test(file));
  expect(named.sort()).toEqual(["own.yaml", "passphrase", "site/ssh/id_ed25519"]);
  for (const file of holders) expect(statSync(file).mode & 0o077).toBe(0);
});

test("no machine has a disc with its host key in the drive, once its first boot is over", () => {
  const drives = stack.world
    .read()
    .virtualBox.machines.flatMap((machine) => machine.drives.filter(({ opened }) => opened));
  expect(drives.map(({ opened }) => [opened!.hostname, opened!.hostKey])).toEqual([["kube-node01", undefined]]);
});

test("a token is gone from the cluster when its join has ended", () =>
  expect(stack.world.read().cluster.tokens).toEqual([]));

const filesIn = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
