import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { load } from "js-yaml";
import ts from "typescript";
import { leastPulumiMinor } from "../dev/lab/versions";
import { OUR_PROTOCOL } from "../routes/linux";
import { stackValues } from "./support/configuration";

/** What must hold for the repository as a whole: over the files that git knows or would take up. */
const root = join(__dirname, "..");
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file && existsSync(join(root, file)));
const text = (file: string) => readFileSync(join(root, file), "utf8");
const typescript = files.filter((file) => /\.[cm]?ts$/.test(file));
const resources = files.filter(
  (file) => /^providers\/\w+\.ts$/.test(file) && text(file).includes("extends DynamicResource"),
);

/** The program itself, without what it is developed with. */
const product = typescript.filter((file) => /^(?!dev\/|__tests__\/|commands\/)[^/]+\//.test(file));

/** `file:line: match` of every match in every file. */
const matches = (pattern: RegExp, among = files) =>
  among.flatMap((file) => {
    const content = text(file);
    const line = (index: number) => content.slice(0, index).split("\n").length;
    return [...content.matchAll(pattern)].map((match) => `${file}:${line(match.index)}: ${match[0].split("\n")[0]}`);
  });

test("no private key", () => {
  expect(matches(/-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\\n|\s)*[A-Za-z0-9+/]{40}/g)).toEqual([]);
});

test("the lock file tells versions and hashes, not where they were downloaded", () => {
  expect(matches(/"resolved":.*|\S+\.tgz"/g, ["package-lock.json"])).toEqual([]);
});

test("no path of a developer's machine; a guest's own are its users'", () => {
  const homes = /(?<![\w.$}{~-])\/(?:root|Users\/\w+|home\/(?!debian\b|ubuntu\b|user\b)\w+)\/[\w.-]*/g;
  expect([...matches(homes), ...files.filter((file) => text(file).includes(`${root}/`))]).toEqual([]);
});

test("a TypeScript file has at most 300 lines", () => {
  const lengths = typescript.map((file) => ({ file, lines: text(file).trimEnd().split("\n").length }));
  expect(lengths.filter(({ lines }) => lines > 300)).toEqual([]);
});

test("the seven resources are there", () => {
  expect(resources.map((file) => file.replace(/^.*\/|\.ts$/g, "")).sort()).toEqual([
    "cloudInitIso",
    "hostRoute",
    "kubeadmCluster",
    "kubeadmJoinToken",
    "stackIdentity",
    "vboxVm",
    "workerJoin",
  ]);
});

test.each(resources)("%s exports its provider, and state names the file", (file) => {
  expect({
    provider: /^export (const provider\b|\{[^}]*\bprovider\b)/m.test(text(file)),
    module: /super\(\s*"([^"]+)"/.exec(text(file))?.[1],
  }).toEqual({ provider: true, module: file.replace(/\.ts$/, "") });
});

test("the table of changes has every key of the configuration", () => {
  const { config } = load(text("Pulumi.yaml")) as { config: Record<string, unknown> };
  const [, table = ""] = /\| change of \|.*\n([^]*?)\n\n/.exec(text("docs/configuration.md")) ?? [];
  expect(Object.keys(config).filter((key) => !table.includes(`\`${key}`))).toEqual([]);
});

test("the README names the least Pulumi CLI that Pulumi.yaml requires", () => {
  const { requiredPulumiVersion } = load(text("Pulumi.yaml")) as { requiredPulumiVersion: string };
  expect(requiredPulumiVersion).toBe(`>=3.${leastPulumiMinor}.0`);
  expect(text("README.md")).toContain(`3.${leastPulumiMinor} or later`);
});

test("the sudoers lines of docs/virtualbox.md are the commands that the program runs for the tutorial's routes", () => {
  const { routes } = stackValues("dev") as { routes: { destination: string; gateway: string; interface: string }[] };
  const commands = routes.flatMap(({ destination, gateway, interface: device }) =>
    ["add", "replace", "del"].map(
      (verb) => `/usr/sbin/ip route ${verb} ${destination} via ${gateway} dev ${device} proto ${OUR_PROTOCOL}`,
    ),
  );
  const lines = [...text("docs/virtualbox.md").matchAll(/^YOU ALL=\(root\) NOPASSWD: (.*)$/gm)].flatMap(([, line]) =>
    line!.split(", "),
  );
  expect(lines).toEqual(commands);
});

test("what docs/troubleshooting.md calls a symptom is what the program says", () => {
  const program = product.map(text).join("\n");
  const output = program.replace(/\$\{[^{}]*\}/g, "X");
  const [, table = ""] = /\| symptom \|.*\n([^]*?)\n\n/.exec(text("docs/troubleshooting.md")) ?? [];
  const symptoms = [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, symptom]) => symptom!);
  expect(symptoms.length).toBeGreaterThan(10);
  expect(symptoms.filter((symptom) => !output.includes(symptom))).toEqual([]);
});

/** A heading's anchor, as GitHub makes it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, "")
    .trim()
    .replaceAll(" ", "-");

test("every link of a document leads to a file and a heading that are there", () => {
  const documents = files.filter((file) => file.endsWith(".md"));
  const broken = documents.flatMap((file) =>
    [...text(file).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)]
      .filter(([, path, anchor]) => {
        const target = path === "" ? file : posix.join(posix.dirname(file), path!);
        if (!existsSync(join(root, target))) return true;
        return (
          anchor !== undefined &&
          ![...text(target).matchAll(/^#+ (.*)$/gm)].some(([, heading]) => anchorOf(heading!) === anchor)
        );
      })
      .map(([link]) => `${file}: ${link}`),
  );
  expect(broken).toEqual([]);
});

test("the README is short", () => {
  expect(text("README.md").split("\n").length).toBeLessThanOrEqual(130);
});

test("everything that the product exports has a doc comment, and so has every argument of a resource", () => {
  expect(product.flatMap(undocumented)).toEqual([]);
});

/** `file:line: name` of each exported declaration, and each member of an exported `…Args`, that has no doc comment. */
function undocumented(file: string): string[] {
  const source = ts.createSourceFile(file, text(file), ts.ScriptTarget.Latest, true);
  const exported = source.statements.filter((node) => ts.canHaveModifiers(node) && isExported(node));
  const args = exported.flatMap((node) =>
    ts.isInterfaceDeclaration(node) && node.name.text.endsWith("Args") ? [...node.members] : [],
  );
  return [...exported, ...args]
    .filter((node) => ts.getJSDocCommentsAndTags(node).length === 0)
    .map(
      (node) =>
        `${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${node.getText().split("\n")[0]}`,
    );
}

const isExported = (node: ts.HasModifiers) =>
  ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
