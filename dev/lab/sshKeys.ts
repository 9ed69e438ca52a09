import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./exec";
import { labDir } from "./paths";
import { bastionAddress, floatingAddress, masterAddress, zone } from "./topology";

/** A machine with sshd that the lab keeps a host key for. */
export type SshMachine = "busybox" | "kube-mast01";

/** The names and addresses under which each machine is reached, as known_hosts has them. */
const hostNames: Readonly<Record<SshMachine, readonly string[]>> = {
  busybox: ["busybox", `busybox.${zone}`, bastionAddress],
  "kube-mast01": ["kube-mast01", `kube-mast01.${zone}`, masterAddress, floatingAddress],
};

/** Files under `.lab/ssh`, all generated at run time. */
export interface SshFiles {
  /** The lab user's private key; its public one is beside it with `.pub`. */
  identity: string;
  /** Holds the host keys of the bastion and of the master. */
  knownHosts: string;
  /** Holds the workers' host keys, once the stack is up. */
  workersKnownHosts: string;
  /** For `ssh -F`: the bastion in front of everything, host keys always checked. */
  config: string;
}

/** Where {@link ensureSshKeys} puts its files. */
export function sshFiles(): SshFiles {
  const folder = join(labDir(), "ssh");
  return {
    identity: join(folder, "id_ed25519"),
    knownHosts: join(folder, "known_hosts"),
    workersKnownHosts: join(folder, "known_hosts_workers"),
    config: join(folder, "config"),
  };
}

/** A machine's private host key; its public one is beside it with `.pub`. */
export const hostKeyFile = (machine: SshMachine) => join(labDir(), "ssh", `${machine}_host_ed25519_key`);

let underWay: Promise<SshFiles> | undefined;

/**
 * Makes sure of the user's key, the host keys, known_hosts and a client configuration. Keys that are there stay.
 * Machines that start side by side share one run.
 */
export function ensureSshKeys(): Promise<SshFiles> {
  underWay ??= makeSshFiles().finally(() => (underWay = undefined));
  return underWay;
}

async function makeSshFiles(): Promise<SshFiles> {
  const files = sshFiles();
  await mkdir(join(labDir(), "ssh"), { recursive: true, mode: 0o700 });
  await ensureKey(files.identity, "lab");
  const lines: string[] = [];
  for (const machine of Object.keys(hostNames) as SshMachine[]) {
    await ensureKey(hostKeyFile(machine), machine);
    lines.push(knownHostsLine(hostNames[machine], await readFile(`${hostKeyFile(machine)}.pub`, "utf8")));
  }
  await writeFile(files.knownHosts, lines.join(""));
  await writeFile(files.config, sshConfig(files));
  return files;
}

/** One line of known_hosts out of a public key file. */
export function knownHostsLine(names: readonly string[], publicKey: string): string {
  const [type, key] = publicKey.trim().split(" ");
  return `${names.join(",")} ${type} ${key}\n`;
}

/** The client configuration: `ssh -F … kube-mast01` goes through the bastion. */
export function sshConfig(files: SshFiles): string {
  return `Host busybox
  HostName ${bastionAddress}
  HostKeyAlias busybox
Host * !busybox
  ProxyJump busybox
Host *
  User debian
  IdentityFile ${quoted(files.identity)}
  IdentitiesOnly yes
  UserKnownHostsFile ${quoted(files.knownHosts)} ${quoted(files.workersKnownHosts)}
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
`;
}

const quoted = (path: string) => `"${path}"`;

/** ssh-keygen writes the public key last: without it the pair is not whole. */
async function ensureKey(file: string, comment: string): Promise<void> {
  if (existsSync(`${file}.pub`)) return;
  await rm(file, { force: true });
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file]);
}
