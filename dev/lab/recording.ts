import { UserError } from "../../common/errors";
import type { SshSession } from "../../ssh/session";

/** One command, as it was answered; values that differ from run to run are replaced. */
export interface Exchange {
  machine: string;
  command: string;
  exitCode: number;
  /** Without JSON and YAML, which is long: {@link Recording.read} has what matters of it. */
  stdout: string;
  stderr: string;
}

/** A step of the recorded story. */
export interface Recording {
  name: string;
  /** The last answer to each command of the step, in their order. */
  exchanges: Exchange[];
  /** What the program made of the answers; `failed` where it threw an error for its user. */
  read: unknown;
}

/** Runs a step, and records what went over the sessions. */
export async function record<S extends Record<string, SshSession>>(
  name: string,
  sessions: S,
  step: (sessions: S) => Promise<unknown>,
): Promise<Recording> {
  const exchanges = new Map<string, Exchange>();
  const recorded = Object.fromEntries(
    Object.entries(sessions).map(([machine, session]) => [machine, recording(machine, session, exchanges)]),
  ) as S;
  const read = await step(recorded).catch((error: unknown) => {
    if (error instanceof UserError) return "failed";
    throw error;
  });
  return {
    name,
    exchanges: [...exchanges.values()],
    read: JSON.parse(normalised(JSON.stringify(read ?? null))) as unknown,
  };
}

function recording(machine: string, session: SshSession, exchanges: Map<string, Exchange>): SshSession {
  const exec: SshSession["exec"] = async (command, options) => {
    const { exitCode, stdout, stderr } = await session.exec(command, options);
    const known = normalised(command);
    const shown = /^(\{|apiVersion:)/.test(stdout) ? "…" : normalised(stdout);
    exchanges.set(`${machine} ${known}`, {
      machine,
      command: known,
      exitCode,
      stdout: shown,
      stderr: normalised(stderr),
    });
    return { exitCode, stdout, stderr };
  };
  const run: SshSession["run"] = async (command, options) => {
    const { exitCode, stdout, stderr } = await exec(command, options);
    if (exitCode === 0) return stdout;
    throw new UserError(`${command} failed with exit code ${exitCode}`, { output: stderr });
  };
  return { exec, run };
}

const REPLACEMENTS: readonly [RegExp, string][] = [
  [/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, "UUID"],
  [/\bsha256:[0-9a-f]{64}\b/g, "sha256:PIN"],
  [/\b[0-9a-f]{32}\b/g, "MACHINE-ID"],
  [/\b([a-z0-9]{6})\.[a-z0-9]{16}\b/g, "$1.SECRET"],
  [/\b192\.168\.2\.\d+\b/g, "ADDRESS"],
  [/\b\d{4}-\d\d-\d\dT[\d:.]+Z\b/g, "TIME"],
  [/\b(kube-proxy|kube-flannel-ds)-[a-z0-9]{5}\b/g, "$1-POD"],
  [/\bepoch=\d+/g, "epoch=TIME"],
  [/^\d{10}$/g, "TIME"],
  // A token's expiration in base64, between its id and its description.
  [/^(\S+ )(?:MjA\S+)( \S+)$/gm, "$1TIME$2"],
];

/** A text without what differs from run to run. */
export const normalised = (text: string): string =>
  REPLACEMENTS.reduce((text, [pattern, by]) => text.replace(pattern, by), text);

/** What kinds of failures a program's words tell: with an unknown one its first line is the kind. */
export function wording(stderr: string): string[] {
  const lines = stderr
    .split("\n")
    .filter((line) => line.trim() && !/^(Warning:|\s*\[WARNING |W\d{4} |I\d{4} )/.test(line));
  const found = KINDS.flatMap((pattern) => [...lines.join("\n").matchAll(pattern)].map(([text]) => text));
  return found.length > 0 ? [...new Set(found)].sort() : lines.slice(0, 1);
}

const KINDS: readonly RegExp[] = [
  /Error from server \(\w+\): \w+ "[^"]*" not found/g,
  /Error from server \(\w+\): \w+\.\S+ "[^"]*" not found/g,
  /\(Conflict\): Operation cannot be fulfilled on \S+ "[^"]*"/g,
  /Apply failed with/g,
  /^- \.roleRef/gm,
  /taint "[^"]*" not found/g,
  /already has a value|already has \S+ taint/g,
  /a token with id "\w+" already exists/g,
  /a Node with name "[^"]*" and status "Ready" already exists in the cluster/g,
  /could not find a JWS signature in the cluster-info ConfigMap for token ID "\w+"/g,
  /failed to verify JWS signature/g,
  /cluster CA found in cluster-info ConfigMap is invalid: none of the public keys/g,
  /error execution phase [\w-]+: (preflight checks failed|couldn't validate the identity of the API Server)/g,
  /\[ERROR [\w.-]+\]/g,
];

/** What kubectl says that it did to Nodes and Secrets, line by line. */
export const effects = (stdout: string): string[] =>
  stdout
    .split("\n")
    .filter((line) => /^(node\/|node "|secret[ /]|certificatesigningrequest|(cluster)?rolebinding)/.test(line));
