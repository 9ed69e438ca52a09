import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { endAllRecorded, endProcess, endRecorded, pidFile, recordedPid } from "../../../dev/lab/processes";

const lab = mkdtempSync(join(tmpdir(), "lab-"));
jest.mock("../../../dev/lab/paths", () => ({ labDir: () => lab }));

const children: ChildProcess[] = [];
afterEach(() => children.splice(0).forEach((child) => child.kill("SIGKILL")));

/** A process with this argument, which does nothing. */
async function idle(argument: string) {
  const program = "process.stdout.write('x'); setInterval(() => {}, 60_000)";
  const child = spawn(process.execPath, ["-e", program, argument], { stdio: ["ignore", "pipe", "ignore"] });
  children.push(child);
  await once(child.stdout, "data");
  return child;
}

function record(name: string, pid: number) {
  mkdirSync(dirname(pidFile(name)), { recursive: true });
  writeFileSync(pidFile(name), `${pid}\n`);
}

test("a recorded process is found and ended", async () => {
  const child = await idle(pidFile("one"));
  const ended = once(child, "exit");
  record("one", child.pid!);
  expect(recordedPid("one")).toBe(child.pid);
  await endRecorded("one");
  expect(await ended).toEqual([null, "SIGTERM"]);
  expect(recordedPid("one")).toBeUndefined();
});

test("another process of the recorded id is left alone", async () => {
  const child = await idle("something else");
  record("two", child.pid!);
  expect(recordedPid("two")).toBeUndefined();
  await endRecorded("two");
  expect(child.signalCode).toBeNull();
  await endProcess(child.pid!, "the other process");
});

test("no record, an empty one and one of process 1 are no process", async () => {
  expect(recordedPid("three")).toBeUndefined();
  record("three", Number.NaN);
  expect(recordedPid("three")).toBeUndefined();
  record("three", 1);
  await expect(endRecorded("three")).resolves.toBeUndefined();
});

test("all recorded processes are ended", async () => {
  const children = [await idle(pidFile("four")), await idle(pidFile("five"))];
  record("four", children[0]!.pid!);
  record("five", children[1]!.pid!);
  await endAllRecorded();
  expect(["four", "five"].map(recordedPid)).toEqual([undefined, undefined]);
  expect(readdirSync(dirname(pidFile("any")))).toEqual([]);
});
