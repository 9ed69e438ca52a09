import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { childEnvironment } from "./childEnvironment";

/** What is to be known of a process; each throws where the system does not tell. */
export interface Processes {
  parentOf(pid: number): number;
  /** Its program and arguments. */
  commandOf(pid: number): readonly string[];
  /** Its standard input and output, as paths. */
  stdioOf(pid: number): readonly string[];
}

/** A provider is a few processes below the CLI: plugins of some versions are started by a shell script. */
const MOST_ANCESTORS = 8;

/**
 * Whether the Pulumi CLI that this process is a provider of shows its tree of rows on a terminal. It tells no provider,
 * whose own input and output are pipes: so it is judged as the CLI does, by its standard input and output, its arguments
 * and the variables of CI systems. False where that cannot be known, as on Windows.
 *
 * @param pid where to begin. Default: this process's parent
 */
export function isCliInteractive(
  processes: Processes | undefined = PROCESSES[process.platform],
  env: NodeJS.ProcessEnv = process.env,
  pid = process.ppid,
): boolean {
  if (!processes || env.TERM?.toLowerCase() === "dumb" || isCi(env)) return false;
  try {
    for (let i = 0; i < MOST_ANCESTORS && pid > 1; i++, pid = processes.parentOf(pid)) {
      const [program = "", ...args] = processes.commandOf(pid);
      if (!/(^|\/)pulumi$/.test(program)) continue;
      const files = processes.stdioOf(pid);
      return files.length === 2 && files.every((file) => TERMINAL.test(file)) && !args.some(hasNoRows);
    }
  } catch {
    // Not to know is no.
  }
  return false;
}

/** Linux's and macOS's terminals. */
const TERMINAL = /^\/dev\/(pts\/\d+|tty\w+|console)$/;

/** The commands and options with which the CLI prints lines, or JSON. */
const hasNoRows = (argument: string) =>
  /^(watch|-j|--(non-interactive|diff|json|output)(=(?!false$).*)?)$/.test(argument);

/** pulumi/sdk, go/common/util/ciutil/detect.go. */
const CI_VARIABLES = [
  "PULUMI_CI_SYSTEM",
  "APPVEYOR",
  "CODEBUILD_BUILD_ARN",
  "bamboo_planKey",
  "BITBUCKET_COMMIT",
  "TF_BUILD",
  "BUILDKITE",
  "CIRCLECI",
  "CF_BUILD_URL",
  "DRONE",
  "GITHUB_ACTIONS",
  "GITLAB_CI",
  "GO_PIPELINE_LABEL",
  "HUDSON_URL",
  "JENKINS_URL",
  "MAGNUM",
  "SEMAPHORE",
  "TEAMCITY_VERSION",
  "TRAVIS",
  "CI", // Of others.
];

const isCi = (env: NodeJS.ProcessEnv) =>
  !env.PULUMI_DISABLE_CI_DETECTION && CI_VARIABLES.some((name) => env[name] !== undefined && env[name] !== "");

/** By proc(5). */
const linux: Processes = {
  // After the program's name in parentheses, which may hold any character: state, parent.
  parentOf: (pid) =>
    Number(
      readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ")[1],
    ),
  commandOf: (pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1),
  stdioOf: (pid) => [0, 1].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)),
};

const output = (file: string, ...args: string[]) =>
  execFileSync(file, args, {
    encoding: "utf8",
    timeout: 5_000,
    stdio: ["ignore", "pipe", "ignore"],
    env: childEnvironment(),
  });

/** By ps(1) and lsof(8), which every macOS has. @internal Exported for tests. */
export const macOs: Processes = {
  parentOf: (pid) => Number(output("ps", "-o", "ppid=", "-p", String(pid))),
  commandOf: (pid) => output("ps", "-ww", "-o", "args=", "-p", String(pid)).trim().split(/\s+/),
  stdioOf: (pid) =>
    [...output("lsof", "-a", "-p", String(pid), "-d", "0,1", "-Fn").matchAll(/^n(.*)$/gm)].map(([, file]) => file!),
};

const PROCESSES: Partial<Record<NodeJS.Platform, Processes>> = { linux, darwin: macOs };
