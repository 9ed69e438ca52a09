import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isoImage } from "../../cloudinit/iso9660/image";
import { operations } from "../../providers/engine";
import { renderOptions } from "../support/cloudInit";
import {
  checked,
  created,
  folder,
  path,
  refreshed,
  type State,
  testProvider,
  useIsoResource,
} from "../support/isoResource";

useIsoResource();

const diff = async (state: State, given: object = {}) =>
  operations.diff(testProvider, path, state, await checked(given));
const update = async (state: State, given: object = {}) =>
  (await operations.update(testProvider, path, state, await checked(given))).outs as object as State;

test("create writes a private file in a private folder", async () => {
  const state = await created();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, "stack")).mode & 0o777).toBe(0o700);
  expect(readdirSync(join(folder, "stack"))).toEqual(["kube-node01.iso"]);
  expect(state).toMatchObject({
    path,
    reboots: true,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    instanceId: expect.stringMatching(/^kube-node01-/),
  });
  const text = readFileSync(path, "utf8");
  for (const line of state.hostPrivateKey.trim().split("\n")) expect(text).toContain(line);
  expect(text).toContain(state.hostPublicKey);
  expect(await diff(state)).toMatchObject({ changes: false });
});

test("two machines never share a host key", async () => {
  const first = await created();
  expect((await created({ path: join(folder, "other.iso") })).hostPublicKey).not.toBe(first.hostPublicKey);
});

test("create goes on where an interrupted one ended", async () => {
  await created();
  writeFileSync(`${path}.part-${process.pid}`, "half");
  const state = await created();
  expect(await refreshed(state)).toEqual(state);
  expect(readdirSync(join(folder, "stack"))).toEqual(["kube-node01.iso"]);
});

test("what a killed create left half-written is removed by the next one, and by delete", async () => {
  const part = `${path}.part-1`;
  mkdirSync(join(folder, "stack"), { mode: 0o700 });
  writeFileSync(part, "half");
  const state = await created();
  expect(existsSync(part)).toBe(false);
  writeFileSync(part, "half");
  await operations.delete(testProvider, path, state);
  expect(existsSync(part)).toBe(false);
});

test("create does not touch another program's file", async () => {
  mkdirSync(join(folder, "stack"));
  writeFileSync(path, "mine");
  await expect(created()).rejects.toThrow(`kube-node01: ${path} is there already, and was not made by this program`);
  expect(readFileSync(path, "utf8")).toBe("mine");
});

test("create says why it cannot write", async () => {
  writeFileSync(join(folder, "stack"), "a file");
  await expect(created()).rejects.toThrow(`kube-node01: the ISO ${path} could not be`);
});

test("a change of content is written with the same host key", async () => {
  const state = await created();
  expect(await diff(state, { timezone: "Europe/Vienna" })).toMatchObject({ changes: true, replaces: [] });
  const changed = await update(state, { timezone: "Europe/Vienna" });
  expect(changed).toMatchObject({ hostPublicKey: state.hostPublicKey, hostPrivateKey: state.hostPrivateKey });
  expect(changed.sha256).not.toBe(state.sha256);
  expect(changed.instanceId).not.toBe(state.instanceId);
});

test("another path moves the file", async () => {
  const state = await created();
  const moved = await update(state, { path: join(folder, "moved", "here.iso") });
  expect(moved.sha256).toBe(state.sha256);
  expect(existsSync(moved.path)).toBe(true);
  expect(existsSync(path)).toBe(false);
});

test("another name replaces", async () => {
  expect(await diff(await created(), { name: "kube-node02" })).toMatchObject({
    replaces: ["name"],
    deleteBeforeReplace: true,
  });
});

test.each([
  ["missing", () => rmSync(path)],
  ["altered", () => writeFileSync(path, isoImage("cidata", {}))],
  ["readable by others", () => chmodSync(path, 0o644)],
])("a file that is %s is rewritten, the very same", async (_, spoil) => {
  const state = await created();
  spoil();
  const seen = await refreshed(state);
  expect(seen).toMatchObject({ intact: false, hostPublicKey: state.hostPublicKey });
  expect(await diff(seen)).toMatchObject({ changes: true, replaces: [] });
  expect(await update(seen)).toEqual(state);
  expect(await refreshed(state)).toEqual(state);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("delete removes the file and our folder, and succeeds where nothing is left", async () => {
  const state = await created();
  chmodSync(folder, 0o755); // not as we make them
  await operations.delete(testProvider, path, state);
  expect(readdirSync(folder)).toEqual([]);
  await operations.delete(testProvider, path, state);
  expect(readdirSync(folder)).toEqual([]);
});

test("delete leaves other files alone, and their folder", async () => {
  const state = await created();
  writeFileSync(join(folder, "stack", "kube-node02.iso"), "");
  await operations.delete(testProvider, path, state);
  expect(readdirSync(join(folder, "stack"))).toEqual(["kube-node02.iso"]);
  writeFileSync(path, "mine");
  await operations.delete(testProvider, path, state);
  expect(readFileSync(path, "utf8")).toBe("mine");
  expect(console.log).toHaveBeenCalledWith(
    `kube-node01: warning: ${path} stays: it is not the file that was written there`,
  );
});

test("check names the property and what to give", async () => {
  const inputs = { ...renderOptions(), path: "cidata.iso", name: "Node" };
  expect((await operations.check(testProvider, {}, inputs)).failures).toEqual([
    { property: "name", reason: expect.stringContaining("a host name of RFC 1123") },
    { property: "path", reason: '"cidata.iso" will not do; give an absolute path that ends with .iso' },
  ]);
});
