import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isoImage } from "../../cloudinit/iso9660/image";
import { cloudInitIsoProvider } from "../../providers/cloudInitIso";
import { withTemplates } from "../../providers/cloudInitTemplates";
import { operations } from "../../providers/engine";
import { renderOptions } from "../support/cloudInit";
import { SimulatedVirtualBox } from "../support/simulatedVirtualBox";

const boxes = mkdtempSync(join(tmpdir(), "boxes-"));
afterAll(() => rmSync(boxes, { recursive: true }));

let testProvider: never;
let folder: string;
let path: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "iso-"));
  path = join(folder, "stack", "kube-node01.iso");
  testProvider = cloudInitIsoProvider((await SimulatedVirtualBox.make(boxes)).exec) as never;
  jest.spyOn(console, "log").mockImplementation(() => undefined);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type State = Record<string, unknown> & {
  name: string;
  path: string;
  sha256: string;
  hostPrivateKey: string;
  hostPublicKey: string;
  instanceId: string;
};

async function checked(given: object = {}): Promise<State> {
  const { inputs, failures } = await operations.check(testProvider, {}, { ...renderOptions(), path, ...given });
  expect(failures).toEqual([]);
  return inputs as State;
}
const created = async (given: object = {}) => (await operations.create(testProvider, await checked(given))).outs as object as State;
const diff = async (state: State, given: object = {}) => operations.diff(testProvider, path, state, await checked(given));
const update = async (state: State, given: object = {}) =>
  (await operations.update(testProvider, path, state, await checked(given))).outs as object as State;
const refreshed = async (state: State) => (await operations.read(testProvider, path, state)).props as object as State;

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
  expect(await diff(await created(), { name: "kube-node02" })).toMatchObject({ replaces: ["name"], deleteBeforeReplace: true });
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
  expect(console.log).toHaveBeenCalledWith(`kube-node01: ${path} stays: it is not the file that was written there`);
});

test("check names the property and what to give", async () => {
  const inputs = { ...renderOptions(), path: "cidata.iso", name: "Node" };
  expect((await operations.check(testProvider, {}, inputs)).failures).toEqual([
    { property: "name", reason: expect.stringContaining("a host name of RFC 1123") },
    { property: "path", reason: '"cidata.iso" will not do; give an absolute path that ends with .iso' },
  ]);
});

describe("the program's side", () => {
  const given = {
    name: "kube-node01",
    zone: "kube.demo",
    path: "/tmp/x.iso",
    sshPublicKey: "k",
    macAddresses: ["080027A1B2C3"],
    kubernetesVersion: "1.36.3",
  };

  test("has the templates' texts as inputs", () => {
    const inputs = withTemplates({ ...given, distro: "ubuntu", reboot: false });
    expect(inputs).toMatchObject({
      distro: "ubuntu",
      userData: expect.stringContaining("needrestart"),
      networkConfig: expect.stringContaining("${ethernets}"),
    });
    expect(inputs.userData).not.toContain("power_state");
    expect(inputs).not.toHaveProperty("containerRuntime");
  });

  test("lays out what is configured", () => {
    const { userData } = withTemplates({ ...given, sshCaPublicKey: "k", debianMirror: "http://mirror" });
    for (const part of ["power_state", "TrustedUserCAKeys", "${debianMirror}", "install-containerd"]) expect(userData).toContain(part);
  });

  test("wants cri-dockerd with docker", () => {
    expect(() => withTemplates({ ...given, containerRuntime: "docker" })).toThrow("→ give criDockerdUrl");
  });
});

