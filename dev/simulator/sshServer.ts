import type { Duplex } from "node:stream";
import { type AuthContext, type Connection, Server, type ServerChannel, utils } from "ssh2";
import type { ExecResult } from "../../common/exec";
import { GREETING, unframed } from "./commands/shell";
import { Dropped } from "./faults";

/** A machine with an sshd, as one connection finds it. */
export interface SshMachine {
  /** OpenSSH private key. */
  hostKey: string;
  user: string;
  /** Public keys that its user may sign in with. */
  authorizedKeys: readonly string[];
  /**
   * Runs a command.
   * @param input its standard input, whole
   * @param closed aborted when the client no longer waits for it
   * @throws Dropped when the machine goes down, or the connection is lost
   */
  run(command: string, input: Promise<string>, closed: AbortSignal): Promise<ExecResult>;
  /** The machine at an address, as this one sees the network. Where it is missing, nothing is forwarded. */
  reach?(address: string, port: number): Promise<SshMachine | undefined>;
}

/** The client closed a command's channel. */
export class ChannelClosed extends Error {}

/** Serves SSH on one connection to a machine. */
export function serveSsh(socket: Duplex, machine: SshMachine): void {
  const server = new Server({ hostKeys: [machine.hostKey] }, (connection) => {
    connection
      .on("error", () => socket.destroy())
      .on("authentication", (context) =>
        maySignIn(context, machine) ? context.accept() : context.reject(["publickey"]),
      )
      .on("session", (accept) =>
        accept().on("exec", (acceptExec, _reject, { command }) => void answer(acceptExec(), command, machine, socket)),
      );
    if (machine.reach) forward(connection, machine.reach.bind(machine));
  });
  socket.on("error", () => {});
  server.injectSocket(socket as Parameters<Server["injectSocket"]>[0]);
}

/** A key is first offered, and then proved. */
function maySignIn(context: AuthContext, { user, authorizedKeys }: SshMachine): boolean {
  if (context.method !== "publickey" || context.username !== user) return false;
  const { key, signature, blob, hashAlgo } = context;
  const known = authorizedKeys
    .map((text) => utils.parseKey(text))
    .find((parsed) => !(parsed instanceof Error) && parsed.getPublicSSH().equals(key.data));
  if (!known || known instanceof Error) return false;
  return !signature || (blob !== undefined && known.verify(blob, signature, hashAlgo) === true);
}

async function answer(channel: ServerChannel, text: string, machine: SshMachine, socket: Duplex): Promise<void> {
  const closed = new AbortController();
  channel.on("error", () => {}).once("close", () => closed.abort(new ChannelClosed()));
  try {
    const { command, mark } = unframed(text);
    const { stdout, stderr, exitCode } = await machine.run(command, textOf(channel), closed.signal);
    if (closed.signal.aborted) return;
    channel.stderr.write(`${GREETING}${mark}${stderr}`);
    channel.write(`${GREETING}${mark}${stdout}`);
    channel.exit(exitCode);
    channel.end();
  } catch (error) {
    if (error instanceof ChannelClosed) return;
    if (!(error instanceof Dropped)) console.error("simulator:", error);
    socket.destroy();
  }
}

/** What a client sends until it says that there is no more, or is gone. */
function textOf(channel: ServerChannel): Promise<string> {
  const chunks: Buffer[] = [];
  return new Promise((resolve) => {
    const whole = () => resolve(Buffer.concat(chunks).toString("utf8"));
    channel
      .on("data", (chunk: Buffer) => chunks.push(chunk))
      .on("end", whole)
      .on("close", whole);
  });
}

function forward(connection: Connection, reach: NonNullable<SshMachine["reach"]>): void {
  connection.on("tcpip", (accept, reject, { destIP, destPort }) => {
    void reach(destIP, destPort).then(
      (machine) => (machine ? serveSsh(accept(), machine) : reject()),
      () => reject(),
    );
  });
}
