import * as pulumi from "@pulumi/pulumi";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { readConfiguration, workerConfiguration, workerNames } from "./config";
import type { Configuration, WorkerConfiguration } from "./configSchema";
import type { BastionArgs, SshTargetArgs } from "./host/bastion";
import { UserError } from "./host/errors";
import { hostKeysFor } from "./host/knownHosts";
import { macAddress } from "./host/mac";
import type { Nic } from "./host/machine";

/** One worker: its name and what it is to be, with the MAC addresses of its NICs. */
export type Worker = Omit<WorkerConfiguration, "nics"> & { name: string; nics: Nic[] };

/** What index.ts composes from: the configuration, checked as a whole, and what follows from it. */
export interface Environment {
  config: Configuration;
  /** The owner of all that is made: `cluster/stack`. */
  stack: string;
  workers: Worker[];
  bastion: BastionArgs;
  masters: SshTargetArgs[];
  /** How to reach a machine behind the bastion. */
  reach(machine: string, hostKeys: string[]): SshTargetArgs;
  /** The public key that the workers' user accepts. */
  sshPublicKey: string;
  /** Where a worker's cloud-init ISO is kept. */
  isoPath(worker: string): string;
}

/**
 * Reads the stack's configuration, and the key files that it names.
 * @throws RunError, which Pulumi shows without a stack: every wrong key, and what to give
 */
export function readEnvironment(): Environment {
  try {
    return environmentOf(readConfiguration());
  } catch (error) {
    throw error instanceof UserError ? new pulumi.RunError(error.message) : error;
  }
}

function environmentOf(config: Configuration): Environment {
  const stack = `${config.clusterName}/${pulumi.getStack()}`;
  const { vm, address, port } = config.bastion;
  const bastion = { user: config.sshUser, ...config.bastion, hostKeys: hostKeysOf(config, (address ?? vm)!, port) };
  const privateKeyFile = config.sshPrivateKeyFile && expandHome(config.sshPrivateKeyFile);
  const reach = (machine: string, hostKeys: string[]): SshTargetArgs => ({ address: machine, user: config.sshUser, hostKeys, privateKeyFile, bastion });
  return {
    config,
    stack,
    workers: workerNames(config).map((name) => workerOf(config, stack, name)),
    bastion,
    masters: config.masters.map((master) => reach(master, hostKeysOf(config, master))),
    reach,
    sshPublicKey: publicKeyOf(config),
    isoPath: (worker) => join(expandHome(config.isoFolder), stack, `${worker}-cidata.iso`),
  };
}

function workerOf(config: Configuration, stack: string, name: string): Worker {
  const worker = workerConfiguration(config, name);
  return { ...worker, name, nics: worker.nics.map((nic, index) => ({ ...nic, mac: macAddress(stack, name, index + 1) })) };
}

/**
 * The host keys that a machine may show: those pinned in `hostKeys`, else those in the known_hosts file.
 * @throws UserError where there is none: an unknown machine is never trusted at first sight
 */
export function hostKeysOf({ hostKeys, sshKnownHostsFile }: Pick<Configuration, "hostKeys" | "sshKnownHostsFile">, machine: string, port?: number): string[] {
  const file = expandHome(sshKnownHostsFile);
  const keys = hostKeys[machine] ?? (existsSync(file) ? hostKeysFor(readFileSync(file, "utf8"), machine, port) : []);
  if (keys.length > 0) return keys;
  throw new UserError(`no host key of ${machine} is known`, {
    todo: `compare its key with the machine's own /etc/ssh/ssh_host_ed25519_key.pub, then add it to ${sshKnownHostsFile} under that name, or give hostKeys.${machine}`,
  });
}

/** The public key that workers accept: given, or beside the private one. */
function publicKeyOf({ sshPublicKey, sshPrivateKeyFile }: Pick<Configuration, "sshPublicKey" | "sshPrivateKeyFile">): string {
  if (sshPublicKey) return sshPublicKey;
  if (!sshPrivateKeyFile) throw new UserError("sshPublicKey is needed with keys from the SSH agent", { todo: "give one line of `ssh-add -L`" });
  const file = `${expandHome(sshPrivateKeyFile)}.pub`;
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  throw new UserError(`there is no ${file}`, { todo: "make a key pair with `ssh-keygen -t ed25519`, or give sshPrivateKeyFile or sshPublicKey" });
}

/** `~` is the user's home, as in a shell. */
const expandHome = (path: string) => (path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path);
