import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { dump, load } from "js-yaml";
import { attach } from "../lab/exec";
import { pulumiFolder } from "../lab/binaries";
import { projectDir } from "../lab/paths";
import { linkProgram } from "../lab/program";
import type { Delays } from "./state";
import { startMachines } from "./machines";
import { servePrograms } from "./programServer";
import { makeSite, type Site, siteAt } from "./site";
import { World } from "./world";

/** How a run of the Pulumi CLI ended. */
export interface CliResult {
  stdout: string;
  stderr: string;
  /** Undefined where it was killed. */
  exitCode?: number;
}

/** What {@link SimulatedStack.pulumi} may be told beside the arguments. */
export interface CliOptions {
  /** Told the process's id as soon as it runs. */
  started?: (pid: number) => void;
  /** It is killed when so many milliseconds are over. Default: 5 minutes. */
  timeoutMs?: number;
  env?: Record<string, string>;
}

/** How a simulated stack is to be. */
export interface StackOptions {
  /** How long things take there. Default: nothing takes any time. */
  delays?: Partial<Delays>;
  /** Of the cluster, such as `v1.29.15`. Default: that of makeSite. */
  kubernetesVersion?: string;
  /** Told each command that a machine is given over SSH, whole. */
  heard?: (command: string) => void;
}

/**
 * A stack of the tutorial's configuration on a simulated site: the program unchanged, the real Pulumi CLI, a backend of
 * its own.
 */
export interface SimulatedStack {
  /** The folder that everything is in. */
  folder: string;
  /** The site's own folder. */
  site: string;
  world: World;
  /** What Pulumi needs in its environment. */
  environment: Record<string, string>;
  /** Runs the CLI in the program's folder. */
  pulumi(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** The same on our own terminal; gives its exit code. */
  attach(args: readonly string[]): Promise<number>;
  /** The stack's configuration is the tutorial's, with these keys over it. */
  configure(values: Readonly<Record<string, unknown>>): Promise<void>;
  /** Ends the simulated machines. The folder stays. */
  stop(): Promise<void>;
}

const project = "vbox-kubeadm";
const stackName = "dev";

/**
 * Makes, or takes up, a simulated site in a folder and a stack on it, and starts the site's machines in this process.
 */
export async function openSimulatedStack(
  folder: string,
  { delays, kubernetesVersion, heard }: StackOptions = {},
): Promise<SimulatedStack> {
  const siteFolder = join(folder, "site");
  const site = existsSync(siteFolder) ? siteAt(siteFolder) : await makeSite(siteFolder, { delays, kubernetesVersion });
  const endPrograms = await servePrograms(siteFolder, join(folder, "programs.socket"));
  const machines = await startMachines(siteFolder, heard);
  const program = join(folder, "program");
  const environment = await environmentOf(folder);
  const pulumi = (args: readonly string[], options?: CliOptions) => runCli(args, program, environment, options);
  const configure = (values: Readonly<Record<string, unknown>>) =>
    writeConfiguration(program, { ...configurationOf(site), ...values });

  const stop = async () => {
    await endPrograms();
    await machines.stop();
  };

  for (const name of ["backend", "cache", "tmp", "user"]) await mkdir(join(folder, name), { recursive: true });
  // A file that is there may have been changed by the user since.
  const isConfigured = existsSync(join(program, `Pulumi.${stackName}.yaml`));
  await linkProgram(program, stackName, {});
  if (!isConfigured) await configure({});
  const { exitCode, stderr } = await pulumi(["stack", "select", stackName, "--create"]);
  if (exitCode !== 0) throw new Error(`pulumi stack select: ${stderr}`);
  const attachCli = (args: readonly string[]) => attach("pulumi", args, { cwd: program, env: environment });
  return {
    folder,
    site: siteFolder,
    world: new World(siteFolder),
    environment,
    pulumi,
    attach: attachCli,
    configure,
    stop,
  };
}

async function environmentOf(folder: string): Promise<Record<string, string>> {
  return {
    PATH: [join(folder, "site/bin"), await pulumiFolder(() => {}), process.env.PATH].join(delimiter),
    VBOX_LAB_DIR: join(folder, "site"), // Of its folder `host`, what the system's files say.
    // What the program keeps for its user is the stack's own.
    HOME: join(folder, "user"),
    PULUMI_HOME: join(folder, "home"),
    PULUMI_BACKEND_URL: `file://${join(folder, "backend")}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: await passphraseFile(folder),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    XDG_CACHE_HOME: join(folder, "cache"),
    TMPDIR: join(folder, "tmp"),
  };
}

/** With a passphrase that is made once. */
async function passphraseFile(folder: string): Promise<string> {
  const file = join(folder, "passphrase");
  if (!existsSync(file)) await writeFile(file, randomUUID(), { mode: 0o600 });
  return file;
}

const configurationOf = ({ sshPrivateKeyFile, sshKnownHostsFile, isoFolder, bastion }: Site) => ({
  sshPrivateKeyFile,
  sshKnownHostsFile,
  isoFolder,
  bastion,
});

/** What the CLI has written into the file, such as the salt of its secrets, stays. */
async function writeConfiguration(program: string, values: Readonly<Record<string, unknown>>): Promise<void> {
  const file = join(program, `Pulumi.${stackName}.yaml`);
  const read = async (path: string) => load(await readFile(path, "utf8")) as { config: object };
  const [is, { config }] = [await read(file), await read(join(projectDir, `Pulumi.${stackName}.yaml`))];
  const keys = Object.entries(values).map(([key, value]): [string, unknown] => [`${project}:${key}`, value]);
  await writeFile(file, dump({ ...is, config: { ...config, ...Object.fromEntries(keys) } }));
}

async function runCli(
  args: readonly string[],
  cwd: string,
  environment: Record<string, string>,
  options: CliOptions = {},
): Promise<CliResult> {
  const { started, timeoutMs = 300_000, env } = options;
  const { execa } = await import("execa");
  const cli = execa("pulumi", [...args, "--non-interactive"], {
    cwd,
    env: { ...environment, ...env },
    reject: false,
    stdin: "ignore",
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  if (cli.pid !== undefined) started?.(cli.pid);
  const { stdout, stderr, exitCode }: CliResult = await cli;
  return { stdout, stderr, exitCode };
}
