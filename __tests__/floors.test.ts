import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// `npm test` checks the floors themselves; this shows that the check finds an arrow that is not permitted.
const root = join(__dirname, "..");
let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "floors-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** What the check reports where `floor` may not import from `withdrawn`. */
function violations(floor: string, withdrawn: string): string {
  const config = join(folder, "config.cjs");
  writeFileSync(
    config,
    `const config = require(${JSON.stringify(join(root, ".dependency-cruiser.cjs"))});
    const { to } = config.forbidden.find(({ name }) => name === "floor-${floor}");
    to.pathNot = to.pathNot.map((pattern) => pattern.replace("|${withdrawn}", ""));
    module.exports = config;`,
  );
  try {
    return execFileSync(
      process.execPath,
      ["node_modules/dependency-cruiser/bin/dependency-cruise.mjs", "--config", config, "access", "ssh", "common"],
      { cwd: root, encoding: "utf8" },
    );
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

test("an import from a folder that is not permitted is found", () => {
  expect(violations("access", "ssh")).toMatch(/error floor-access: access\/bastion\.ts → ssh\//);
});

test("as it is, nothing is found", () => {
  expect(violations("access", "none")).toContain("no dependency violations found");
});
