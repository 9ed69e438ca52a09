import { Rolling } from "../../providers/rolling";

const log = () => {};
/** Whether a promise is settled after everything that could run has run. */
const isSettled = async (promise: Promise<unknown>) => {
  let settled = false;
  void promise.then(() => (settled = true), () => (settled = true));
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
};

test("who is not to be replaced just leaves", async () => {
  const rolling = new Rolling();
  await rolling.leave("a", log);
  await rolling.leave("b", log);
});

test("one leaves when the one before is back", async () => {
  const rolling = new Rolling();
  for (const name of ["a", "b", "c"]) rolling.announce(name);
  await rolling.leave("a", log);
  const [b, c] = [rolling.leave("b", log), rolling.leave("c", log)];
  expect(await isSettled(b)).toBe(false);
  rolling.back("a");
  expect(await isSettled(b)).toBe(true);
  expect(await isSettled(c)).toBe(false);
  rolling.back("b");
  expect(await isSettled(c)).toBe(true);
});

test("after a failure nobody else leaves", async () => {
  const rolling = new Rolling();
  for (const name of ["a", "b"]) rolling.announce(name);
  await rolling.leave("a", log);
  const b = rolling.leave("b", log);
  rolling.fail("a");
  await expect(b).rejects.toThrow("b was left as it is: a failed");
});
