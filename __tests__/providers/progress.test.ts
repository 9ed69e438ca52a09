import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Durations } from "../../common/durations";
import { withUrn } from "../../providers/callUrn";
import { endProgress, forgetProgress, logOf } from "../../providers/progress";
import { fakeEngine } from "../support/fakeEngine";

const URN = "urn:pulumi:dev::kube::vbox:Vm::n1";
const TWIN = "urn:pulumi:dev::kube::vbox:Vm::n2";

let engine: Awaited<ReturnType<typeof fakeEngine>>;
let cache: string;
let now: number;
const before = { cache: process.env.XDG_CACHE_HOME, address: process.argv[2] };

beforeEach(async () => {
  engine = await fakeEngine();
  cache = mkdtempSync(join(tmpdir(), "progress-"));
  process.env.XDG_CACHE_HOME = cache;
  process.argv[2] = engine.address;
  now = 0;
  jest.spyOn(performance, "now").mockImplementation(() => now);
});
afterEach(() => {
  jest.restoreAllMocks();
  forgetProgress();
  engine.end();
  rmSync(cache, { recursive: true });
  if (before.cache === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before.cache;
  process.argv[2] = before.address!;
});

const onTerminal = (is: boolean) => forgetProgress(is);

/** An operation on a resource, and what the engine was told by its end. */
async function told(work: (log: ReturnType<typeof logOf>) => void, { urn = URN, isDone = true } = {}) {
  await withUrn(urn, async () => {
    work(logOf("n1"));
    await endProgress(isDone);
  });
  return engine.lines.splice(0);
}

/** Takes some seconds. */
const takes = (seconds: number) => void (now += seconds * 1000);

test("on a terminal a text goes to its resource's row, and is nothing that lasts", async () => {
  onTerminal(true);
  expect(await told((log) => log("starting"))).toEqual([
    `${URN} info/1 ephemeral: starting`,
    `${URN} info/1 ephemeral: done`,
  ]);
});

test("elsewhere it is a line with the resource's name, on its row too", async () => {
  onTerminal(false);
  expect(await told((log) => log("starting"))).toEqual([
    `${URN} info/1 ephemeral: n1: starting`,
    `${URN} info/1 ephemeral: n1: done`,
  ]);
});

test.each([
  [true, "a stays"],
  [false, "n1: a stays"],
])("a warning lasts, on a terminal (%s) too", async (isTerminal, text) => {
  onTerminal(isTerminal);
  expect(await told((log) => log("a stays", "warning"))).toEqual([`${URN} warning/0: ${text}`]);
});

test("a result stays, and so does what an operation was doing when it failed", async () => {
  onTerminal(true);
  expect((await told((log) => log("Ready, v1.36.3"))).at(-1)).toBe(`${URN} info/1 ephemeral: Ready, v1.36.3`);
  expect(await told((log) => log("starting"), { isDone: false })).toEqual([`${URN} info/1 ephemeral: starting`]);
});

test("a line shows how long it has been so, across its details", async () => {
  onTerminal(true);
  const lines = await told((log) => {
    log("waiting for cloud-init: running");
    takes(42);
    log("waiting for cloud-init: its reboot is still to come");
    takes(3600);
    log("waiting for cloud-init");
    log("starting");
  });
  expect(lines.map((line) => line.replace(/^.*ephemeral: /, ""))).toEqual([
    "waiting for cloud-init: running",
    "waiting for cloud-init, 0:42: its reboot is still to come",
    "waiting for cloud-init, 1:00:42",
    "starting",
    "done",
  ]);
});

test("the time goes on by itself on a terminal, and nowhere else", async () => {
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask", "performance"] });
  const seen = () =>
    told((log) => {
      log("starting");
      takes(2);
      jest.advanceTimersByTime(1000);
    });
  onTerminal(true);
  expect(await seen()).toContain(`${URN} info/1 ephemeral: starting, 0:02`);
  onTerminal(false);
  expect(await seen()).toHaveLength(2);
  jest.useRealTimers();
});

test("what succeeded is timed for the other resources of its type, and what failed is not", async () => {
  onTerminal(true);
  const wait = (seconds: number) => (log: ReturnType<typeof logOf>) => {
    log("waiting for cloud-init: running");
    takes(seconds);
  };
  await told(wait(300), { isDone: false });
  await told(wait(2)); // Too short to be of interest.
  expect((await told(wait(90)))[0]).not.toContain("usually");
  expect((await told(wait(0), { urn: TWIN }))[0]).toBe(
    `${TWIN} info/1 ephemeral: waiting for cloud-init, usually 1:30: running`,
  );
  expect((await told(wait(0), { urn: URN.replace("dev", "other") }))[0]).not.toContain("usually");
});

test("no secret and nothing that a terminal obeys gets to the engine", async () => {
  onTerminal(true);
  const words = `reading ${["abcdef", "0123456789abcdef"].join(".")}\u001b[2J\nkube-mast01: Ready`;
  for (const kind of [undefined, "warning"] as const)
    expect((await told((log) => log(words, kind)))[0]).toMatch(
      /: reading abcdef\.<redacted>\\u\{1b\}\[2J\n {4}kube-mast01: Ready$/,
    );
});

test("without a URN, or an engine that answers, it is printed with the name", async () => {
  onTerminal(true);
  const log = jest.spyOn(console, "log").mockReturnValue();
  logOf("n1")("starting");
  logOf("n1")("a stays", "warning");
  engine.end();
  await told((log) => log("starting"));
  expect(log.mock.calls.flat()).toEqual(["n1: starting", "n1: warning: a stays", "n1: starting", "n1: done"]);
});

describe("durations", () => {
  const file = () => join(cache, "vbox-kubeadm/durations.json");

  test("usual is the median of the last five", () => {
    const durations = new Durations();
    for (const ms of [1e6, 10, 30, 20, 50, 40]) durations.add("a", ms);
    expect(durations.usual("a")).toBe(30);
    expect(new Durations().usual("b")).toBeUndefined();
  });
  test("the file is the user's alone, says nothing of what was done, and does not grow without bounds", () => {
    const durations = new Durations();
    for (let i = 0; i < 510; i++) durations.add(`cloning ${i}`, i);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(readFileSync(file(), "utf8")).not.toContain("cloning");
    expect(durations.usual("cloning 9")).toBeUndefined();
    expect(durations.usual("cloning 10")).toBe(10);
  });
  test.each(["", "{", "[]", '{"a":"b"}', '{"a":[-1]}', "null"])("a file with %j counts as none", (text) => {
    mkdirSync(join(cache, "vbox-kubeadm"), { recursive: true });
    writeFileSync(file(), text);
    const durations = new Durations();
    expect(durations.usual("a")).toBeUndefined();
    durations.add("a", 1);
    expect(durations.usual("a")).toBe(1);
  });
  test("a folder that cannot be written to fails nothing", () => {
    writeFileSync(join(cache, "vbox-kubeadm"), "no folder");
    expect(() => new Durations().add("a", 1)).not.toThrow();
  });
});
