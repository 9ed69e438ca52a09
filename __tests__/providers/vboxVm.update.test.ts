import { join } from "node:path";
import { UserError } from "../../common/errors";
import type { PartialFailure } from "../../providers/dynamic";
import { locked } from "../../dev/simulator/virtualBox/refusal";
import { firstBootReport } from "../support/firstBootReport";
import { box, context, create, failure, provider, ready, useVmResource, wanted } from "../support/vmResource";

jest.mock("../../cloudinit/wait");
useVmResource();

const names = ["node1", "node2", "node3"];
const since = (calls: number) => box.verbs.slice(calls);

describe("update", () => {
  test("of memory stops the guest by its power button, changes it by one modifyvm, and starts it", async () => {
    const { id, outs } = await create();
    const calls = box.calls.length;
    expect(await provider.update(id, outs, wanted({ memoryMb: 4096, cpus: 3 }), context)).toMatchObject({
      memoryMb: 4096,
      cpus: 3,
      state: "running",
    });
    const changes = box.calls.slice(calls).filter(([verb]) => /controlvm|modifyvm|startvm|storageattach/.test(verb!));
    expect(changes).toEqual([
      ["controlvm", id, "acpipowerbutton"],
      ["modifyvm", id, "--cpus", "3", "--memory", "4096"],
      ["startvm", id, "--type", "headless"],
    ]);
  });

  test("cuts the power of a guest that does not obey, after the deadline", async () => {
    const { id, outs } = await create();
    await box.change(({ machines }) => machines.forEach((machine) => (machine.obeysAcpi = false)));
    await provider.update(id, outs, wanted({ memoryMb: 4096, stopTimeoutSeconds: 1 }), context);
    expect(box.calls.filter(([verb]) => verb === "controlvm").at(-1)).toEqual(["controlvm", id, "poweroff"]);
    expect(context.lines.join("\n")).toContain("did not shut down within 1 s: its power is cut");
  });

  test("waits for the lock that VirtualBox holds after a power-off", async () => {
    const { id, outs } = await create();
    let refusals = 2;
    box.fault = ([verb]) => (verb === "modifyvm" && refusals-- > 0 ? locked("node1").result : undefined);
    expect(await provider.update(id, outs, wanted({ cpus: 3 }), context)).toMatchObject({ cpus: 3 });
  });

  test("that needs no stop does not stop", async () => {
    const { id, outs } = await create();
    const calls = box.calls.length;
    const isoPath = join(box.folder, "moved.iso");
    const moved = await provider.update(
      id,
      outs,
      wanted({ isoPath, stopTimeoutSeconds: 7, autostart: false }),
      context,
    );
    expect(moved).toMatchObject({ isoPath, state: "running", autostart: false });
    expect(since(calls)).not.toContain("controlvm");
    expect(since(calls)).not.toContain("modifyvm");
  });

  test("starts a machine that someone stopped, which a read shows", async () => {
    const { id, outs } = await create();
    await box.setState(id, "poweroff");
    const stopped = await provider.read(id, outs, context);
    expect(stopped).toMatchObject({ ready: false, autostart: true, state: "poweroff" });
    expect(await provider.update(id, stopped!, wanted(), context)).toMatchObject({ ready: true, state: "running" });
  });

  test("that the guest did not survive keeps the address, for a refresh that comes next", async () => {
    const { id, outs } = await create();
    ready.mockRejectedValue(new UserError("not ready"));
    const error = await provider.update(id, outs, wanted({ cpus: 3 }), context).catch((error: unknown) => error);
    expect(await provider.read(id, (error as PartialFailure).outs as never, context)).toEqual({ ...outs, cpus: 3 });
  });

  test.each(["saved", "paused", "gurumeditation", "aborted"])("of a machine that is %s succeeds", async (state) => {
    const { id, outs } = await create();
    await box.setState(id, state);
    expect(await provider.update(id, outs, wanted({ cpus: 3 }), context)).toMatchObject({ cpus: 3, state: "running" });
  });

  test("leaves a machine in an unknown state alone", async () => {
    const { id, outs } = await create();
    await box.setState(id, "quantum");
    const calls = box.calls.length;
    await expect(provider.update(id, outs, wanted({ cpus: 3 }), context)).rejects.toThrow(/does not know: "quantum"/);
    expect(new Set(since(calls))).toEqual(new Set(["showvminfo"]));
  });

  test("of three machines stops them one after the other, each when the one before is ready", async () => {
    const made = await Promise.all(names.map((name) => create({ name })));
    let [away, most] = [0, 0];
    box.fault = ([verb]) => {
      if (verb === "controlvm") most = Math.max(most, ++away);
      return undefined;
    };
    ready.mockImplementation(() => (away--, Promise.resolve(firstBootReport)));
    await Promise.all(
      made.map(({ id, outs }, i) => provider.update(id, outs, wanted({ name: names[i], memoryMb: 4096 }), context)),
    );
    expect(most).toBe(1);
  });

  test("stops no further machine when one does not come back", async () => {
    const made = await Promise.all(names.map((name) => create({ name })));
    ready.mockRejectedValue(new UserError("not ready"));
    const updates = await Promise.allSettled(
      made.map(({ id, outs }, i) => provider.update(id, outs, wanted({ name: names[i], memoryMb: 4096 }), context)),
    );
    expect(
      updates.map((update) => update.status === "rejected" && (update.reason as Error).message.split("\n")[0]),
    ).toEqual([
      "not ready",
      "was left running as it is, because node1 did not come back from its change",
      "was left running as it is, because node1 did not come back from its change",
    ]);
    expect(made.map(({ id }) => box.vm(id).settings.memory)).toEqual(["4096", "2048", "2048"]);
  });

  test("reports what is true when it fails half-way", async () => {
    const { id, outs } = await create();
    box.fault = ([verb]) => (verb === "modifymedium" ? failure("no space") : undefined);
    const grown = wanted({ cpus: 3, disks: [{ sizeMb: 30, format: "VDI", variant: "Standard" }] });
    const error = (await provider.update(id, outs, grown, context).catch((error: unknown) => error)) as PartialFailure;
    expect(error.outs).toMatchObject({ cpus: 3, disks: [{ sizeMb: 20 }], state: "poweroff", ready: false });
    box.fault = () => undefined;
    expect(await provider.update(id, error.outs as never, grown, context)).toMatchObject({
      disks: grown.disks,
      state: "running",
    });
  });

  test("of a machine that is gone says so", async () => {
    const { id, outs } = await create();
    await box.change(({ machines }) => machines.pop());
    await expect(provider.update(id, outs, wanted(), context)).rejects.toThrow(
      /no machine .* any more\n→ run `pulumi up --refresh`/,
    );
  });
});
