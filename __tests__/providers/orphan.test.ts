import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const orphan = join(__dirname, "../../providers/orphan");

test.each([
  ["ends with the process that started it", "endWithParent()", false],
  ["would go on by itself", "undefined", true],
])("a process at work %s", async (_what, call, goesOn) => {
  const work = `require("tsx/cjs"); const { endWithParent } = require(${JSON.stringify(orphan)}); ${call}; setTimeout(() => {}, 60_000); console.log(process.pid)`;
  const parent = execFile("sh", ["-c", '"$0" -e "$1" & wait', process.execPath, work]);
  const [line] = (await once(parent.stdout!, "data")) as [string];
  const pid = Number(line);
  parent.kill("SIGKILL");
  for (let waited = 0; waited < 3_000 && existsSync(`/proc/${pid}`); waited += 100) await sleep(100);
  expect(existsSync(`/proc/${pid}`)).toBe(goesOn);
  if (goesOn) process.kill(pid, "SIGKILL");
});
