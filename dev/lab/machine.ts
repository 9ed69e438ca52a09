import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UserError } from "../../common/errors";
import { lastLines, type ExecOptions, type ExecResult } from "../../common/exec";
import { exec, run } from "./exec";
import { namespaceOf } from "./names";
import { labDir } from "./paths";
import { endRecorded, isInNamespace, pidFile, recordedPid } from "./processes";
import { ensureSshKeys, hostKeyFile, type SshMachine } from "./sshKeys";
import { networks, zone } from "./topology";
import { waitFor } from "./waitFor";

/** A container machine: namespaces over a Debian root, with sshd and the user `debian`, but without systemd. */
export interface MachineSpec {
  /** Its host name, and the name of its network namespace, folder, process record and log. */
  name: SshMachine;
  /** The unpacked Debian root, which is only read: what the machine changes is kept in `.lab/machines/NAME/upper`. */
  root: string;
  /** The network whose DNS address it uses. */
  network: "mast" | "vlan42";
  /** Files and folders of the workstation that it sees: from → to. */
  binds?: Readonly<Record<string, string>>;
}

/** How long a machine may take until its sshd listens. */
const startTimeoutMs = 60_000;

/** sshd's own record, in the machine: there as soon as sshd listens. */
const sshdPidFile = "/run/machine-sshd.pid";

/**
 * Makes sure that a machine runs; what it had changed in its files before is still there.
 * @throws UserError when its sshd does not listen within a minute
 */
export async function machineUp(spec: MachineSpec): Promise<void> {
  const namespace = namespaceOf(spec.name);
  const running = recordedPid(spec.name);
  if (running === undefined || !(await isInNamespace(running, namespace))) {
    await machineDown(spec.name);
    await writeMachineFiles(spec);
    await startInit(spec, namespace);
  }
  await waitFor(
    () => sshdListens(spec.name),
    () => notStarted(spec.name, `did not start within ${startTimeoutMs / 1000} s`),
    {
      timeoutMs: startTimeoutMs,
    },
  );
}

/** @throws UserError when process 1, which records itself, has ended */
function sshdListens(name: SshMachine): true | undefined {
  const pid = recordedPid(name);
  if (pid === undefined && existsSync(pidFile(name))) throw notStarted(name, "ended while it started");
  return existsSync(`/proc/${pid ?? "none"}/root${sshdPidFile}`) ? true : undefined;
}

const notStarted = (name: SshMachine, what: string) =>
  new UserError(`the machine ${name} ${what}`, { hint: `look into ${logFile(name)}` });

/** Ends a machine with all its processes and mounts; its files stay. */
export async function machineDown(name: SshMachine): Promise<void> {
  // Process 1 has no handler for SIGTERM, so that would not reach it.
  await endRecorded(name, ["SIGKILL"]);
}

/** Deletes all that an ended machine has written. */
export async function deleteMachine(name: SshMachine): Promise<void> {
  await rm(machineFolder(name), { recursive: true, force: true });
}

/**
 * Runs a command in a machine, as root; resolves whatever its exit code is.
 * @throws UserError when the machine does not run
 */
export async function machineExec(
  name: SshMachine,
  args: readonly string[],
  options?: ExecOptions,
): Promise<ExecResult> {
  return await exec("nsenter", insideArguments(name, args), options);
}

/** {@link machineExec} of a command that must succeed, giving its standard output. */
export async function machineRun(name: SshMachine, args: readonly string[], options?: ExecOptions): Promise<string> {
  const { stdout, stderr, exitCode } = await machineExec(name, args, options);
  if (exitCode !== 0) {
    throw new UserError(`${args.join(" ")} failed on ${name} with exit code ${exitCode}`, {
      output: lastLines(stderr || stdout),
    });
  }
  return stdout;
}

function insideArguments(name: SshMachine, args: readonly string[]): string[] {
  const pid = recordedPid(name);
  if (pid === undefined)
    throw new UserError(`the machine ${name} does not run`, { hint: "start the lab with npm run lab" });
  const environment = [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LC_ALL=C.UTF-8",
  ];
  // The working directory has to be entered from inside: ours would stay the workstation's.
  return [
    `--target=${pid}`,
    "--mount",
    "--uts",
    "--ipc",
    "--net",
    "--pid",
    "--",
    "env",
    "-i",
    "--chdir=/",
    ...environment,
    ...args,
  ];
}

/** Machine NAME's own folder. */
export const machineFolder = (name: SshMachine) => join(labDir(), "machines", name);

/** Where process 1 of a machine, and its sshd, write. */
const logFile = (name: SshMachine) => join(labDir(), "log", `${name}.log`);

/** Into the machine's upper folder, while it does not run. */
async function writeMachineFiles(spec: MachineSpec): Promise<void> {
  const { identity } = await ensureSshKeys();
  const write = async (path: string, text: string, mode = 0o644) => {
    const file = join(machineFolder(spec.name), "upper", path);
    await mkdir(dirname(file), { recursive: true });
    await rm(file, { force: true });
    await writeFile(file, text, { mode });
  };
  await write("etc/hostname", `${spec.name}\n`);
  await write("etc/hosts", `127.0.0.1 localhost\n127.0.1.1 ${spec.name}.${zone} ${spec.name}\n`);
  await write("etc/resolv.conf", `nameserver ${networks[spec.network].dns}\nsearch ${zone}\n`);
  await write("etc/sudoers.d/debian", "debian ALL=(ALL) NOPASSWD: ALL\n", 0o440);
  await write("etc/ssh/authorized_keys/debian", await readFile(`${identity}.pub`, "utf8"));
  await write("etc/ssh/sshd_config.d/00-lab.conf", sshdConfig);
  await write("etc/ssh/ssh_host_ed25519_key", await readFile(hostKeyFile(spec.name), "utf8"), 0o600);
  await write("etc/ssh/ssh_host_ed25519_key.pub", await readFile(`${hostKeyFile(spec.name)}.pub`, "utf8"));
}

const sshdConfig = `HostKey /etc/ssh/ssh_host_ed25519_key
PidFile ${sshdPidFile}
AuthorizedKeysFile /etc/ssh/authorized_keys/%u
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
UseDNS no
`;

/** In a session of its own, so that neither Ctrl-C nor our end reaches it. Process 1 records itself. */
async function startInit(spec: MachineSpec, namespace: string): Promise<void> {
  for (const folder of ["run", "log"]) await mkdir(join(labDir(), folder), { recursive: true });
  const binds = Object.entries(spec.binds ?? {}).map(([from, to]) => `${from}:${to}`);
  const init = [
    join(__dirname, "machineInit.sh"),
    pidFile(spec.name),
    spec.name,
    spec.root,
    machineFolder(spec.name),
    ...binds,
  ];
  const namespaces = ["--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"];
  const command = ["nsenter", `--net=/run/netns/${namespace}`, "unshare", ...namespaces, "bash", ...init];
  await run("setsid", ["--fork", "sh", "-c", 'exec "$@" >>"$0" 2>&1 </dev/null', logFile(spec.name), ...command]);
}
