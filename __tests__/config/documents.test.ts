import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { changeTable, projectSection, reference } from "../../dev/configurationDocuments";

// Pulumi.yaml and docs/configuration.md have what the schema has: `npm run docs` writes it there.
const root = join(__dirname, "../..");

test.each<[string, RegExp, () => string]>([
  ["Pulumi.yaml", /^config:\n[^]*$/m, projectSection],
  ["docs/configuration.md", /(?<=<!-- Changes[^\n]*-->\n\n)[^]*?(?=\n\n<!-- End -->)/, changeTable],
  ["docs/configuration.md", /(?<=<!-- Keys[^\n]*-->\n\n)[^]*?(?=\n\n<!-- End -->)/, reference],
])("%s has what the schema has: %p", (name, part, write) => {
  const file = join(root, name);
  const text = readFileSync(file, "utf8");
  expect(text).toMatch(part);
  const expected = text.replace(part, write);
  if (process.env.UPDATE_DOCS) writeFileSync(file, expected);
  else expect(text).toBe(expected);
});
