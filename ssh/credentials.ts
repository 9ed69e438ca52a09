import { type BaseAgent, type ConnectConfig, createAgent, type ParsedKey, utils } from "ssh2";
import { shellCommand } from "../common/shell";
import type { SshTarget } from "./target";
import { fingerprint, parseHostKey } from "./hostKey";
import { SshError } from "./error";
import { expandHome, readUserFile } from "../common/userFile";

/** What to sign in with, read once per session. */
export interface SshCredentials {
  /** What tells two of them apart. */
  id: string;
  /** For errors: which key, never its contents. */
  shown: string;
  config: Pick<ConnectConfig, "privateKey" | "agent" | "authHandler">;
}

/**
 * Reads a private key, or finds the agent when no file is given.
 * @throws SshError `authentication` when there is no usable key
 */
export function sshCredentials({
  privateKeyFile,
  publicKey,
}: Pick<SshTarget, "privateKeyFile" | "publicKey">): SshCredentials {
  return privateKeyFile === undefined ? agentCredentials(publicKey) : fileCredentials(privateKeyFile);
}

function agentCredentials(publicKey?: string): SshCredentials {
  const agent = process.env.SSH_AUTH_SOCK;
  if (!agent) {
    throw new SshError(
      "authentication",
      "there is no SSH key: no private key file is given, and SSH_AUTH_SOCK names no agent",
      {
        hint: "give sshPrivateKeyFile, or start an agent and add the key: eval $(ssh-agent); ssh-add KEY",
      },
    );
  }
  const which = publicKey === undefined ? "the keys" : `the key ${fingerprint(publicKey)}`;
  const shown = `${which} of the agent at ${agent}`;
  const offered = publicKey === undefined ? agent : agentWithOneKey(agent, publicKey);
  return { id: shown, shown, config: { agent: offered, authHandler: ["agent"] } };
}

/**
 * An agent of which one key is offered: sshd counts each, and refuses whoever offers more than six (`MaxAuthTries`,
 * sshd_config(5)).
 */
function agentWithOneKey(socket: string, publicKey: string): BaseAgent {
  const agent = createAgent(socket);
  const all = agent.getIdentities.bind(agent);
  const { blob } = parseHostKey(publicKey);
  const isOurs = (key: unknown) => isKey(key) && key.getPublicSSH().equals(blob);
  agent.getIdentities = (done) =>
    all((error, keys = []) => {
      const ours = keys.filter(isOurs);
      if (error || ours.length > 0) return done(error, ours);
      done(
        new Error(
          `the agent has ${keys.length} keys, and not this one: add it with ssh-add, or give sshPublicKey one line of \`ssh-add -L\``,
        ),
      );
    });
  return agent;
}

const isKey = (key: unknown): key is ParsedKey => typeof key === "object" && key !== null && "getPublicSSH" in key;

function fileCredentials(privateKeyFile: string): SshCredentials {
  const privateKey = readKey(expandHome(privateKeyFile));
  const key = utils.parseKey(privateKey);
  if (key instanceof Error) throw unusable(privateKeyFile, privateKey, key);
  if (!key.isPrivateKey()) {
    throw new SshError("authentication", `${privateKeyFile} is a public key`, {
      hint: "give sshPrivateKeyFile the file of the private key, without .pub",
    });
  }
  const shown = `${privateKeyFile} (${key.type} ${fingerprint(key.getPublicSSH())})`;
  return { id: `file ${shown}`, shown, config: { privateKey, authHandler: ["publickey"] } };
}

function readKey(path: string): Buffer {
  try {
    return readUserFile(path);
  } catch (error) {
    throw new SshError("authentication", `the SSH private key ${path} cannot be read`, {
      output: (error as Error).message,
      hint: "give sshPrivateKeyFile a file that exists and that this user may read",
    });
  }
}

function unusable(path: string, text: Buffer, { message }: Error): SshError {
  if (/encrypted/i.test(message) || /ENCRYPTED/.test(text.toString("latin1"))) {
    return new SshError(
      "authentication",
      `the SSH private key ${path} is encrypted, and nobody is there to type its passphrase`,
      {
        hint: `give it to an agent (${shellCommand(["ssh-add", path])}) and set sshPrivateKeyFile to nothing`,
      },
    );
  }
  return new SshError("authentication", `${path} is not a usable SSH private key`, {
    output: message,
    hint: "give sshPrivateKeyFile a key in OpenSSH's format (ssh-keygen -t ed25519)",
  });
}
