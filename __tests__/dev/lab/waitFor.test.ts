import { waitFor } from "../../../dev/lab/waitFor";

const late = () => new Error("late");

test("looks until there is something", async () => {
  const readOnly = [undefined, undefined, "found"];
  await expect(waitFor(() => readOnly.shift(), late, { timeoutMs: 60_000, intervalMs: 1 })).resolves.toBe("found");
});

test("false and 0 are something", async () => {
  await expect(waitFor(() => false, late, { timeoutMs: 0 })).resolves.toBe(false);
});

test("looks at least once, and then throws the given error", async () => {
  const look = jest.fn(() => undefined);
  await expect(waitFor(look, late, { timeoutMs: 0 })).rejects.toThrow("late");
  expect(look).toHaveBeenCalledTimes(1);
});
