import { hostname } from "node:os";
import { UserError } from "../../common/errors";
import { PartialFailure } from "../../providers/dynamic";
import { vboxVmProvider } from "../../providers/vboxVm";
import { firstBootReport } from "../support/firstBootReport";
import {
  box,
  context,
  create,
  failure,
  provider,
  ready,
  renewBox,
  UNTOUCHED,
  useVmResource,
  wanted,
} from "../support/vmResource";

jest.mock("../../cloudinit/wait");
useVmResource();

describe("create", () => {
  test("makes, starts, waits for the guest, and reports the address of the first NIC", async () => {
    const { id, outs } = await create();
    expect(outs).toEqual({
      ...wanted(),
      uuid: id,
      macs: ["080027A1B201"],
      state: "running",
      address: "192.168.2.131",
      ...{
        owner: "shop/test/node1",
        virtualBox: {
          id: expect.stringMatching(/^[0-9a-f]{32}$/),
          where: expect.stringContaining(` on ${hostname()}, `),
        },
      },
    });
    expect(box.verbs.filter((verb) => verb === "modifyvm")).toHaveLength(1);
    expect(box.drives(id)).toEqual({
      "SATA-0-0": "node1.vdi",
      "SATA-1-0": "vbox-kubeadm-disk-1.vdi",
      "IDE-1-0": "worker.iso",
    });
    expect(await provider.read(id, outs, context)).toEqual(outs);
  });

  test("that fails before the start takes everything back", async () => {
    box.fault = ([verb]) => (verb === "storageattach" ? failure("no room") : undefined);
    await expect(create()).rejects.toThrow("no room");
    expect(box.names).toEqual(["base"]);
    expect(box.media).toEqual(UNTOUCHED);
  });

  test("fails where VirtualBox says that it changed the machine, and did not", async () => {
    box.fault = ([verb]) => (verb === "modifyvm" ? { exitCode: 0, stdout: "", stderr: "" } : undefined);
    await expect(create()).rejects.toThrow(
      "VirtualBox did not change node1 as it was told: modifyvm --cpus 2 --memory 2048",
    );
    expect([box.names, box.media]).toEqual([["base"], UNTOUCHED]);
  });

  test("that fails after the start keeps the machine, and the next update goes on with it", async () => {
    ready.mockRejectedValueOnce(new UserError("cloud-init failed"));
    const error = (await create().catch((error: unknown) => error)) as PartialFailure;
    expect(error).toBeInstanceOf(PartialFailure);
    expect(error.message).toBe("cloud-init failed");
    expect(error.outs).toMatchObject({ uuid: error.id, state: "running", memoryMb: 2048 });
    const outs = await provider.update(error.id, error.outs as never, wanted(), context);
    expect(outs).toMatchObject({ uuid: error.id, address: "192.168.2.131" });
  });

  test("of a machine whose guest has no address on its first NIC fails, and keeps it", async () => {
    ready.mockResolvedValueOnce({ ...firstBootReport, addresses: new Map() });
    await expect(create()).rejects.toThrow(/no IPv4 address on its first network adapter \(08:00:27:a1:b2:01\)/);
    expect(box.vm("node1").state).toBe("running");
  });

  test("that cannot be taken back either says both, and is kept in the state", async () => {
    box.fault = ([verb]) =>
      verb === "storageattach" ? failure("no driver") : verb === "unregistervm" ? failure("no right") : undefined;
    const error = (await create().catch((error: unknown) => error)) as PartialFailure;
    expect(error).toBeInstanceOf(PartialFailure);
    expect(error.message).toMatch(/no driver[^]*could not be taken back[^]*no right/);
  });

  test("that is killed at any call is completed by the next one, with a single machine", async () => {
    await create();
    const count = box.calls.length;
    for (let killed = 0; killed < count; killed++) {
      await renewBox();
      // After this many calls nothing works any more, neither the undo.
      const { calls, exec } = box;
      const dying = vboxVmProvider((file, args) =>
        calls.length >= killed ? Promise.reject(new Error("killed")) : exec(file, args),
      );
      await expect(dying.create(wanted(), context)).rejects.toThrow();
      const { id, outs } = await vboxVmProvider(box.exec).create(wanted(), context);
      expect(outs).toMatchObject({ ...wanted(), uuid: id, state: "running" });
      expect(box.names).toEqual(["base", "node1"]);
      expect(box.media.filter((location) => /node1|worker/.test(location))).toHaveLength(3);
    }
  });

  test("of a linked clone without its snapshot, or of no base image, says what to do", async () => {
    await expect(create({ baseImage: "nope" })).rejects.toThrow(/no machine nope to clone\n→ make the base image/);
    await box.setState("base", "running");
    await expect(create()).rejects.toThrow(/base is running\n→ shut it down, or clone one of its snapshots/);
  });
});
