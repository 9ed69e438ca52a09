import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cached } from "../../../dev/lab/cache";

const cache = mkdtempSync(join(tmpdir(), "cache-"));
const folder = join(cache, "thing-1");
const log = jest.fn();
const make = jest.fn((part: string) => writeFile(join(part, "program"), "whole"));

beforeAll(() => (process.env.VBOX_KUBEADM_CACHE = cache));
beforeEach(() => {
  jest.clearAllMocks();
  rmSync(folder, { recursive: true, force: true });
});
afterAll(() => {
  delete process.env.VBOX_KUBEADM_CACHE;
  rmSync(cache, { recursive: true });
});

test("makes what is missing, once", async () => {
  expect(await cached("thing-1", make, log)).toBe(folder);
  expect(await cached("thing-1", make, log)).toBe(folder);
  expect(make).toHaveBeenCalledTimes(1);
  expect(readFileSync(join(folder, "program"), "utf8")).toBe("whole");
  expect(readdirSync(cache)).toEqual(["thing-1"]);
});

test("of two that want the same thing one makes it and the other waits", async () => {
  const both = await Promise.all([cached("thing-1", make, log), cached("thing-1", make, log)]);
  expect(both).toEqual([folder, folder]);
  expect(make).toHaveBeenCalledTimes(1);
  expect(log).toHaveBeenCalledWith(expect.stringContaining("waiting"));
});

test("a failure leaves nothing, and the next run tries again", async () => {
  make.mockRejectedValueOnce(new Error("no space"));
  await expect(cached("thing-1", make, log)).rejects.toThrow("no space");
  expect(readdirSync(cache)).toEqual([]);
  await cached("thing-1", make, log);
  expect(existsSync(folder)).toBe(true);
});

test("what an interrupted run left behind is thrown away, and nothing else", async () => {
  mkdirSync(join(cache, "thing-1.part-99999"));
  mkdirSync(join(cache, "thing-10.part-99999"));
  await cached("thing-1", make, log);
  expect(readdirSync(cache)).toEqual(["thing-1", "thing-10.part-99999"]);
});
