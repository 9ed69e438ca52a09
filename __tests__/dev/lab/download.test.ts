import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDownloader, Unavailable } from "../../../dev/lab/download";

const content = "a program";
const sha256 = createHash("sha256").update(content).digest("hex");
const folder = mkdtempSync(join(tmpdir(), "download-"));
const path = join(folder, "file");
let server: Server;
let requests: string[];
let site: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request.url ?? "");
    if (request.url === "/file") response.end(content);
    else if (request.url === "/sums") response.end(`${sha256}\n`);
    else if (request.url === "/broken")
      response.writeHead(200, { "content-length": 100 }).write("half", () => response.destroy());
    else response.writeHead(404).end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  requests = [];
  rmSync(path, { force: true });
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

test("a file with the published checksum arrives", async () => {
  const from = createDownloader();
  await from.file(`${site}/file`, path, await from.text(`${site}/sums`));
  expect(readFileSync(path, "utf8")).toBe(content);
});

test("a file with another checksum is an error that the user sees, and is removed", async () => {
  await expect(createDownloader().file(`${site}/file`, path, "0".repeat(64))).rejects.toMatchObject({
    name: "UserError",
  });
  expect(existsSync(path)).toBe(false);
});

test("what is no checksum is not compared", async () => {
  await expect(createDownloader().file(`${site}/file`, path, "<html>")).rejects.toThrow(Unavailable);
  expect(requests).toEqual([]);
});

test("a transfer that breaks off leaves nothing behind, and the next one is tried", async () => {
  const from = createDownloader();
  await expect(from.file(`${site}/broken`, path, sha256)).rejects.toThrow("broke off");
  expect(existsSync(path)).toBe(false);
  await expect(from.text(`${site}/sums`)).resolves.toBe(sha256);
});

test("a server that answers with an error is not the end of the internet", async () => {
  const from = createDownloader();
  await expect(from.text(`${site}/nothing`)).rejects.toThrow(`${site}/nothing answers 404`);
  await expect(from.text(`${site}/sums`)).resolves.toBe(sha256);
});

test("one refused connection ends all downloads of the run", async () => {
  const from = createDownloader();
  await expect(from.text("http://127.0.0.1:1/")).rejects.toThrow("no connection to 127.0.0.1:1");
  await expect(from.text(`${site}/sums`)).rejects.toThrow(Unavailable);
  expect(requests).toEqual([]);
});

test("never asks when it is told so", async () => {
  await expect(createDownloader("never").text(`${site}/sums`)).rejects.toThrow("VBOX_KUBEADM_DOWNLOAD=never");
  expect(requests).toEqual([]);
});

test("refuses a mode that it does not know", () => {
  expect(() => createDownloader("no")).toThrow(`VBOX_KUBEADM_DOWNLOAD is "no"`);
});
