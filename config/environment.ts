import * as pulumi from "@pulumi/pulumi";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkTemplate } from "../cloudinit/render";
import { readTemplates } from "../cloudinit/templates";
import { readConfiguration, workerConfiguration, workerNames } from "./configuration";
import type { Configuration, WorkerConfiguration } from "./schema";
import type { BastionArgs, SshTargetArgs } from "../access/bastion";
import type { SitePlan } from "../checks/site";
import { UserError } from "../common/errors";
import { knownHost } from "../ssh/knownHosts";
import { type KnownHostsFile, readKnownHosts } from "../ssh/knownHostsFile";
import { LocalFacts, UnknownHost } from "./localFacts";
import { macAddress } from "../virtualbox/mac";
import type { Nic } from "../virtualbox/machine";
import { checkPlatform } from "../virtualbox/platform";
import { parseSshAddress } from "../ssh/address";
import { sshCredentials } from "../ssh/credentials";
import { hostKeyAlgorithms, isPublicKey, parseHostKey } from "../ssh/hostKey";
import { expandHome, readUserFile } from "../common/userFile";

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
  /** How to log in on a machine behind the bastion. */
  login: Omit<SshTargetArgs, "address" | "hostKeys">;
  /** The public key that the workers' user accepts. */
  sshPublicKey: string;
  /** Where a worker's cloud-init ISO is kept. */
  isoPath(worker: string): string;
  /** What the stack needs of what is around it; undefined where it is not to be looked at. */
  plan?: SitePlan;
}

/**
 * Reads the stack's configuration, and the files that it names.
 * @param options `unknownHosts`: whether bastion and masters may be without a known host key, and then have none here.
 * Default: false
 * @throws RunError, which Pulumi shows without a stack: every wrong key, or else all that is missing on this machine;
 * and what to give
 */
export function readEnvironment({ unknownHosts = false } = {}): Environment {
  try {
    checkPlatform();
    const config = readConfiguration();
    const facts = new LocalFacts();
    checkFiles(config, facts);
    const environment = environmentOf(config, facts);
    facts.check({ unknownHosts: !unknownHosts });
    return environment;
  } catch (error) {
    throw error instanceof UserError ? new pulumi.RunError(error.message) : error;
  }
}

/** Reads what else would be found out when some of the machines run already. */
function checkFiles(config: Configuration, facts: LocalFacts): void {
  const {
    sshCaPublicKey,
    debianMirror,
    sshPrivateKeyFile,
    autostart,
    userData,
    metaData,
    networkConfig,
    userDataValues,
    ...choice
  } = config;
  const others = { ...choice, sshCa: sshCaPublicKey !== undefined, mirror: debianMirror !== undefined };
  facts.try(
    () => checkTemplate(readTemplates({ ...others, userData }).userData, "user-data", userDataValues),
    undefined,
  );
  facts.try(
    () => checkTemplate(readTemplates({ ...others, metaData }).metaData, "meta-data", userDataValues),
    undefined,
  );
  facts.try(
    () => checkTemplate(readTemplates({ ...others, networkConfig }).networkConfig, "network-config", userDataValues),
    undefined,
  );
  if (autostart)
    facts.try(
      () => void sshCredentials({ privateKeyFile: sshPrivateKeyFile, publicKey: config.sshPublicKey }),
      undefined,
    );
}

function environmentOf(config: Configuration, facts: LocalFacts): Environment {
  const stack = `${config.clusterName}/${pulumi.getStack()}`;
  const keysOf = (machine: string, port?: number) => facts.try(() => hostKeysOf(config, machine, port), []);
  const { vm, address, port } = config.bastion;
  const bastion = { user: config.sshUser, ...config.bastion, hostKeys: keysOf((address ?? vm)!, port) };
  const { sshPrivateKeyFile } = config;
  const sshPublicKey = facts.try(() => publicKeyOf(config), "");
  const credentials = sshPrivateKeyFile
    ? { privateKeyFile: expandHome(sshPrivateKeyFile) }
    : { publicKey: sshPublicKey };
  const login = { user: config.sshUser, ...credentials, bastion };
  const environment: Environment = {
    config,
    stack,
    workers: workerNames(config).map((name) => workerOf(config, stack, name)),
    bastion,
    masters: config.masters.map((text) => {
      const { address, ...own } = parseSshAddress(text)!;
      return { ...login, address, hostKeys: keysOf(address, own.port), ...own };
    }),
    login,
    sshPublicKey,
    isoPath: (worker) => join(expandHome(config.isoFolder), stack, `${worker}-cidata.iso`),
  };
  return config.checks === "off" ? environment : { ...environment, plan: planOf(environment) };
}

