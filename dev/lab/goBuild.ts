import { join } from "node:path";
import { lastLines, type Exec } from "../../common/exec";
import { exec } from "./exec";
import { UserError } from "../../common/errors";
import { projectDir } from "./paths";

/** One `go build` in a module of ours. */
export interface GoBuild {
  /** The module's folder under `tools/`; its go.mod and go.sum pin everything that goes in. */
  module: string;
  /** What is built. Several packages give programs that are called after them. */
  packages: readonly string[];
  /** The program's name, when it is not the package's. */
  program?: string;
  /** `-X` definitions: variable → value. */
  define?: Readonly<Record<string, string>>;
  /** Whether C is compiled as well. The program is static all the same. Default: false. */
  cgo?: boolean;
}

const hour = 3_600_000;

/**
 * Builds static programs, without symbols, into a folder. An interrupted build goes on where it was: Go keeps a cache
 * of its own.
 * @throws UserError when go (or, with cgo, a C compiler) is missing or too old, or when a module is not to be had
 */
export async function goBuild(build: GoBuild, folder: string, run: Exec = exec): Promise<void> {
  const cwd = join(projectDir, "dev/tools", build.module);
  await requireGo(cwd, run);
  if (build.cgo) await requireCompiler(run);
  const args = [
    "build",
    "-mod=readonly",
    "-trimpath",
    "-buildvcs=false",
    ...linkArgs(build),
    "-o",
    join(folder, build.program ?? "/"),
  ];
  const env = { CGO_ENABLED: build.cgo ? "1" : "0", GOWORK: "off" };
  const { exitCode, stderr } = await run("go", [...args, ...build.packages], { cwd, env, timeoutMs: hour });
  if (exitCode !== 0) {
    throw new UserError(`go build in tools/${build.module} failed`, {
      output: lastLines(stderr),
      hint: "it needs the internet, or a Go module proxy (GOPROXY)",
    });
  }
}

/** The tags keep libc's resolver and user database out, which cannot be linked in statically. */
function linkArgs({ cgo, define = {} }: GoBuild): string[] {
  const definitions = Object.entries(define).flatMap(([name, value]) => ["-X", `${name}=${value}`]);
  const external = cgo ? ["-linkmode", "external", "-extldflags", "-static"] : [];
  return ["-tags", cgo ? "netgo,osusergo" : "", "-ldflags", ["-s", "-w", ...definitions, ...external].join(" ")];
}

/** go itself compares its version with the one in go.mod, and may bring the right one. */
async function requireGo(cwd: string, run: Exec): Promise<void> {
  const hint =
    "install Go (https://go.dev/dl), at least the version in that go.mod, or allow downloads (VBOX_KUBEADM_DOWNLOAD=auto)";
  const probe = await run("go", ["env", "GOVERSION"], { cwd, env: { GOWORK: "off" } }).catch((error: unknown) => {
    throw new UserError(`go is needed to build ${cwd}, and could not be run`, { hint, cause: error });
  });
  if (probe.exitCode !== 0) throw new UserError(`this go cannot build ${cwd}/go.mod`, { output: probe.stderr, hint });
}

async function requireCompiler(run: Exec): Promise<void> {
  await run("gcc", ["--version"]).catch((error: unknown) => {
    throw new UserError("a C compiler is needed to build flannel", { hint: "install gcc and libc6-dev", cause: error });
  });
}
