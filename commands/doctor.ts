import { load } from "js-yaml";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Finding, finding, right } from "../common/finding";
import { lookAtSite } from "../checks/site";
import { addToChildEnvironment } from "../common/childEnvironment";
import { clusterVersion } from "../access/clusterVersion";
import { UserError } from "../common/errors";
import { exec } from "../common/exec";
import { fetchHostKeys } from "../access/fetchHostKeys";
import { routeTable } from "../routes/table";
import { atTerminal } from "../common/terminal";
import { behind, catchUp } from "../kubernetes/versionSkew";

const USAGE = `npm run doctor                       what the selected stack needs, and the command to type for whatever is missing; it only reads
npm run doctor -- --fetch-host-keys   shows the host keys of bastion and masters that are not known, and adds them to known_hosts after a yes`;

async function main(): Promise<number> {
  const { fetchesHostKeys, isHelp, problem } = options();
  if (isHelp || problem !== undefined) {
    console.log([problem, USAGE].filter(Boolean).join("\n"));
    return isHelp ? 0 : 2;
  }
  const findings: Finding[] = [];
  const show = (more: readonly Finding[]) => {
    findings.push(...more);
    for (const one of more) console.log(line(one));
  };
  show([nodeVersion(), await cliVersion()]);
  try {
    const stack = await selectedStack();
    show([right(`the stack ${stack} is selected, and its configuration can be read`)]);
    await (fetchesHostKeys ? addHostKeys((one) => show([one])) : lookAtStack().then(show));
  } catch (error) {
    show([failure(error)]);
  }
  return findings.some(({ is }) => is === "wrong") ? 1 : 0;
}

