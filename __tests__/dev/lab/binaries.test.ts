import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../../common/errors";
import { ensureBinaries, pulumiFolder } from "../../../dev/lab/binaries";
import { recipes, type BinarySet, type Recipe } from "../../../dev/lab/binaryRecipes";
import { Unavailable } from "../../../dev/lab/download";
import { versions } from "../../../dev/lab/versions";

jest.mock("../../../dev/lab/binaryRecipes", () => ({
  recipes: {
    etcd: { download: jest.fn(), build: jest.fn() },
    pause: { build: jest.fn() },
    pulumi: { build: jest.fn() },
  },
}));

const { etcd, pause, pulumi } = jest.mocked(recipes) as unknown as Record<
  BinarySet,
  { [way in keyof Recipe]-?: jest.Mock }
>;
const root = mkdtempSync(join(tmpdir(), "binaries-"));
const cache = join(root, "cache");
const log = jest.fn();

beforeAll(() => (process.env.VBOX_KUBEADM_CACHE = cache));
beforeEach(() => {
  jest.resetAllMocks();
  rmSync(cache, { recursive: true, force: true });
});
afterAll(() => {
  delete process.env.VBOX_KUBEADM_CACHE;
  rmSync(root, { recursive: true });
});

test("downloads what is published, and builds what is not", async () => {
  expect(await ensureBinaries(["etcd", "pause"], log)).toEqual({
    etcd: join(cache, `etcd-${versions.etcd}`),
    pause: join(cache, `pause-${versions.pause}`),
  });
  expect(etcd.download).toHaveBeenCalledTimes(1);
  expect(etcd.build).not.toHaveBeenCalled();
  expect(pause.build).toHaveBeenCalledTimes(1);
});

test("does nothing when all is there", async () => {
  await ensureBinaries(["etcd", "pause"], log);
  jest.resetAllMocks();
  await ensureBinaries(["etcd", "pause"], log);
  expect(log).not.toHaveBeenCalled();
  expect(pause.build).not.toHaveBeenCalled();
});

test("builds what cannot be downloaded, and says why", async () => {
  etcd.download.mockRejectedValue(new Unavailable("no connection to github.com"));
  await ensureBinaries(["etcd"], log);
  expect(etcd.build).toHaveBeenCalledTimes(1);
  expect(log).toHaveBeenCalledWith(expect.stringContaining("no connection to github.com"));
});

test("does not build around a wrong checksum", async () => {
  etcd.download.mockRejectedValue(new UserError("not what its publisher's checksum says"));
  await expect(ensureBinaries(["etcd"], log)).rejects.toThrow("checksum");
  expect(etcd.build).not.toHaveBeenCalled();
});

describe("the Pulumi CLI", () => {
  test("is the installed one when there is one on PATH", async () => {
    for (const name of ["text", "tools"]) mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, "text/pulumi"), "", { mode: 0o644 });
    writeFileSync(join(root, "tools/pulumi"), "#!/bin/sh\necho v3.186.0\n", { mode: 0o755 });
    expect(await pulumiFolder(log, `${root}/none:${root}/text::${root}/tools`)).toBe(join(root, "tools"));
    expect(pulumi.build).not.toHaveBeenCalled();
  });

  test.each(["v3.185.0", "v2.300.0", "?"])("is not an installed %s, which cannot read Pulumi.yaml", async (version) => {
    mkdirSync(join(root, "old"), { recursive: true });
    writeFileSync(join(root, "old/pulumi"), `#!/bin/sh\necho "${version}"\n`, { mode: 0o755 });
    expect(await pulumiFolder(log, join(root, "old"))).toBe(join(cache, `pulumi-${versions.pulumi}`));
    expect(log).toHaveBeenCalledWith(expect.stringContaining("v3.186.0 or later"));
  });

  test("is made when there is none", async () => {
    expect(await pulumiFolder(log, `${root}/none`)).toBe(join(cache, `pulumi-${versions.pulumi}`));
    expect(pulumi.build).toHaveBeenCalledTimes(1);
  });
});
