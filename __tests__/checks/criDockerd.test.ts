import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { askHead } from "../../checks/criDockerd";
import { problems, useLookedAtSite } from "../support/lookedAtSite";

useLookedAtSite();

const deb = (codename: string, architecture = "amd64") =>
  `https://github.com/Mirantis/cri-dockerd/releases/download/v0.4.10/cri-dockerd_0.4.10.3-0.${codename}_${architecture}.deb`;

test.each<[string, string, () => Promise<number>, string[]]>([
  ["that is there", deb("debian-bookworm"), async () => 302, []],
  [
    "that a release does not have",
    deb("debian-trixie"),
    async () => 404,
    [`wrong: criDockerdUrl: there is no such file (the server answers 404): ${deb("debian-trixie")}`],
  ],
  [
    "for another distribution",
    deb("ubuntu-jammy"),
    async () => 302,
    ["warning: criDockerdUrl is a package for ubuntu (jammy), and the base image is debian, by `distro`"],
  ],
  [
    "for another processor",
    deb("debian-bookworm", "arm64"),
    async () => 302,
    ["wrong: criDockerdUrl is a package for arm64, and workers are x86-64 (amd64)"],
  ],
  ["with a name of its own", "https://packages.example.org/cri-dockerd.deb", async () => 200, []],
  [
    "whose server cannot be reached from here",
    deb("debian-bookworm"),
    () => Promise.reject(new TypeError("fetch failed")),
    ["later: cri-dockerd's package: its server does not answer here; the workers fetch it on their first boot"],
  ],
  [
    "whose server wants to know who asks",
    deb("debian-bookworm"),
    async () => 403,
    [expect.stringMatching(/^later: cri-dockerd's package/)],
  ],
  [
    "that is on the worker",
    "file:///deb",
    () => Promise.reject(new Error("asked")),
    [expect.stringMatching(/^later: cri-dockerd's package/)],
  ],
])("a package of cri-dockerd %s", async (_what, url, ask, expected) => {
  expect(await problems({ criDockerd: { url, distro: "debian" } }, {}, { ask })).toEqual(expected);
});

test("a web server is asked for headers alone, and where it sends us we do not go", async () => {
  const asked: string[] = [];
  const server = createServer(({ method, url }, response) => {
    asked.push(`${method} ${url}`);
    response.writeHead(url === "/moved" ? 302 : 404, { location: "/elsewhere" }).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    expect([await askHead(`${address}/moved`, 5_000), await askHead(`${address}/none`, 5_000)]).toEqual([302, 404]);
    expect(asked).toEqual(["HEAD /moved", "HEAD /none"]);
  } finally {
    server.close();
  }
});