/** What is asked for. */
function options(): { fetchesHostKeys?: boolean; isHelp?: boolean; problem?: string } {
  try {
    const { values } = parseArgs({ options: { "fetch-host-keys": { type: "boolean" }, help: { type: "boolean" } } });
    return { fetchesHostKeys: values["fetch-host-keys"], isHelp: values.help };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

const MARKS = { right: "✓", wrong: "✗", warning: "!", later: "–" };

const line = ({ is, what, output, hint }: Finding) =>
  `${MARKS[is]} ${is === "later" ? `not looked at: ${what}` : new UserError(what, { output, hint }).message.replaceAll("\n", "\n  ")}`;

/** The program's own errors, and Pulumi's RunError, which is one without a stack. */
function failure(error: unknown): Finding {
  if (error instanceof UserError) return finding("wrong", error);
  if (error instanceof Error && (error as { __pulumiRunError?: unknown }).__pulumiRunError)
    return { is: "wrong", what: error.message };
  throw error;
}

const textOf = (file: string) => readFileSync(join(__dirname, "..", file), "utf8");

/** The project, which `pulumi new` may have given another name. */
const project = () => load(readFileSync("Pulumi.yaml", "utf8")) as { name: string; requiredPulumiVersion: string };

/** Whether a version is a least one, or later: `22.1.0`, `20.19`. */
function isAtLeast(version: string, least: string): boolean {
  const [is, wanted] = [version, least].map((text) => text.split(".").map(Number));
  const differs = wanted!.findIndex((part, i) => is![i] !== part);
  return differs === -1 || is![differs]! > wanted![differs]!;
}

function nodeVersion(): Finding {
  const { engines } = JSON.parse(textOf("package.json")) as { engines: { node: string } };
  const least = engines.node.replace(">=", "");
  const { node } = process.versions;
  return isAtLeast(node, least)
    ? right(`Node.js ${node}`)
    : { is: "wrong", what: `Node.js ${node} is too old`, hint: `install Node.js ${least} or later` };
}

async function cliVersion(): Promise<Finding> {
  const least = project().requiredPulumiVersion.replace(">=", "");
  const hint = `install the Pulumi CLI ${least} or later: https://www.pulumi.com/docs/install/`;
  try {
    const version = (await pulumi("version")).trim().replace(/^v/, "");
    return isAtLeast(version.split("-")[0]!, least)
      ? right(`Pulumi CLI ${version}`)
      : { is: "wrong", what: `the Pulumi CLI ${version} is too old`, hint };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { ...finding("wrong", error), hint };
  }
}

/** What a command of the CLI prints. @throws UserError with its own words */
async function pulumi(...args: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await exec("pulumi", [...args, "--non-interactive"], {
    inheritEnvironment: true,
    timeoutMs: 60_000,
  });
  if (exitCode === 0) return stdout;
  throw new UserError(`pulumi ${args.slice(0, 2).join(" ")} failed`, {
    output: stderr,
    hint: /passphrase/.test(stderr)
      ? "set PULUMI_CONFIG_PASSPHRASE_FILE to a file with the stack's passphrase"
      : "select a stack (`pulumi stack select`), and log in to its backend (`pulumi login`)",
  });
}

/** Gives this process the configuration as the CLI gives it to the program, before Pulumi's SDK is loaded. */
async function selectedStack(): Promise<string> {
  const stack = (await pulumi("stack", "--show-name")).trim();
  const values = JSON.parse(await pulumi("config", "--json", "--show-secrets")) as Record<string, { value?: string }>;
  const config = Object.fromEntries(Object.entries(values).map(([key, { value }]) => [key, value ?? ""]));
  Object.assign(process.env, {
    PULUMI_NODEJS_PROJECT: project().name,
    PULUMI_NODEJS_STACK: stack,
    PULUMI_CONFIG: JSON.stringify(config),
  });
  return stack;
}

/**
 * Asks about the host keys that are not known. A script has nobody to compare them: it gives keys that it has from the
 * machines themselves.
 */
async function addHostKeys(show: (found: Finding) => void): Promise<void> {
  const { knownHostsFiles, pinnedKeys, readEnvironment } = await import("../config/environment.js");
  const { config, bastion, masters } = readEnvironment({ unknownHosts: true });
  const { routes, vboxManage, hostKeys, childEnvironment } = config;
  addToChildEnvironment(childEnvironment);
  const plan = {
    bastion,
    masters,
    routes,
    vboxManage,
    files: () => knownHostsFiles(config),
    pinned: (machine: string, port?: number) => pinnedKeys(hostKeys, machine, port),
  };
  const hint =
    "run it in a terminal, as keys are added after somebody's yes only; a script gives the keys themselves: `pulumi config set --path 'hostKeys.NAME[0]' 'ssh-ed25519 AAAA…'`";
  await atTerminal(hint, (ask) => fetchHostKeys(plan, { show, ask }, { routes: routeTable() }));
}

async function lookAtStack(): Promise<Finding[]> {
  const { planOf, readEnvironment } = await import("../config/environment.js");
  const environment = readEnvironment();
  addToChildEnvironment(environment.config.childEnvironment);
  const plan = planOf(environment);
  const local = right("key files, host keys and templates are there");
  return [local, ...(await lookAtSite(plan)), ...(await lookAtWorkers({ ...plan, masters: [...plan.masters] }))];
}

/**
 * Which of the stack's workers are older than the cluster. Where the user made a part of the names secret, all of
 * `nodes` is.
 */
async function lookAtWorkers({
  masters,
  vboxManage,
}: {
  masters: Parameters<typeof clusterVersion>[0]["masters"];
  vboxManage: string;
}): Promise<Finding[]> {
  const { nodes = [] } = JSON.parse(await pulumi("stack", "output", "--json", "--show-secrets")) as {
    nodes?: { name: string; version: string }[];
  };
  if (nodes.length === 0 || masters.length === 0) return [];
  try {
    const server = await clusterVersion(
      { masters, vboxManage, sshTimeoutSeconds: 5, commandTimeoutSeconds: 10 },
      () => {},
    );
    const old = nodes.flatMap(({ name, version }): Finding[] => {
      const what = behind(version, server);
      return what === undefined ? [] : [{ is: "warning", what: `${name}: ${what}`, hint: catchUp(name) }];
    });
    return old.length > 0 ? old : [right(`no worker is older than the cluster's ${server}`)];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [{ is: "later", what: "whether workers are older than the cluster, which does not answer" }];
  }
}

main().then(
  (exitCode) => (process.exitCode = exitCode),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