describe("templates of another version of the program", () => {
  const macAddresses = ["080027A1B2C3", "080027A1B2C4"];
  const networkConfig = "version: 2\nethernets: ${ethernets}\n";
  const metaData = "instance-id: ${instanceId}\nlocal-hostname: ${name}\n";
  const userData = readFileSync(join(__dirname, "../cloudinit/recordings/user-data-0.1.0.yaml"), "utf8");
  /** What version 0.1.0 had in its state. */
  const before = { macAddresses, userData, metaData, networkConfig, sources: undefined };
  const given = () => ({ ...renderOptions(), path, macAddresses });
  const check = async (olds: object, news: object) => (await operations.check(testProvider, olds as never, { ...given(), ...news })).inputs as State;
  const ours = (choice = {}) => withTemplates({ ...given(), ...choice });
  const ofOurs = { userData: undefined, metaData: undefined, networkConfig: undefined };

  test("stay, so that no machine is recreated; a file that was lost comes back as it was, byte by byte", async () => {
    const state = await created(before);
    expect(state.instanceId).toMatch(/^kube-node01-[0-9a-f]{16}$/);
    const news = await check(state, ours(ofOurs));
    expect(news.userData).toBe(userData);
    expect(await operations.diff(testProvider, path, state, news)).toMatchObject({ changes: false });
    rmSync(path);
    const { outs } = await operations.update(testProvider, path, await refreshed(state), news);
    expect((outs as object as State).sha256).toBe(state.sha256);
  });

  const pinned = { kubernetesVersion: "1.36.3" };
  const repository = { kubernetesRepository: "https://pkgs.k8s.io/core:/stable:/v1.36/deb/" };
  test.each<[string, object, object]>([
    ["the version that was the default", { ...pinned }, pinned],
    ["the version that was chosen, which only the outputs tell", {}, pinned],
    ["the repository of the version", { ...pinned }, repository],
    ["the version and its repository and key at once", {}, { ...pinned, ...repository, kubernetesKeyUrl: `${repository.kubernetesRepository}Release.key` }],
    ["Docker's repository", {}, { dockerRepository: "https://download.docker.com/linux/debian", dockerKeyUrl: "https://download.docker.com/linux/debian/gpg" }],
    ["what only another runtime uses", {}, { dockerPackage: "docker.io" }],
    ["text for a placeholder that there is not", {}, { userDataValues: { unused: "x" } }],
  ])("stay when what is installed is given: %s", async (_what, inputs, change) => {
    const state = await created(before);
    const olds = Object.fromEntries(Object.entries({ ...before, ...given(), userData, metaData, networkConfig, ...inputs }).filter(([key]) => key !== "kubernetesVersion" || key in inputs));
    const news = await check(olds, { kubernetesVersion: undefined, ...ours({ ...ofOurs, ...change }), ...change });
    expect(await operations.diff(testProvider, path, state, news)).toMatchObject({ changes: false });
    const { outs } = await operations.update(testProvider, path, state, { ...news, stackId: "f".repeat(32) });
    expect(outs).toMatchObject({ sha256: state.sha256, instanceId: state.instanceId, stackId: "f".repeat(32) });
  });

  test.each<[string, object]>([
    ["another value", { locale: "de_DE.UTF-8" }],
    ["another choice of templates", { reboot: false }],
    ["another runtime", { containerRuntime: "docker", criDockerdUrl: "https://example.org/d.deb", criDockerdSha256: "0".repeat(64) }],
  ])("give way with %s", async (_what, change) => {
    const state = await created(before);
    const news = await check(state, ours({ ...ofOurs, ...change }));
    expect(news.userData).not.toBe(userData);
    expect(await operations.diff(testProvider, path, state, news)).toMatchObject({ changes: true, replaces: [] });
  });

  test("stay as long as one's own is the same, which lacked the mark", async () => {
    const own = join(folder, "own.yaml");
    writeFileSync(own, "hostname: ${name}\n");
    const state = await created({ ...before, userData: "hostname: ${name}\n" });
    expect((await check(state, ours({ ...ofOurs, userData: own }))).userData).toBe("hostname: ${name}\n");
    writeFileSync(own, "hostname: ${name}\nlocale: C.UTF-8\n");
    expect((await check(state, ours({ ...ofOurs, userData: own }))).userData).toContain("/var/lib/cloud/instance/installed");
    expect((await check(state, ours(ofOurs))).userData).toContain("install-kubernetes");
  });

  test("of this one stay in a later one, by what they were made from", async () => {
    const first = await check({}, ours(ofOurs));
    const { outs } = await operations.create(testProvider, { ...first, userData: `${first.userData as string}# later` });
    expect((await check(outs, ours(ofOurs))).userData).toMatch(/# later$/);
  });
});
