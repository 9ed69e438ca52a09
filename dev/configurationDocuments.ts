import { dump } from "js-yaml";
import { z } from "zod";
import { type Change, CHANGES, type Key } from "../config/keys/key";
import { sections } from "../config/schema";

// What is written from the configuration's schema, by `npm run docs`.

const all = () => Object.values(sections).flatMap((keys) => Object.entries<Key>(keys));

/**
 * The `config:` section of Pulumi.yaml: types, defaults and descriptions, by which the CLI checks and completes a
 * stack's values.
 */
export function projectSection(): string {
  const parts = Object.entries(sections).map(([title, keys]) =>
    [`  # ${title}`, ...Object.entries<Key>(keys).map(([name, key]) => projectKey(name, key))].join("\n"),
  );
  return `config:\n${parts.join("\n\n")}\n`;
}

function projectKey(name: string, { rule, byDefault, description }: Key): string {
  const { type, items } = typeOf(rule);
  const lines = [
    `type: ${type}`,
    ...(items ? [`items: { type: ${items} }`] : []),
    `default: ${yaml(byDefault)}`,
    `description: ${yaml(description)}`,
  ];
  return [`  ${name}:`, ...lines.map((line) => `    ${line}`)].join("\n");
}

/**
 * A value on one line. A text that needs quotes has those of JSON, which are easier to read where it has an apostrophe.
 */
function yaml(value: unknown): string {
  const text = dump(value, { flowLevel: 0, lineWidth: -1 }).trimEnd();
  return text.startsWith("'") ? JSON.stringify(value) : text;
}

/** A rule's type by Pulumi's names (Pulumi.yaml's `config`): string, integer, boolean, array or object. */
function typeOf(rule: z.ZodType): { type: string; items?: string } {
  const { type = "object", items } = z.toJSONSchema(rule, { unrepresentable: "any" }) as {
    type?: string;
    items?: { type?: string };
  };
  return type === "array" ? { type, items: items?.type ?? "object" } : { type };
}

/** What a change of each key means, as a Markdown table. */
export function changeTable(): string {
  const rows = Object.entries(CHANGES).map(
    ([change, meaning]) =>
      `| ${prefix(change as Change)}${all()
        .flatMap(([name, key]) => wordsFor(name, key, change as Change))
        .join(", ")} | ${meaning} |`,
  );
  return ["| change of | what happens |", "|---|---|", ...rows].join("\n");
}

function wordsFor(name: string, { change }: Key, wanted: Change): string[] {
  if (typeof change === "string") return change === wanted ? [`\`${name}\``] : [];
  const words = change[wanted];
  return words === undefined ? [] : [words];
}

const prefix = (change: Change) =>
  (({ machine: "the base image: ", content: "cloud-init content: " }) as Partial<Record<Change, string>>)[change] ?? "";

/** Every key with its type, default and description, as a Markdown table for each section. */
export function reference(): string {
  const sectionOf = (title: string, keys: object) =>
    [
      `### ${title}`,
      "",
      "| key | type | default | what |",
      "|---|---|---|---|",
      ...Object.entries(keys as Record<string, Key>).map(row),
    ].join("\n");
  return Object.entries(sections)
    .map(([title, keys]) => sectionOf(title, keys))
    .join("\n\n");
}

function row([name, { rule, byDefault, description }]: [string, Key]): string {
  const value = byDefault === "" ? "" : `\`${typeof byDefault === "string" ? byDefault : JSON.stringify(byDefault)}\``;
  return `| \`${name}\` | ${typeOf(rule).type} | ${value} | ${description.replaceAll("|", "\\|")} |`;
}
