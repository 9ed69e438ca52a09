import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../common/errors";
import { run } from "./exec";
import { ensureAptRepository } from "./aptRepository";
import { namespaceOf } from "./names";
import { netnsExec } from "./netns";
import { labDir, projectDir } from "./paths";
import { endRecorded, isInNamespace, pidFile, recordedPid } from "./processes";
import type { Log } from "./progress";
import { networks, zone } from "./topology";
import { waitFor } from "./waitFor";

const name = "apt";

/** What the stack's configuration says of the lab's repository. */
export interface AptAddresses {
  /** The flat repository; its key is `Release.key` in it. */
  kubernetesRepository: string;
  /** The key's fingerprint: 40 hexadecimal digits. */
  kubernetesKeyFingerprint: string;
  /** The mirror of Debian. The bare image trusts the same key for it. */
  debianMirror: string;
  /** cri-dockerd's package, for a worker on Docker Engine, */
  criDockerdUrl: string;
  /** and its SHA-256. */
  criDockerdSha256: string;
}

/**
 * Makes sure that the lab's apt repository is there and served to the workers, at `apt.kube.demo` on the gate. The
 * network must be up.
 * @throws UserError naming the log when the server does not start
 */
export async function serveAptRepository(log: Log): Promise<AptAddresses> {
  const { folder, criDockerd, fingerprint } = await ensureAptRepository(log);
  const pid = recordedPid(name);
  if (pid === undefined || !(await isInNamespace(pid, namespaceOf("gate")))) {
    await stopAptServer();
    await startServer(folder);
  }
  const base = `http://${name}.${zone}`;
  return {
    kubernetesRepository: `${base}/kubernetes/`,
    kubernetesKeyFingerprint: fingerprint,
    debianMirror: `${base}/debian`,
    criDockerdUrl: `${base}/${criDockerd.path}`,
    criDockerdSha256: criDockerd.sha256,
  };
}

/** Ends the server, if it runs. */
export async function stopAptServer(): Promise<void> {
  await endRecorded(name);
}

async function startServer(folder: string): Promise<void> {
  for (const part of ["run", "log"]) await mkdir(join(labDir(), part), { recursive: true });
  const logFile = join(labDir(), "log", "apt.log");
  const server = [
    process.execPath,
    "--import",
    "tsx",
    join(__dirname, "aptServer.ts"),
    pidFile(name),
    networks.node.router,
    folder,
  ];
  const command = ["ip", ...netnsExec(namespaceOf("gate"), server)];
  await run("setsid", ["--fork", "sh", "-c", 'exec "$@" >>"$0" 2>&1 </dev/null', logFile, ...command], {
    cwd: projectDir,
  });
  await waitFor(
    () => recordedPid(name),
    () => new UserError("the apt repository's server did not start within 30 s", { hint: `look into ${logFile}` }),
    { timeoutMs: 30_000 },
  );
}
