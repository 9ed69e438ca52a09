import { beginningOf } from "../common/quoted";
import type { SshHost } from "./target";
import type { SshCredentials } from "./credentials";
import { SshError } from "./error";
import { describeKey, parseHostKey } from "./hostKey";

/** What was seen of a handshake. */
export interface Handshake {
  name: string;
  host: SshHost;
  credentials: SshCredentials;
  /** What came first, whoever said it: with a refusal instead of a protocol. */
  hello: string;
  /** The host key that was shown, */
  offered?: Buffer;
  /** and whether it is one of those that we know. */
  isKnown?: boolean;
  /** The other side has proved that it has that key: from here on it is the machine that speaks. */
  isVerified?: boolean;
  /** The algorithms of both sides, as far as they were compared: `(local) KEX method: …`. */
  offers: string[];
  /** How one may sign in, as the machine said with its last refusal. */
  methods?: string[];
  banner?: string;
  agentError?: string;
}

const OFFER = "Handshake: (";
const FAILURE = /^Inbound: Received USERAUTH_FAILURE \((.*)\)$/;

/**
 * Takes what ssh2 has no other word for from a line of its debug output. What the other side says never begins such a
 * line.
 */
export function note(story: Handshake, line: string): void {
  if (line.startsWith(`${OFFER}local)`) || line.startsWith(`${OFFER}remote)`))
    story.offers.push(line.slice(OFFER.length - 1));
  const methods = FAILURE.exec(line)?.[1];
  if (methods !== undefined) story.methods = methods.split(",");
}

/**
 * What ssh2 puts on an error: a level on each that is its own, and on what the other side said when it disconnected
 * only that side's reason.
 */
type Failure = Error & { level?: string; code?: unknown };

/**
 * What a failed connection means. It follows from what we know: what our own verifier said, how far the handshake came,
 * and whose error it is. The other side's words are shown, and decide nothing.
 */
export function explain(error: Failure, story: Handshake): SshError {
  if (error.level === "handshake") return duringKeyExchange(error, story);
  if (error.level === "client-authentication" || hasRefused(error, story)) return loginRefused(error, story);
  return unreachable(error, story);
}

/** The messages are ssh2's own here. */
function duringKeyExchange({ message }: Error, story: Handshake): SshError {
  if (story.isKnown !== undefined) return wrongKey(message, story);
  if (message.endsWith("no matching host key format")) return noSuchKey(story);
  return message.includes("no matching") ? nothingInCommon(message, story) : unreachable(new Error(message), story);
}

/**
 * Reasons for which a machine disconnects that it may not have the next time (RFC 4253, section 11.1): gone, lost, too
 * many.
 */
const PASSING_REASONS = [7, 10, 11, 12];

/** Whether the machine itself, and nobody in its place, ended an authentication that was under way. */
const hasRefused = ({ level, code }: Failure, { isVerified }: Handshake) =>
  isVerified === true && level === undefined && typeof code === "number" && !PASSING_REASONS.includes(code);

function unreachable(error: Failure, { name, hello, banner }: Handshake): SshError {
  const message = error.message || String(error.code);
  const isTheirs = error.level === undefined && typeof error.code === "number";
  const output = [hello.startsWith("SSH-") ? "" : hello, banner]
    .filter(Boolean)
    .map((text) => `; it said: ${beginningOf(text!.trim(), 200)}`);
  const why = isTheirs ? `it ended the connection: ${beginningOf(message, 200)}` : message;
  return new SshError("unreachable", `${name}: ${why}${output.join("")}`, {
    hint: isPenalty(hello) ? WAIT_FOR_SSHD : undefined,
    cause: error,
  });
}

/** What OpenSSH 9.8 and later say to an address that has failed too often, or that is one too many (sshd.c). */
const isPenalty = (hello: string) => /^(Not allowed at this time|Exceeded MaxStartups)/.test(hello);

const WAIT_FOR_SSHD =
  "its sshd refuses connections from this address for a while: wait some minutes without trying, or see PerSourcePenalties, PerSourcePenaltyExemptList and MaxStartups in its sshd_config(5)";

const expected = ({ host }: Handshake) =>
  host.hostKeys.length > 0 && `expected: ${host.hostKeys.map((key) => describeKey(parseHostKey(key).blob)).join(", ")}`;

const compare =
  "if the machine was rebuilt, give its new key: read it on its console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), " +
  "not over the network. If it was not, something else answers at this address";

function wrongKey(message: string, story: Handshake): SshError {
  const offered = story.offered ? describeKey(story.offered) : "none";
  return new SshError("hostKey", `${story.name} did not prove that it is the machine we know: ${message}`, {
    output: `offered: ${offered}\n${expected(story)}`,
    hint: compare,
  });
}

const noSuchKey = (story: Handshake) =>
  new SshError("hostKey", `${story.name} has no host key of a type that we know one of`, {
    output: [...offersOf(story), expected(story)].filter(Boolean).join("\n"),
    hint: compare,
  });

/** The last two offers are those that were compared, and did not match. */
const offersOf = ({ offers }: Handshake) =>
  offers
    .slice(-2)
    .map((offer) =>
      beginningOf(
        offer.replace(/^\(local\)/, "this program:").replace(/^\(remote\)/, "the machine: "),
        1000,
      ).replaceAll(",", ", "),
    );

const nothingInCommon = (message: string, story: Handshake) =>
  new SshError("incompatible", `${story.name} speaks no SSH that this program speaks: ${message}`, {
    output: offersOf(story).join("\n"),
    hint: "allow one of this program's algorithms in the machine's sshd_config(5): KexAlgorithms, Ciphers, MACs",
  });

function loginRefused(
  { message, level }: Failure,
  { name, host, credentials, agentError, methods = [] }: Handshake,
): SshError {
  const output = [
    agentError,
    level === undefined ? beginningOf(message, 200) : message,
    methods.length > 0 && `it lets in by: ${beginningOf(methods.join(", "), 200)}`,
  ];
  const detail = { output: output.filter(Boolean).join("\n") };
  if (methods.length > 0 && !methods.includes("publickey")) {
    return new SshError("authentication", `${name} does not let us in with ${credentials.shown} alone`, {
      ...detail,
      hint: `have its sshd take a key and nothing more from ${host.user}: PubkeyAuthentication yes, and no second factor in AuthenticationMethods (sshd_config(5), in a \`Match User ${host.user}\`)`,
    });
  }
  return new SshError("authentication", `${name} did not let us in with ${credentials.shown}`, {
    ...detail,
    hint:
      `put the key's public half into ~${host.user}/.ssh/authorized_keys there, or give the key that it knows. If it is there, see why in \`journalctl -u ssh\` ` +
      `there: AllowUsers or AllowGroups without ${host.user}, an sshd that takes certificates only, or wrong modes of the file or its folders`,
  });
}
