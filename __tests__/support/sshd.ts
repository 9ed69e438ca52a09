import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openSsh } from "./openssh";

/** A real sshd on loopback. It lets the user in that the tests run as. */
export interface Sshd {
  port: number;
  stop(): Promise<void>;
}

/** What it is to know. */
export interface SshdOptions {
  /** A folder of its own for its files. */
  folder: string;
  port: number;
  /** Files with private host keys. */
  hostKeyFiles: string[];
  /** Public keys, one a line. */
  authorizedKeys: string;
  /** More lines of its sshd_config(5). Default: none. */
  more?: string[];
}

/** Starts a real OpenSSH server, with its own defaults for everything that a test does not need otherwise. */
export async function startSshd({ folder, port, hostKeyFiles, authorizedKeys, more = [] }: SshdOptions): Promise<Sshd> {
  const { program, env } = await openSsh();
  const file = (name: string) => join(folder, name);
  await writeFile(file("authorized_keys"), authorizedKeys, { mode: 0o600 });
  await writeFile(
    file("sshd_config"),
    [...more, configuration(port, hostKeyFiles, file("authorized_keys"), program)].join("\n"),
  );
  const sshd = [program("usr/sbin/sshd"), "-D", "-e", "-f", file("sshd_config")];
  const [command = "", ...args] = process.getuid?.() === 0 ? await inOwnMounts(folder, sshd) : sshd;
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] });
  let output = "";
  child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await listening(port, child, () => output);
  return { port, stop: () => stop(child) };
}

function configuration(
  port: number,
  hostKeyFiles: string[],
  authorizedKeysFile: string,
  program: (path: string) => string,
): string {
  const lines = [
    "ListenAddress 127.0.0.1",
    `Port ${port}`,
    ...hostKeyFiles.map((path) => `HostKey ${path}`),
    `AuthorizedKeysFile ${authorizedKeysFile}`,
    "StrictModes no",
    "PermitRootLogin prohibit-password",
    "PidFile none",
  ];
  // Since OpenSSH 9.8 and 10.0, sshd is several programs, which it looks for where its package installs them.
  for (const [option, name] of [
    ["SshdSessionPath", "sshd-session"],
    ["SshdAuthPath", "sshd-auth"],
  ] as const) {
    const path = program(`usr/lib/openssh/${name}`);
    if (existsSync(path)) lines.push(`${option} ${path}`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

/**
 * As root, sshd wants a user `sshd` and an empty `/run/sshd`, which only installing it makes: here they are for its own
 * eyes.
 */
async function inOwnMounts(folder: string, sshd: string[]): Promise<string[]> {
  const passwd = await readFile("/etc/passwd", "utf8");
  const users = passwd.includes("\nsshd:") ? passwd : `${passwd}sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n`;
  await writeFile(join(folder, "passwd"), users, { mode: 0o644 });
  const script =
    'mount --bind "$0" /etc/passwd && mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/sshd && exec "$@"';
  return ["unshare", "--mount", "sh", "-c", script, join(folder, "passwd"), ...sshd];
}

async function listening(port: number, child: ChildProcess, output: () => string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`sshd ended with exit code ${child.exitCode}: ${output()}`);
    const socket = connect(port, "127.0.0.1");
    const open = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "error").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (open) return;
    await sleep(20);
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill();
  await once(child, "exit");
}