/** What the stack needs, see {@link SitePlan}. Machines that are only made may need no cluster. */
export function planOf({ config, workers, masters, isoPath }: Environment): SitePlan {
  const {
    vboxManage,
    zone,
    kubernetesVersion,
    routes,
    autostart,
    cloneMode,
    baseSnapshot,
    distro,
    criDockerdUrl: url,
  } = config;
  const isForDocker = workers.some(({ containerRuntime }) => containerRuntime === "docker");
  return {
    ...{ vboxManage, zone, kubernetesVersion, routes, autostart },
    ...(isForDocker && url !== undefined && { criDockerd: { url, distro } }),
    masters: autostart || kubernetesVersion === undefined ? masters : [],
    workers: workers.map(({ name, memoryMb, nics, disks, baseImage }) => ({
      name,
      memoryMb,
      nics,
      disks,
      baseImage,
      cloneMode,
      baseSnapshot,
      isoPath: isoPath(name),
    })),
  };
}

function workerOf(config: Configuration, stack: string, name: string): Worker {
  const worker = workerConfiguration(config, name);
  return {
    ...worker,
    name,
    nics: worker.nics.map((nic, index) => ({ ...nic, mac: macAddress(stack, name, index + 1) })),
  };
}

/** The system's known_hosts files, which OpenSSH reads beside the user's (`GlobalKnownHostsFile`, ssh_config(5)). */
const GLOBAL_KNOWN_HOSTS = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];

/**
 * The host keys that a machine may show: those pinned in `hostKeys`, else those in the known_hosts files; never one
 * that such a file revokes.
 * @throws UserError where there is none that can be checked: an unknown machine is never trusted at first sight
 */
export function hostKeysOf(
  { hostKeys, sshKnownHostsFile }: Pick<Configuration, "hostKeys" | "sshKnownHostsFile">,
  machine: string,
  port?: number,
  globalFiles: readonly string[] = GLOBAL_KNOWN_HOSTS,
): string[] {
  const texts = knownHostsFiles({ sshKnownHostsFile }, globalFiles).map(({ text }) => text);
  const { keys: known, revoked, hasAuthority } = knownHost(texts.join("\n"), machine, port);
  const pinned = pinnedKeys(hostKeys, machine, port);
  const keys = (pinned ?? known).filter((key) => !revoked.has(key.split(" ", 2).join(" ")));
  if (pinned && keys.length === 0) {
    throw new UserError(`every host key of ${machine} in hostKeys is revoked`, {
      output: `a line with @revoked in ${[sshKnownHostsFile, ...globalFiles].join(" or ")} has it`,
      hint: `give the machine a new host key, and hostKeys.${machine} that one; or take the line with @revoked out`,
    });
  }
  if (keys.length === 0) {
    const there = existsSync(expandHome(sshKnownHostsFile))
      ? "has no line that can be read for that name"
      : "is not there";
    throw new UnknownHost(machine, sshKnownHostsFile, {
      output: hasAuthority
        ? "a line with @cert-authority vouches for it, and this program cannot check host certificates"
        : `sshKnownHostsFile, ${sshKnownHostsFile}, ${there}`,
    });
  }
  hostKeyAlgorithms(keys.map(parseHostKey), machine);
  return keys;
}

/** A machine's keys in `hostKeys`, by its name with or without its port. */
export const pinnedKeys = (hostKeys: Configuration["hostKeys"], machine: string, port?: number): string[] | undefined =>
  [`[${machine}]:${port}`, machine].filter((name) => Object.hasOwn(hostKeys, name)).map((name) => hostKeys[name])[0];

/** The known_hosts files that count: the user's, and the system's. */
export const knownHostsFiles = (
  { sshKnownHostsFile }: Pick<Configuration, "sshKnownHostsFile">,
  globalFiles: readonly string[] = GLOBAL_KNOWN_HOSTS,
): KnownHostsFile[] => [usersKnownHosts(expandHome(sshKnownHostsFile)), ...globalFiles.map(systemKnownHosts)];

const usersKnownHosts = (path: string) =>
  readOr("sshKnownHostsFile", path, "give a known_hosts file that this user may read", () => readKnownHosts(path));

/** A known_hosts file of the system; one that this user may not read is passed over, as ssh does. */
function systemKnownHosts(path: string): KnownHostsFile {
  try {
    return readKnownHosts(path);
  } catch {
    return { path, text: "" };
  }
}

/** The public key that workers accept: given, or beside the private one. */
function publicKeyOf({
  sshPublicKey,
  sshPrivateKeyFile,
}: Pick<Configuration, "sshPublicKey" | "sshPrivateKeyFile">): string {
  if (sshPublicKey) return sshPublicKey;
  if (!sshPrivateKeyFile)
    throw new UserError("sshPublicKey is needed with keys from the SSH agent", {
      hint: "give one line of `ssh-add -L`",
    });
  const path = `${expandHome(sshPrivateKeyFile)}.pub`;
  const hint = "make a key pair with `ssh-keygen -t ed25519`, or give sshPrivateKeyFile or sshPublicKey";
  const key = readOr("sshPublicKey", path, hint, () => readUserFile(path).toString("utf8")).trim();
  if (!isPublicKey(key)) throw new UserError(`sshPublicKey: ${path} is not the one line of a public key`, { hint });
  return key;
}

/** @throws UserError that names the configuration's key */
function readOr<T>(key: string, path: string, hint: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new UserError(`${key}: ${path} cannot be read`, { output: (cause as Error).message, hint, cause });
  }
}
