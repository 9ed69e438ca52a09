import { existsSync } from "node:fs";
import type { Exec } from "../../common/exec";
import { exec, run } from "./exec";
import { UserError } from "../../common/errors";

/** The arguments of `ip` that run a command in a network namespace. */
export const netnsExec = (namespace: string, command: readonly string[]): string[] => [
  "netns",
  "exec",
  namespace,
  ...command,
];

/** {@link Exec} in a network namespace. */
export const execIn =
  (namespace: string): Exec =>
  (file, args, options) =>
    exec("ip", netnsExec(namespace, [file, ...args]), options);

/** Whether there is a network namespace of that name. */
export const namespaceExists = (namespace: string): boolean => existsSync(`/run/netns/${namespace}`);

/** Makes sure of a namespace with its loopback interface up. */
export async function ensureNamespace(namespace: string): Promise<void> {
  // A kill between `ip netns add`'s two steps leaves its file without the namespace mounted on it.
  if (namespaceExists(namespace) && (await exec("ip", ["-n", namespace, "link", "show", "lo"])).exitCode !== 0) {
    await run("ip", ["netns", "delete", namespace]);
  }
  if (!namespaceExists(namespace)) await run("ip", ["netns", "add", namespace]);
  await run("ip", ["-n", namespace, "link", "set", "dev", "lo", "up"]);
}

/** Deletes a namespace, if there is one, with all that is in it but processes. */
export async function deleteNamespace(namespace: string): Promise<void> {
  if (namespaceExists(namespace)) await run("ip", ["netns", "delete", namespace]);
}

/** The ids of the processes in a namespace; none where there is no such namespace. */
export async function processesIn(namespace: string): Promise<number[]> {
  if (!namespaceExists(namespace)) return [];
  return (await run("ip", ["netns", "pids", namespace])).split("\n").filter(Boolean).map(Number);
}

/** Makes sure of a bridge that is up and has these addresses (with prefix length). */
export async function ensureBridge(namespace: string, name: string, addresses: readonly string[]): Promise<void> {
  if (!(await linkExists(namespace, name))) {
    // Without spanning tree a port forwards at once.
    await run("ip", [
      "-n",
      namespace,
      "link",
      "add",
      "name",
      name,
      "type",
      "bridge",
      "stp_state",
      "0",
      "forward_delay",
      "0",
    ]);
  }
  await setUp(namespace, name, addresses);
}

/** One end of a veth pair. */
export interface VethEnd {
  namespace: string;
  /** At most 15 characters. */
  name: string;
  /** With prefix length. */
  addresses?: readonly string[];
  /** The bridge whose port it is. */
  bridge?: string;
}

/** Makes sure of a veth pair: both ends in their namespaces, up, with their addresses. */
export async function ensureVeth(a: VethEnd, b: VethEnd): Promise<void> {
  for (const { name } of [a, b]) {
    if (name.length > 15) throw new UserError(`the interface name ${name} is longer than 15 characters`);
  }
  if (!(await linkExists(a.namespace, a.name))) {
    await run("ip", [
      "-n",
      a.namespace,
      "link",
      "add",
      "name",
      a.name,
      "type",
      "veth",
      "peer",
      "name",
      b.name,
      "netns",
      b.namespace,
    ]);
  }
  for (const end of [a, b]) {
    if (end.bridge) await run("ip", ["-n", end.namespace, "link", "set", "dev", end.name, "master", end.bridge]);
    await setUp(end.namespace, end.name, end.addresses ?? []);
  }
}

/** Makes sure of a default route. */
export async function ensureDefaultRoute(namespace: string, router: string): Promise<void> {
  await run("ip", ["-n", namespace, "route", "replace", "default", "via", router]);
}

/** Sets a namespace's own kernel settings. */
export async function setSysctls(namespace: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const assignments = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  await run("ip", netnsExec(namespace, ["sysctl", "--quiet", "--write", ...assignments]));
}

async function linkExists(namespace: string, name: string): Promise<boolean> {
  return (await exec("ip", ["-n", namespace, "link", "show", "dev", name])).exitCode === 0;
}

async function setUp(namespace: string, name: string, addresses: readonly string[]): Promise<void> {
  for (const address of addresses) await run("ip", ["-n", namespace, "address", "replace", address, "dev", name]);
  await run("ip", ["-n", namespace, "link", "set", "dev", name, "up"]);
}
