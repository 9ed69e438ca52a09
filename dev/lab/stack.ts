import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { UserError } from "../../common/errors";
import type { ExecResult } from "../../common/exec";
import { attach } from "./exec";
import type { AptAddresses } from "./aptService";
import { namespaceOf } from "./names";
import { execIn, netnsExec } from "./netns";
import { labDir } from "./paths";
import { linkProgram } from "./program";
import { sshFiles } from "./sshKeys";

/** The lab's stack; its configuration is Pulumi.lab.yaml. */
export const labStack = "lab";

/** Where the program runs. */
export const programFolder = () => join(labDir(), "program");

/** The file backend's folder. */
export const backend = () => join(labDir(), "pulumi");

/**
 * What Pulumi and VirtualBox need in their environment: the lab's VBoxManage first on PATH, a file backend, a generated
 * passphrase.
 * @param pulumi the folder with the CLI and its plugins
 */
export function labEnvironment(pulumi: string): Record<string, string> {
  return {
    PATH: [__dirname, pulumi, process.env.PATH].join(delimiter),
    // The lab's host has no kernel driver, and needs none: it is not looked for there.
    VBOX_LAB_DIR: labDir(),
    PULUMI_HOME: join(backend(), "home"),
    PULUMI_BACKEND_URL: `file://${backend()}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: join(backend(), "passphrase"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}

/**
 * Runs a program on the lab's workstation, in its namespace, in the program's folder, on our own terminal; gives its
 * exit code.
 */
export const onHost = (pulumi: string, file: string, args: readonly string[]): Promise<number> =>
  attach("ip", netnsExec(namespaceOf("host"), [file, ...args]), { cwd: programFolder(), env: labEnvironment(pulumi) });

/** The same, with what the program prints. */
export const execOnHost = (pulumi: string, file: string, args: readonly string[]): Promise<ExecResult> =>
  execIn(namespaceOf("host"))(file, args, { cwd: programFolder(), env: labEnvironment(pulumi), timeoutMs: 3_600_000 });

/**
 * Makes sure of the program's folder, the backend and the stack.
 * @param addresses the lab's apt repository, for a worker that installs something
 */
export async function ensureStack(pulumi: string, addresses: AptAddresses): Promise<void> {
  const { identity, knownHosts } = sshFiles();
  const ofThisLab = {
    sshPrivateKeyFile: identity,
    sshKnownHostsFile: knownHosts,
    isoFolder: join(labDir(), "iso"),
    ...addresses,
  };
  await linkProgram(programFolder(), labStack, ofThisLab);
  await mkdir(backend(), { recursive: true, mode: 0o700 });
  const passphrase = join(backend(), "passphrase");
  if (!existsSync(passphrase)) await writeFile(passphrase, randomBytes(24).toString("base64url"), { mode: 0o600 });
  const { exitCode, stderr } = await execOnHost(pulumi, "pulumi", [
    "stack",
    "select",
    labStack,
    "--create",
    "--non-interactive",
  ]);
  if (exitCode !== 0) throw new UserError(`pulumi stack select ${labStack} failed`, { output: stderr });
}
