import { readFileSync, readlinkSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import { UserError } from "../common/errors";
import { whileLocked } from "../common/lock";
import type { Route } from "./route";

/** A stack that uses a route of this machine. */
export interface RouteUser extends Route {
  /** The stack's random id. */
  stackId: string;
  /** `cluster/stack`. */
  stack: string;
}

/** An entry of the register. */
interface Entry extends RouteUser {
  /** Identifies the routing table, see {@link routingTable}. */
  boot: string;
  /** Where it is written down. */
  file: string;
}

/**
 * Which stacks of this user use which routes: a file for each route and stack, in `~/.vbox-kubeadm/.routes`. The
 * kernel's mark says of a route that this program made it, and not for whom. A file is written before its route is
 * made, and removed after the stack let go of it.
 */
export class RouteUsers {
  constructor(private readonly folder = join(homedir(), ".vbox-kubeadm", ".routes")) {}

  /** Runs `work` while nobody else of this user changes a route to this destination. */
  alone = <T>(destination: string, work: () => Promise<T>): Promise<T> =>
    whileLocked([this.folder, destination], `the route to ${destination}`, work);

  /** Who uses a route of this routing table. */
  async of({ destination, gateway, interface: device }: Route): Promise<Entry[]> {
    const entries = await this.to(destination);
    return entries.filter(
      (entry) => entry.boot === routingTable() && entry.gateway === gateway && entry.interface === device,
    );
  }

  /**
   * Writes down that a stack uses a route; it uses no other one to this destination. A stack without an id is not
   * written down.
   */
  async add(user: RouteUser): Promise<void> {
    if (user.stackId === "") return;
    const { destination, gateway, interface: device, stack } = user;
    const file = this.fileOf(user);
    const part = `${file}.part-${process.pid}`;
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(
      part,
      `${JSON.stringify({ stack, destination, gateway, interface: device, boot: routingTable() })}\n`,
      { mode: 0o600 },
    );
    await rename(part, file);
  }

  /** Writes down that a stack uses no route to this destination. */
  async remove(user: Pick<RouteUser, "destination" | "stackId">): Promise<void> {
    if (user.stackId === "") return;
    const file = this.fileOf(user);
    await rm(file, { force: true });
    // What is not empty, or gone, stays.
    for (const folder of [dirname(file), this.folder, dirname(this.folder)]) await rmdir(folder).catch(() => undefined);
  }

  /** Who uses any route to a destination, also one of an earlier boot. */
  async to(destination: string): Promise<Entry[]> {
    const folder = this.folderOf(destination);
    const names = (await namesIn(folder)).filter((name) => STACK_ID.test(name));
    const entries = await Promise.all(names.map((name) => read(join(folder, name), name)));
    return entries.filter((entry) => entry !== undefined);
  }

  private readonly folderOf = (destination: string) => join(this.folder, destination.replace("/", "-"));

  private readonly fileOf = ({ destination, stackId }: Pick<RouteUser, "destination" | "stackId">) =>
    join(this.folderOf(destination), stackId);
}

/**
 * What is in a folder; a missing one is empty.
 * @throws UserError where it cannot be read: what is not known to be unused stays
 */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new UserError(`${folder} lists the stacks that use a route, and cannot be read`, {
      output: (cause as Error).message,
      hint: "give it back to this user, with mode 0700",
      cause,
    });
  }
}

const STACK_ID = /^[0-9a-f]{32}$/;

const written = z.object({
  stack: z.string(),
  destination: z.string(),
  gateway: z.string(),
  interface: z.string(),
  boot: z.string(),
});

/**
 * An entry, or undefined where its file was removed just now.
 * @throws UserError where the file is not one that we write
 */
async function read(file: string, stackId: string): Promise<Entry | undefined> {
  try {
    return { ...written.parse(JSON.parse(await readFile(file, "utf8"))), stackId, file };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new UserError(`${file} should say which route a stack uses, and cannot be read`, {
      output: (cause as Error).message,
      hint: "remove it; if its stack still lives, run `pulumi up --refresh` there",
      cause,
    });
  }
}

/**
 * Identifies the routing table that this process sees. Routes are gone after a boot, and each network namespace has its
 * own: by Linux's id of this boot (random(4)) and the namespace (network_namespaces(7)). The other systems have
 * neither.
 */
function routingTable(): string {
  try {
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${readlinkSync("/proc/self/ns/net")}`;
  } catch {
    return "";
  }
}
