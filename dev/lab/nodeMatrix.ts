import { delimiter, join } from "node:path";
import { UserError } from "../../common/errors";
import { cached } from "./cache";
import { attach, run } from "./exec";
import { projectDir } from "./paths";
import { withProgress } from "./progress";
import { nodeVersions } from "./versions";

/** What takes long, and is the same program's on every Node.js: it runs on the one that `npm test` was started with. */
const SLOW = ["\\.real\\.test\\.ts$", "__tests__/(dev|scenarios/(causes|hostile))/"];

const log = (line: string) => console.log(line);

/**
 * `npm run test:node`: the quick tests on every supported major version of Node.js but the running one. Each comes from
 * the npm registry, as the package `node`, and is kept in the cache.
 */
async function testOnEach(): Promise<number> {
  const [running] = process.versions.node.split(".");
  for (const version of nodeVersions.filter((version) => version.split(".")[0] !== running)) {
    const folder = await nodeFolder(version);
    const environment = { PATH: [folder, process.env.PATH].join(delimiter) };
    log(`\nNode.js ${version}: ${await run(join(folder, "node"), ["--version"])}`);
    const exitCode = await attach(
      join(folder, "node"),
      ["node_modules/jest/bin/jest.js", ...SLOW.map((pattern) => `--testPathIgnorePatterns=${pattern}`)],
      { cwd: projectDir, env: environment },
    );
    if (exitCode !== 0) return exitCode;
  }
  return 0;
}

/** The folder with this version's `node`. */
async function nodeFolder(version: string): Promise<string> {
  const install = (folder: string) =>
    run("npm", ["install", "--silent", "--no-save", "--no-audit", "--no-fund", "--prefix", folder, `node@${version}`]);
  const folder = await cached(
    `node-${version}`,
    (part) => withProgress(`installing Node.js ${version}`, log, async () => void (await install(part))),
    log,
  );
  return join(folder, "node_modules/node/bin");
}

testOnEach().then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    console.error(error instanceof UserError ? `error: ${error.message}` : error);
    process.exitCode = 1;
  },
);
