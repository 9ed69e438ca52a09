import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";

// docs/configuration.md has what Pulumi.yaml says of each key: `npm run docs` writes it there.
const root = join(__dirname, "../..");
const file = join(root, "docs/configuration.md");
const project = readFileSync(join(root, "Pulumi.yaml"), "utf8");

interface Key {
  type: string;
  default: unknown;
  description: string;
}

/** Links from a key's row to where more is said. */
const links: Readonly<Record<string, string>> = { containerRuntime: "docker.md", dockerPackage: "docker.md", criDockerdUrl: "docker.md", criDockerdSha256: "docker.md" };

/** The keys under each of Pulumi.yaml's headings, which are comments. */
function sections(): { title: string; keys: string[] }[] {
  const [, config = ""] = project.split(/^config:\n/m);
  return config.split(/^ {2}# /m).slice(1).map((part) => ({ title: part.split("\n")[0]!, keys: [...part.matchAll(/^ {2}(\w+):$/gm)].map(([, key]) => key!) }));
}

function reference(): string {
  const { config } = load(project) as { config: Record<string, Key> };
  const row = (key: string) => {
    const { type, default: byDefault, description } = config[key]!;
    const value = byDefault === "" ? "" : `\`${typeof byDefault === "string" ? byDefault : JSON.stringify(byDefault)}\``;
    const more = links[key] === undefined ? "" : ` See [${links[key].replace(".md", "")}](${links[key]}).`;
    return `| \`${key}\` | ${type} | ${value} | ${description.replaceAll("|", "\\|")}${more} |`;
  };
  return sections().map(({ title, keys }) => [`### ${title}`, "", "| key | type | default | what |", "|---|---|---|---|", ...keys.map(row)].join("\n")).join("\n\n");
}

test("docs/configuration.md describes every key as Pulumi.yaml does", () => {
  const text = readFileSync(file, "utf8");
  const [before] = text.split(/(?<=<!-- Written from Pulumi\.yaml[^\n]*-->\n)/);
  const expected = `${before}\n${reference()}\n`;
  if (process.env.UPDATE_DOCS) writeFileSync(file, expected);
  else expect(text).toBe(expected);
});

test("every key of Pulumi.yaml is under one of its headings", () => {
  const { config } = load(project) as { config: Record<string, Key> };
  expect(sections().flatMap(({ keys }) => keys)).toEqual(Object.keys(config));
});
