import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitForCloudInit } from "../../cloudinit/wait";
import { FirstBootFailed } from "../../common/firstBootFailed";
import { SshError } from "../../ssh/error";
import { PartialFailure } from "../../providers/dynamic";
import { operations } from "../../providers/engine";
import { vboxVmProvider } from "../../providers/vboxVm";
import { testContext } from "../support/context";
import { SimulatedVirtualBox } from "../support/simulatedVirtualBox";

jest.mock("../../cloudinit/wait");

const folder = mkdtempSync(join(tmpdir(), "vbox-"));
afterAll(() => rmSync(folder, { recursive: true }));

let box: SimulatedVirtualBox;
let provider: ReturnType<typeof vboxVmProvider>;
let inputs: Parameters<typeof provider.create>[0];
beforeEach(async () => {
  box = await SimulatedVirtualBox.make(folder);
  provider = vboxVmProvider(box.exec);
  inputs = {
    ...(provider.defaults as typeof inputs),
    ...{ name: "node1", stack: "shop/test", baseImage: "base", isoSha256: "a" },
    nics: [{ type: "intnet" as const, network: "node", mac: "080027A1B201" }],
    readiness: { target: { address: "node1", user: "debian", hostKeys: [] }, rebootExpected: true, timeoutSeconds: 5 },
  };
  jest.mocked(waitForCloudInit).mockRejectedValue(new FirstBootFailed("cut short", { hint: "see why" }));
});

const failed = async (work: Promise<unknown>) => (await work.catch((error: unknown) => error)) as PartialFailure;
const replaces = async (outs: object) =>
  (await operations.diff(provider as never, "id", outs as never, inputs as never)).replaces;
const update = (id: string, outs: object, adopt: boolean) =>
  failed(provider.update(id, outs as never, { ...inputs, adopt }, testContext()));

test.each([false, true])(
  "a clone whose first boot failed stays to be looked at, and the next `up` replaces it (adopt: %s)",
  async (adopt) => {
    const { id, outs, message } = await failed(provider.create({ ...inputs, adopt }, testContext()));
    expect(message).toBe("cut short\n→ see why; the next `pulumi up` replaces the machine");
    expect(outs).toMatchObject({ state: "running", uuid: id });
    expect(await replaces(outs)).toEqual(["isoSha256"]);
    expect(await replaces((await provider.read(id, outs as never, testContext()))!)).toEqual(["isoSha256"]);
  },
);

test("a machine of somebody else's that was adopted is never replaced for it, also where `adopt` is taken back before it comes up", async () => {
  await box.run("clonevm", "base", "--name", "node1", "--register");
  const first = await failed(provider.create({ ...inputs, adopt: true }, testContext()));
  const second = await update(first.id, first.outs, false);
  for (const { outs, message } of [first, second]) {
    expect(await replaces(outs)).toEqual([]);
    expect(message).toBe(
      "cut short\n→ see why; the machine was adopted, and stays: `sudo cloud-init clean --reboot` on it repeats its first boot",
    );
  }
});

test("a clone that has lost its power is not taken for one in its first boot where its creation had ended, also where the state was lost since", async () => {
  jest.mocked(waitForCloudInit).mockResolvedValueOnce({
    bootId: "b",
    reached: "joined",
    status: "done",
    errors: [],
    warnings: [],
    addresses: new Map([["08:00:27:a1:b2:01", "192.168.2.131"]]),
  });
  await provider.create(inputs, testContext());
  jest.mocked(waitForCloudInit).mockImplementation(async () => {
    await box.run("controlvm", "node1", "poweroff");
    throw new SshError("unreachable", "node1 gave no SSH session");
  });
  const { outs, message } = await failed(provider.create({ ...inputs, adopt: true }, testContext()));
  expect(message).toMatch(
    /^node1 gave no SSH session; VirtualBox says that node1 is poweroff\n→ see why; `pulumi up --refresh` then starts it again/,
  );
  expect(await replaces(outs)).not.toContain("isoSha256");
});
