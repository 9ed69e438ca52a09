import { Rolling } from "../../providers/rolling";

const log = () => {};
const TIMES = { look: 2, gap: 20, idle: 1_000 };
const settle = () => new Promise((resolve) => setTimeout(resolve, 5 * TIMES.gap));
/** Whether a promise is settled after everything that could run has run. */
const isSettled = async (promise: Promise<unknown>) => {
  let settled = false;
  void promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  await settle();
  return settled;
};
const replacing = (names: readonly string[], times = TIMES) => {
  const rolling = new Rolling(times);
  for (const name of names) rolling.announce(name);
  return rolling;
};

test("who is not to be replaced just leaves, whoever is away or at work", async () => {
  const rolling = replacing(["a"]);
  await rolling.leave("a", log);
  void rolling.work("b", () => new Promise(() => {}));
  expect(await isSettled(rolling.leave("c", log))).toBe(true);
});

test("one leaves when the one before is back", async () => {
  const rolling = replacing(["a", "b", "c"]);
  const lines: string[] = [];
  await rolling.leave("a", log);
  const b = rolling.leave("b", (line) => lines.push(line));
  expect(await isSettled(b)).toBe(false);
  rolling.back("a");
  expect(await isSettled(b)).toBe(true);
  const c = rolling.leave("c", log);
  expect(await isSettled(c)).toBe(false);
  rolling.back("b");
  expect(await isSettled(c)).toBe(true);
  expect(lines).toEqual(["waiting for a: workers are replaced one at a time"]);
});

test("a departure that is done again, as after a lost connection, goes on, and the others still wait", async () => {
  const rolling = replacing(["a", "b"]);
  await rolling.leave("a", log);
  const b = rolling.leave("b", log);
  await rolling.leave("a", log);
  expect(await isSettled(b)).toBe(false);
  rolling.back("a");
  expect(await isSettled(b)).toBe(true);
});

test("nobody leaves while something is done on another: it is not there as yet", async () => {
  const rolling = replacing(["b"]);
  let end = () => {};
  const work = () => rolling.work("a", () => new Promise<void>((resolve) => (end = resolve)));
  const vm = work();
  const b = rolling.leave("b", log);
  expect(await isSettled(b)).toBe(false);
  end();
  await vm;
  const join = work();
  expect(await isSettled(b)).toBe(false);
  end();
  await join;
  expect(await isSettled(b)).toBe(true);
});

test("a worker that was never there before holds up nobody", async () => {
  const rolling = replacing(["b"]);
  rolling.welcome("a");
  void rolling.work("a", () => new Promise(() => {}));
  expect(await isSettled(rolling.leave("b", log))).toBe(true);
});

test("those that wait do not wait for each other, though each is in the middle of an operation", async () => {
  const rolling = replacing(["a", "b"]);
  const both = ["a", "b"].map((name) => rolling.work(name, () => rolling.leave(name, log)));
  expect(await isSettled(Promise.any(both))).toBe(true);
  expect(await isSettled(Promise.all(both))).toBe(false);
});

test("after a failure nobody else leaves", async () => {
  const rolling = replacing(["a", "b"]);
  await rolling.leave("a", log);
  const b = rolling.leave("b", log);
  rolling.fail("a");
  await expect(b).rejects.toThrow("b was left as it is: a failed");
});

test("nobody waits for one that does not come back", async () => {
  const rolling = replacing(["a", "b"], { ...TIMES, idle: 50 });
  await rolling.leave("a", log);
  await expect(rolling.leave("b", log)).rejects.toThrow("b was left as it is: a has left and is not coming back");
});

describe("before a worker leaves", () => {
  const unfit = () => Promise.reject(new Error("not fit"));

  test("its successor is looked at, where its machine is recreated, and not before its turn", async () => {
    const rolling = replacing(["a"]);
    rolling.announce("b", true);
    const look = jest.fn(unfit);
    rolling.expect("b", "vm", look);
    await rolling.leave("a", log);
    const b = rolling.leave("b", log);
    expect(await isSettled(b)).toBe(false);
    expect(look).not.toHaveBeenCalled();
    rolling.back("a");
    await expect(b).rejects.toThrow("not fit");
    expect(look).toHaveBeenCalledTimes(1);
  });

  test("the last look at each thing counts, and one that just joins again needs none", async () => {
    const rolling = replacing(["a", "b"]);
    rolling.expect("a", "vm", unfit);
    await rolling.leave("a", log);
    rolling.back("a");
    rolling.announce("b", true);
    rolling.expect("b", "vm", unfit);
    rolling.expect("b", "vm", () => Promise.resolve());
    await rolling.leave("b", log);
    expect([rolling.isRejoining("a"), rolling.isRejoining("b")]).toEqual([false, false]);
  });

  test("one that is not fit has not left: it is looked at again when it is tried again", async () => {
    const rolling = new Rolling(TIMES);
    rolling.announce("a", true);
    rolling.expect("a", "vm", unfit);
    await expect(rolling.leave("a", log)).rejects.toThrow("not fit");
    await expect(rolling.checkSuccessor("a")).rejects.toThrow("not fit");
    rolling.expect("a", "vm", () => Promise.resolve());
    await rolling.leave("a", log);
    rolling.expect("a", "vm", unfit);
    await rolling.checkSuccessor("a");
  });
});
