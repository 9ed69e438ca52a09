/**
 * `aptServer.ts PIDFILE ADDRESS FOLDER`: serves a folder's files over HTTP, port 80, and nothing else. Run in the
 * gate's namespace.
 */
import { createReadStream, statSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { join, normalize } from "node:path";

const [pidFile, address, folder] = process.argv.slice(2) as [string, string, string];

/** The file that a request's path names, within the folder whatever the path says. */
function fileOf(url: string): { path: string; size: number } | undefined {
  try {
    const path = join(folder, normalize(`/${decodeURIComponent(url.split("?", 1)[0]!)}`));
    const stats = statSync(path);
    return stats.isFile() ? { path, size: stats.size } : undefined;
  } catch {
    return undefined;
  }
}

function answer(url: string, response: ServerResponse): void {
  const file = fileOf(url);
  console.log(new Date().toISOString(), file ? 200 : 404, url);
  if (!file) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "content-length": file.size });
  createReadStream(file.path).pipe(response);
}

const server = createServer((request, response) => answer(request.url ?? "/", response));
server.listen(80, address, () => writeFileSync(pidFile, `${process.pid}\n`));
