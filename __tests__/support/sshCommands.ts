import type { Socket } from "node:net";
import type { Connection, ServerChannel } from "ssh2";

/** What commands do on the servers in this process: a name, and perhaps a number. */
const commands: Record<string, (channel: ServerChannel, argument: number, connection: Connection) => void> = {
  exit: (channel, code) =>
    channel.stderr.write("some words\n", () => channel.write("said\n", () => end(channel, code))),
  cat: (channel) => channel.on("data", (chunk: Buffer) => channel.write(chunk)).on("end", () => end(channel, 0)),
  print: (channel, size) => channel.write(Buffer.alloc(size, "x"), () => end(channel, 0)),
  warn: (channel, size) =>
    channel.stderr.write(Buffer.alloc(size, "x"), () => channel.stderr.write("\nthe end\n", () => end(channel, 0))),
  killed: (channel) => {
    channel.exit("KILL");
    channel.end();
  },
  hang: () => {},
  vanish: (_channel, _argument, connection) => (connection as unknown as { _sock: Socket })._sock.destroy(),
  reboot: (channel, _argument, connection) => {
    end(channel, 0);
    connection.end();
  },
  silent: (channel) => channel.close(),
};

/** Ends a command, whether it has read its input or not. */
export function end(channel: ServerChannel, code: number): void {
  channel.exit(code);
  channel.resume().end();
}

/** Does what a command says. */
export function onExec(command: string, channel: ServerChannel, connection: Connection): void {
  const [name = "", argument] = command.split(" ");
  commands[name]?.(channel, Number(argument), connection);
}
