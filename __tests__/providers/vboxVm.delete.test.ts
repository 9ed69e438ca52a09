import { join } from "node:path";
import { operations } from "../../providers/engine";
import { vboxVmProvider } from "../../providers/vboxVm";
import { box, context, create, provider, renewBox, UNTOUCHED, useVmResource, wanted } from "../support/vmResource";

jest.mock("../../cloudinit/wait");
useVmResource();

describe("delete", () => {
  test("cuts the power and leaves nothing", async () => {
    const { id, outs } = await create();
    await provider.delete(id, outs, context);
    expect(box.names).toEqual(["base"]);
    expect(box.media).toEqual(UNTOUCHED);
  });

  test("that is killed at any call is completed by the next one", async () => {
    const { id, outs } = await create();
    const before = box.calls.length;
    await provider.delete(id, outs, context);
    const count = box.calls.length - before;
    for (let killed = 0; killed < count; killed++) {
      await renewBox();
      const { calls, exec } = box;
      const made = await vboxVmProvider(box.exec).create(wanted(), context);
      const last = calls.length + killed;
      const dying = vboxVmProvider((file, args) =>
        calls.length >= last ? Promise.reject(new Error("killed")) : exec(file, args),
      );
      await expect(dying.delete(made.id, made.outs, context)).rejects.toThrow("killed");
      await vboxVmProvider(box.exec).delete(made.id, made.outs, context);
      expect(box.names).toEqual(["base"]);
      expect(box.media).toEqual(UNTOUCHED);
    }
  });

  test.each(["unregistervm", "closemedium"])(
    "that was killed at %s is seen by a refresh until nothing is left, and ends in a replacement or a deletion",
    async (verb) => {
      const { id, outs } = await create();
      // VirtualBox does its two phases, or only the first, and nobody does the rest.
      const dying = vboxVmProvider(async (file, args) => {
        if (args[0] !== "unregistervm") return box.exec(file, args);
        await box.run("unregistervm", id, ...(verb === "closemedium" ? ["--delete"] : []));
        throw new Error("killed");
      });
      await expect(dying.delete(id, outs, context)).rejects.toThrow("killed");
      const read = await provider.read(id, outs, context);
      expect(read).toMatchObject({ uuid: id, state: "deleted" });
      expect(await operations.diff(provider as never, id, read as never, wanted() as never)).toMatchObject({
        replaces: ["isoSha256"],
      });
      await provider.delete(id, read!, context);
      expect(box.media).toEqual(UNTOUCHED);
      expect(await provider.read(id, outs, context)).toBeUndefined();
    },
  );

  test("says what VirtualBox left", async () => {
    const { id, outs } = await create();
    box.fault = ([verb]) => (verb === "closemedium" ? { stdout: "", stderr: "", exitCode: 0 } : undefined);
    await box.change(({ media, machineFolder }) => {
      const location = join(machineFolder, "vbox-kubeadm/shop/test/node1/Snapshots/x.vdi");
      media.push({
        uuid: "b6ab5c05-ec6c-4780-83bc-bac1014cd2d3",
        kind: "disk",
        location,
        format: "VDI",
        variant: "Standard",
        sizeMb: 1,
      });
    });
    await expect(provider.delete(id, outs, context)).rejects.toThrow(
      /not deleted completely\n {4}left:\n {4}medium b6ab5c05.*x\.vdi/,
    );
  });

  test("never touches a machine of the same name that is another's", async () => {
    const { id, outs } = await create();
    await box.change(({ machines }) => machines.pop());
    await box.run("createvm", "--name", "node1", "--register");
    await provider.delete(id, outs, context);
    expect(box.names).toEqual(["base", "node1"]);
  });
});
