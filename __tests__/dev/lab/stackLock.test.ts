import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { takeUpStack } from "../../../dev/lab/stackLock";
import { onHost } from "../../../dev/lab/stack";

const lab = mkdtempSync(join(tmpdir(), "lab-"));
jest.mock("../../../dev/lab/paths", () => ({
  ...jest.requireActual<object>("../../../dev/lab/paths"),
  labDir: () => lab,
}));
jest.mock("../../../dev/lab/stack", () => ({
  ...jest.requireActual<object>("../../../dev/lab/stack"),
  onHost: jest.fn(() => Promise.resolve(0)),
}));

afterEach(() => jest.mocked(onHost).mockClear());
afterAll(() => rmSync(lab, { recursive: true }));

/** Pulumi's lock, as its file backend writes it beside a file of attributes. */
function lockedBy(
  pid: number,
  lock = JSON.stringify({ pid, username: "root", hostname: "vm", timestamp: "2026-11-25T17:50:39Z" }),
) {
  const folder = join(lab, "pulumi/.pulumi/locks/organization/vbox-kubeadm/lab");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "0ba960de.json"), lock);
  writeFileSync(join(folder, "0ba960de.json.attrs"), "{}");
}

const commands = () => jest.mocked(onHost).mock.calls.map(([, , [command]]) => command);

test("a stack that nobody has locked is left alone", async () => {
  await takeUpStack("/pulumi", () => {});
  expect(commands()).toEqual([]);
});

test("a stack that a killed Pulumi has locked is unlocked and refreshed", async () => {
  lockedBy(2 ** 22 + 1); // more than Linux gives out
  await takeUpStack("/pulumi", () => {});
  expect(commands()).toEqual(["cancel", "refresh"]);
});

test("what fails of that is told, and holds nothing up; a lock that is half written is nobody's", async () => {
  lockedBy(0, '{"pid": 12');
  jest.mocked(onHost).mockResolvedValueOnce(0).mockResolvedValueOnce(255);
  const lines: string[] = [];
  await takeUpStack("/pulumi", (line) => lines.push(line));
  expect(commands()).toEqual(["cancel", "refresh"]);
  expect(lines).toEqual([expect.stringContaining("unlocking"), "pulumi refresh failed; going on all the same"]);
});

test("a stack that a Pulumi works on is left alone", async () => {
  const pulumi = spawn("sleep", ["60"], { argv0: "pulumi" });
  await once(pulumi, "spawn");
  lockedBy(pulumi.pid!);
  await takeUpStack("/pulumi", () => {});
  pulumi.kill();
  expect(commands()).toEqual([]);
});
