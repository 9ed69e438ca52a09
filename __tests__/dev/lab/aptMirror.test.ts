import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { debianMirror, parseDeb822, parseOneLineStyle, pickDebianMirror } from "../../../dev/lab/aptMirror";

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

describe("parseDeb822", () => {
  test("reads stanzas, with comments and continued fields", () => {
    const text = [
      "# the archive",
      "Types: deb deb-src",
      "URIs: http://mirror.example/debian",
      "Suites: bookworm",
      " bookworm-updates",
      "Components: main contrib",
      `Signed-By: ${keyring}`,
      "",
      "Types: deb",
      "URIs: http://security.example/debian-security",
      "Suites: bookworm-security",
      "Components: main",
    ].join("\n");
    expect(parseDeb822(text)).toEqual([
      {
        uri: "http://mirror.example/debian",
        suites: ["bookworm", "bookworm-updates"],
        components: ["main", "contrib"],
        signedBy: keyring,
      },
      {
        uri: "http://security.example/debian-security",
        suites: ["bookworm-security"],
        components: ["main"],
        signedBy: undefined,
      },
    ]);
  });

  test("leaves out what is disabled or only source", () => {
    expect(
      parseDeb822("Types: deb\nEnabled: no\nURIs: http://a.example/debian\nSuites: sid\nComponents: main\n"),
    ).toEqual([]);
    expect(parseDeb822("Types: deb-src\nURIs: http://a.example/debian\nSuites: sid\nComponents: main\n")).toEqual([]);
  });
});

test("parseOneLineStyle reads entries with and without options", () => {
  const text = [
    "# deb http://old.example/debian stretch main",
    "deb http://mirror.example/debian/ trixie main contrib # ours",
    "deb [arch=amd64 signed-by=/etc/apt/keyrings/tool.gpg] https://tool.example/linux/debian trixie stable",
    "deb-src http://mirror.example/debian trixie main",
  ].join("\n");
  expect(parseOneLineStyle(text)).toEqual([
    { uri: "http://mirror.example/debian/", suites: ["trixie"], components: ["main", "contrib"], signedBy: undefined },
    {
      uri: "https://tool.example/linux/debian",
      suites: ["trixie"],
      components: ["stable"],
      signedBy: "/etc/apt/keyrings/tool.gpg",
    },
  ]);
});

describe("pickDebianMirror", () => {
  const entry = (uri: string, rest = {}) => ({ uri, suites: ["trixie"], components: ["main"], ...rest });

  test.each([
    [
      "a third party's, signed by its own key",
      entry("https://tool.example/debian", { signedBy: "/etc/apt/keyrings/tool.gpg" }),
    ],
    [
      "a third party's, with components of its own",
      entry("https://tool.example/linux/debian", { components: ["stable"] }),
    ],
    ["the security archive", entry("http://mirror.example/debian-security", { suites: ["trixie-security"] })],
    ["another distribution's", entry("http://mirror.example/ubuntu")],
  ])("passes over %s", (_, source) => {
    expect(pickDebianMirror([source])).toBeUndefined();
    expect(pickDebianMirror([source, entry("http://mirror.example/debian", { signedBy: keyring })])).toBe(
      "http://mirror.example/debian",
    );
  });
});

describe("debianMirror", () => {
  let etcApt: string;
  beforeEach(async () => {
    etcApt = await mkdtemp(join(tmpdir(), "apt-"));
    await mkdir(join(etcApt, "sources.list.d"));
  });
  afterEach(() => rm(etcApt, { recursive: true }));

  test("is the environment's, if it names one", async () => {
    expect(await debianMirror({ LAB_DEBIAN_MIRROR: "http://mine.example/debian" }, etcApt)).toBe(
      "http://mine.example/debian",
    );
  });

  test("is the first line of a list of mirrors, as cloud images have it", async () => {
    const list = join(etcApt, "debian.list");
    await writeFile(list, "https://near.example/debian\nhttps://far.example/debian\n");
    const stanza = `Types: deb\nURIs: mirror+file:${list}\nSuites: trixie\nComponents: main\n`;
    await writeFile(join(etcApt, "sources.list.d/debian.sources"), stanza);

    await expect(debianMirror({}, etcApt)).resolves.toBe("https://near.example/debian");
  });

  test("names the variable to set where there is none", async () => {
    await writeFile(join(etcApt, "sources.list"), "deb http://mirror.example/ubuntu noble main\n");
    await expect(debianMirror({}, etcApt)).rejects.toThrow("LAB_DEBIAN_MIRROR");
  });
});
