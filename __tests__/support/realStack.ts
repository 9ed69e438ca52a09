import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { ExecResult } from "../../common/exec";
import { pulumiFolder } from "../../dev/lab/binaries";
import { exec, run } from "../../dev/lab/exec";
import { projectDir } from "../../dev/lab/paths";
import { linkProgram } from "../../dev/lab/program";
import { endVirtualBox } from "../../dev/lab/virtualBox";

/** A resource in Pulumi's state. */
export interface StateResource {
  type: string;
  urn: string;
  id: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
}

/**
 * The program with the real Pulumi CLI and the real VBoxManage, a backend and a VirtualBox of its own, and a base image
 * that nothing boots from: workers `n1` and `n2`, which are only made.
 */
export class RealStack {
  private readonly homes: string[] = [];
  private constructor(
    readonly folder: string,
    /** What programs are given. */
    readonly environment: Record<string, string>,
  ) {}

  /** @param values configuration keys, beside those that such a stack needs; told the folder in which all is */
  static async make(values: (folder: string) => Readonly<Record<string, unknown>> = () => ({})): Promise<RealStack> {
    const folder = await mkdtemp(join(tmpdir(), "engine-"));
    const stack = new RealStack(folder, {
      PATH: [join(projectDir, "dev/lab"), await pulumiFolder(() => {}), process.env.PATH].join(delimiter),
      PULUMI_HOME: join(folder, "home"),
      PULUMI_BACKEND_URL: `file://${folder}`,
      PULUMI_CONFIG_PASSPHRASE: randomUUID(),
      PULUMI_SKIP_UPDATE_CHECK: "true",
    });
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, "id")]);
    const key = (await readFile(join(folder, "id.pub"), "utf8")).trim();
    await writeFile(
      join(folder, "known_hosts"),
      ["busybox", "kube-mast01", "kube-mast02", "kube-mast03"].map((name) => `${name} ${key}\n`).join(""),
    );
    await linkProgram(join(folder, "program"), "dev", {
      workerNames: ["n1", "n2"],
      routes: [],
      autostart: false,
      kubernetesVersion: "1.36.3", // There is no cluster to ask.
      sshPrivateKeyFile: join(folder, "id"),
      sshKnownHostsFile: join(folder, "known_hosts"),
      isoFolder: join(folder, "iso"),
      ...values(folder),
    });
    await stack.pulumi("stack", "init", "dev");
    await stack.enter("lab");
    return stack;
  }

  /** From now on all is done in the VirtualBox of another VBOX_USER_HOME, which gets a base image where it has none. */
  async enter(home: string): Promise<void> {
    const dir = join(this.folder, home);
    Object.assign(this.environment, { VBOX_LAB_DIR: dir, VBOX_USER_HOME: join(dir, "vbox") });
    if (this.homes.includes(dir)) return;
    this.homes.push(dir);
    const disk = join(dir, "base.vdi");
    await this.manage("createvm", "--name", "debian-base-image", "--ostype", "Debian_64", "--register");
    await this.manage("storagectl", "debian-base-image", "--name", "IDE", "--add", "ide");
    await this.manage("storagectl", "debian-base-image", "--name", "SATA", "--add", "sata", "--portcount", "4");
    await this.manage("createmedium", "disk", "--filename", disk, "--size", "16");
    await this.manage(
      "storageattach",
      "debian-base-image",
      "--storagectl",
      "SATA",
      "--port",
      "0",
      "--device",
      "0",
      "--type",
      "hdd",
      "--medium",
      disk,
    );
  }

  /** Runs the CLI in the program's folder. */
  cli = (args: readonly string[], env?: Readonly<Record<string, string>>): Promise<ExecResult> =>
    this.exec("pulumi", [...args, "--non-interactive"], env);

  /** What the CLI prints, which has to succeed. */
  async pulumi(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await this.cli(args);
    if (exitCode !== 0) throw new Error(`pulumi ${args.join(" ")}:\n${stdout}\n${stderr}`);
    return stdout;
  }

  /** What VBoxManage prints. */
  manage = async (...args: string[]): Promise<string> => (await this.exec("VBoxManage", args)).stdout;

  /** The program's own resources in the state. */
  async resources(...options: string[]): Promise<StateResource[]> {
    const { deployment } = JSON.parse(await this.pulumi("stack", "export", ...options)) as {
      deployment: { resources?: StateResource[] };
    };
    return (deployment.resources ?? []).filter(({ type }) => type.includes("dynamic/"));
  }

  async end(): Promise<void> {
    for (const home of this.homes) await endVirtualBox(home);
    await rm(this.folder, { recursive: true, force: true });
  }

  private exec = (
    file: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<ExecResult> =>
    exec(file, args, { cwd: join(this.folder, "program"), env: { ...this.environment, ...env }, timeoutMs: 240_000 });
}
