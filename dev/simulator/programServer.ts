import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { programs } from "./programs";

/**
 * Puts the simulated programs into `FOLDER/bin` as clients of this process, which does their work on the site in
 * FOLDER.
 * @param path of the socket, which is made: the folder may be moved away and another put in its place meanwhile
 * @returns what ends that
 */
export async function servePrograms(folder: string, path: string): Promise<() => Promise<void>> {
  const bin = join(folder, "bin");
  await mkdir(bin, { recursive: true });
  const client = (await readFile(join(__dirname, "client.pl"), "utf8")).replace("${socket}", path);
  for (const name of Object.keys(programs)) await writeFile(join(bin, name), client, { mode: 0o755 });
  await rm(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    serve(folder, socket).catch(() => socket.destroy());
  }).listen(path);
  await once(server, "listening");
  return async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  };
}

/** Its client is sent nothing, and so ends as killed; see client.pl. */
function end(): never {
  throw new Error("the program was ended");
}

/** One call of a program. That of a client that is killed goes on, as VirtualBox's server does. */
async function serve(folder: string, socket: Socket): Promise<void> {
  const closed = new Promise<never>((_, reject) => {
    socket.once("close", () => reject(new Error("the client is gone")));
    socket.on("error", reject);
  });
  closed.catch(() => {});
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => void chunks.push(chunk));
  await Promise.race([once(socket, "end"), closed]);
  const [name = "", ...args] = Buffer.concat(chunks).toString().split("\0");
  const life = { hang: () => closed, end };
  const { stdout, stderr, exitCode } = await programs[name]!(folder, args, life);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(exitCode);
  header.writeUInt32BE(Buffer.byteLength(stdout), 4);
  socket.end(Buffer.concat([header, Buffer.from(stdout), Buffer.from(stderr)]));
}
