import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { type AuthContext, type Connection, Server, type ServerChannel, type Session, utils } from "ssh2";
import { generateHostKey } from "../../cloudinit/hostKey";
import { GREETING, unframed } from "../../dev/simulator/commands/shell";

/** Private and public key, as OpenSSH writes them. */
export interface KeyPair {
  private: string;
  public: string;
}

/** A new Ed25519 key pair; generated each time, so none is ever kept. */
export function newKeyPair(): KeyPair {
  const { hostPrivateKey, hostPublicKey } = generateHostKey();
  return { private: hostPrivateKey, public: hostPublicKey };
}

/** A new ECDSA key pair, its private key encrypted if a passphrase is given. */
export const newEcdsaKeyPair = (passphrase?: string): KeyPair =>
  utils.generateKeyPairSync("ecdsa", {
    bits: 256,
    ...(passphrase !== undefined && { passphrase, cipher: "aes256-ctr", rounds: 1 }),
  });

/** Writes a private key where SSH can read it, and gives its path. */
export async function writeKey(folder: string, name: string, key: KeyPair): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, key.private, { mode: 0o600 });
  return path;
}

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Ports by `HOST:PORT`; what is not there cannot be connected with. */
export type Names = Record<string, number | "silent" | undefined>;

/** How a server in this process behaves. */
export interface SshServerOptions {
  hostKeys: KeyPair[];
  /** The public key that may sign in. */
  authorized: string;
  /** Said to everyone before authentication. */
  banner?: string;
  /** What a command does. */
  onExec?: (command: string, channel: ServerChannel, connection: Connection) => void;
  /** Called before authentication, which waits for it; false leaves the rest to the one who was called. */
  onAuthentication?: (context: AuthContext, connection: Connection) => boolean | Promise<boolean>;
  /**
   * Where the names lead that a client asks to be connected with: to a port, or to no answer. None: forwarding is
   * prohibited.
   */
  names?: Names;
  /** Default: any free one. */
  port?: number;
}

/** A server in this process. */
export interface SshServer {
  port: number;
  /** Connections so far. */
  count: number;
  /** Handshakes and commands under way at once, at most. */
  mostHandshakes: number;
  mostCommands: number;
  commands: number;
  open: Set<Connection>;
  stop(): Promise<void>;
}

/** An SSH server on loopback that does what a test wants. */
export async function startSshServer(options: SshServerOptions): Promise<SshServer> {
  const server = new Server({ hostKeys: options.hostKeys.map((key) => key.private), banner: options.banner });
  const state: SshServer = {
    port: 0,
    count: 0,
    mostHandshakes: 0,
    mostCommands: 0,
    commands: 0,
    open: new Set(),
    stop,
  };
  let handshakes = 0;
  server.on("connection", (connection: Connection) => {
    state.count++;
    state.open.add(connection);
    state.mostHandshakes = Math.max(state.mostHandshakes, ++handshakes);
    connection
      .on("error", () => {})
      .on("close", () => state.open.delete(connection))
      .once("ready", () => handshakes--);
    authenticate(connection, options);
    connection.on("session", (accept) => answerSession(accept(), connection, options, state));
    if (options.names) forward(connection, options.names);
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  state.port = (server.address() as AddressInfo).port;
  async function stop() {
    for (const connection of state.open) connection.end();
    server.close();
    await once(server, "close");
  }
  return state;
}

function forward(connection: Connection, names: Names): void {
  connection.on("tcpip", (accept, reject, { destIP, destPort }) => {
    const port = names[`${destIP}:${destPort}`];
    if (port === undefined) return reject();
    if (port === "silent") return;
    const socket = connect(port, "127.0.0.1");
    socket.on("error", reject).on("connect", () => {
      const channel = accept();
      channel.on("error", () => {}).on("close", () => socket.destroy());
      socket.pipe(channel).pipe(socket);
    });
  });
}

function authenticate(connection: Connection, { authorized, onAuthentication }: SshServerOptions): void {
  const allowed = utils.parseKey(authorized);
  if (allowed instanceof Error) throw allowed;
  const publicKey = allowed;
  connection.on("authentication", (context) => void answer(context));
  async function answer(context: AuthContext): Promise<void> {
    if (onAuthentication && !(await onAuthentication(context, connection))) return;
    if (context.method !== "publickey" || !context.key.data.equals(publicKey.getPublicSSH()))
      return context.reject(["publickey"]);
    const { signature, blob, hashAlgo } = context;
    if (signature && blob && publicKey.verify(blob, signature, hashAlgo) !== true) return context.reject();
    context.accept();
  }
}

function answerSession(session: Session, connection: Connection, { onExec }: SshServerOptions, state: SshServer): void {
  session.on("exec", (accept, _reject, { command: text }) => {
    const { command, mark } = unframed(text);
    state.mostCommands = Math.max(state.mostCommands, ++state.commands);
    const channel = accept();
    channel.on("close", () => state.commands--);
    channel.write(`${GREETING}${mark}`);
    channel.stderr.write(`${GREETING}${mark}`);
    onExec?.(command, channel, connection);
  });
}
