import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withTemplates } from "../../providers/cloudInitTemplates";
import { operations } from "../../providers/engine";
import { renderOptions } from "../support/cloudInit";
import { created, folder, path, refreshed, type State, testProvider, useIsoResource } from "../support/isoResource";

useIsoResource();

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
    for (const part of ["power_state", "TrustedUserCAKeys", "${debianMirror}", "install-containerd"])
      expect(userData).toContain(part);
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
  const check = async (olds: object, news: object) =>
    (await operations.check(testProvider, olds as never, { ...given(), ...news })).inputs as State;
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
    [
      "the version and its repository and key at once",
      {},
      { ...pinned, ...repository, kubernetesKeyUrl: `${repository.kubernetesRepository}Release.key` },
    ],
    [
      "Docker's repository",
      {},
      {
        dockerRepository: "https://download.docker.com/linux/debian",
        dockerKeyUrl: "https://download.docker.com/linux/debian/gpg",
      },
    ],
    ["what only another runtime uses", {}, { dockerPackage: "docker.io" }],
    ["text for a placeholder that there is not", {}, { userDataValues: { unused: "x" } }],
  ])("stay when what is installed is given: %s", async (_what, inputs, change) => {
    const state = await created(before);
    const olds = Object.fromEntries(
      Object.entries({ ...before, ...given(), userData, metaData, networkConfig, ...inputs }).filter(
        ([key]) => key !== "kubernetesVersion" || key in inputs,
      ),
    );
    const news = await check(olds, { kubernetesVersion: undefined, ...ours({ ...ofOurs, ...change }), ...change });
    expect(await operations.diff(testProvider, path, state, news)).toMatchObject({ changes: false });
    const { outs } = await operations.update(testProvider, path, state, { ...news, stackId: "f".repeat(32) });
    expect(outs).toMatchObject({ sha256: state.sha256, instanceId: state.instanceId, stackId: "f".repeat(32) });
  });

  test.each<[string, object]>([
    ["another value", { locale: "de_DE.UTF-8" }],
    ["another choice of templates", { reboot: false }],
    [
      "another runtime",
      { containerRuntime: "docker", criDockerdUrl: "https://example.org/d.deb", criDockerdSha256: "0".repeat(64) },
    ],
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
    expect((await check(state, ours({ ...ofOurs, userData: own }))).userData).toContain(
      "/var/lib/cloud/instance/installed",
    );
    expect((await check(state, ours(ofOurs))).userData).toContain("install-kubernetes");
  });

  test("of this one stay in a later one, by what they were made from", async () => {
    const first = await check({}, ours(ofOurs));
    const { outs } = await operations.create(testProvider, {
      ...first,
      userData: `${first.userData as string}# later`,
    });
    expect((await check(outs, ours(ofOurs))).userData).toMatch(/# later$/);
  });
});
