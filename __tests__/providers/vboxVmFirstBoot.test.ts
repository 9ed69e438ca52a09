import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitForCloudInit } from "../../host/cloudInit";
import { FirstBootFailed } from "../../host/firstBootFailed";
import { PartialFailure } from "../../providers/dynamic";
import { operations } from "../../providers/engine";
import { vboxVmProvider } from "../../providers/vboxVm";
import { testContext } from "../support/context";
import { SimulatedVirtualBox } from "../support/simulatedVirtualBox";

jest.mock("../../host/cloudInit");

const folder = mkdtempSync(join(tmpdir(), "vbox-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a machine whose first boot failed stays to be looked at, and the next `up` replaces it; not one that was taken over", async () => {
  const box = await SimulatedVirtualBox.make(folder);
  const provider = vboxVmProvider(box.exec);
  const inputs = {
    ...(provider.defaults as Parameters<typeof provider.create>[0]),
    ...{ name: "node1", stack: "shop/test", baseImage: "base", isoSha256: "a" },
    nics: [{ type: "intnet" as const, network: "node", mac: "080027A1B201" }],
    readiness: { target: { address: "node1", user: "debian", hostKeys: [] }, rebootExpected: true, timeoutSeconds: 5 },
  };
  jest.mocked(waitForCloudInit).mockRejectedValue(new FirstBootFailed("cut short"));
  const failed = async (work: Promise<unknown>) => (await work.catch((error: unknown) => error)) as PartialFailure;
  const replaces = async (outs: object) => (await operations.diff(provider as never, "id", outs as never, inputs)).replaces;

  const { id, outs } = await failed(provider.create(inputs, testContext()));
  expect(outs).toMatchObject({ state: "running", uuid: id });
  expect(await replaces(outs)).toEqual(["isoSha256"]);
  expect(await replaces((await provider.read(id, outs as never, testContext()))!)).toEqual(["isoSha256"]);
  expect(await replaces((await failed(provider.update(id, outs as never, { ...inputs, adopt: true }, testContext()))).outs)).toEqual([]);
});
