import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { guestAddress } from "../../cloudinit/guestAddress";
import { firstBootImage, type Seed } from "../../cloudinit/seed";
import { beginRun } from "../../providers/engine";
import { refused } from "../../dev/simulator/virtualBox/refusal";
import {
  box,
  disc,
  drive,
  enter,
  expectNoKey,
  folder,
  guest,
  iso,
  isoFiles,
  name,
  path,
  refresh,
  restoreKey,
  up,
  useDiscStack,
  vm,
} from "../support/discStack";

// After its first boot a machine's ISO has no private key: neither the file nor what is in the drive.
jest.mock("../../cloudinit/guestAddress");
useDiscStack();

test("after the first boot the ISO has no private key, in the drive and on disk; nothing drifts, and destroy leaves nothing", async () => {
  await up();
  await expectNoKey();
  const before = structuredClone([iso.state, vm.state]);
  await refresh();
  expect([iso.state, vm.state]).toEqual(before);
  expect([await iso.differs(), await vm.differs()]).toEqual([[], []]);
  const calls = box.calls.length;
  await up({ cpus: 1 });
  expect(box.calls.slice(calls).filter(([verb]) => verb === "storageattach")).toEqual([]);
  await expectNoKey();
  await vm.destroy();
  await iso.destroy();
  expect(readdirSync(folder)).not.toContain("iso");
});

test.each<[string, () => Promise<void>]>([
  ["replaced alone", () => vm.destroy()],
  [
    "lost",
    async () => {
      await box.run("controlvm", name, "poweroff");
      await box.run("unregistervm", name, "--delete");
      await box.run("closemedium", "dvd", path);
      await refresh();
    },
  ],
  [
    "lost together with its ISO",
    async () => {
      await box.run("controlvm", name, "poweroff");
      await box.run("unregistervm", name, "--delete");
      await box.run("closemedium", "dvd", path);
      rmSync(path);
      await refresh();
    },
  ],
  [
    "replaced with its ISO",
    async () => {
      await vm.destroy();
      await iso.destroy();
    },
  ],
])("a machine that is %s gets the image with the key first", async (_how, lose) => {
  await up();
  const { uuid } = vm.state!.outs;
  await lose();
  await up();
  expect(vm.get("uuid")).not.toBe(uuid);
  await expectNoKey();
});

test("a first boot that was cut short is repeated with the key, by another machine", async () => {
  jest.mocked(guestAddress).mockRejectedValueOnce(new Error("lost power"));
  await expect(up()).rejects.toThrow("lost power");
  expect(isoFiles()[0]).toContain("PRIVATE KEY");
  expect(vm.state!.outs.keyRemoved).toBe(true); // It is needed yet.
  await up();
  await expectNoKey();
});

test("a swap that VirtualBox refuses fails nobody, is in the state, and is done by the next `up`", async () => {
  box.fault = (args) => (args.includes("emptydrive") ? refused("no", "NS_ERROR_FAILURE", "Console").result : undefined);
  await up();
  expect(vm.state!.outs).toMatchObject({ keyRemoved: false, isoInserted: true, ready: true });
  expect(console.log).toHaveBeenCalledWith(
    expect.stringMatching(
      /its ISO, .*, was not changed for the one without its private host key; the next `pulumi up` tries again/,
    ),
  );
  expect(await vm.differs()).toEqual(["keyRemoved"]);
  box.fault = () => undefined;
  await up();
  await expectNoKey();
});

test("a guest that has the disc mounted does not keep it", async () => {
  jest.mocked(guestAddress).mockImplementationOnce(async () => {
    await guest();
    await box.change(({ machines }) => void (machines.find((machine) => machine.name === name)!.holdsDvds = true));
    return "192.168.2.130";
  });
  await up();
  await expectNoKey();
});

test("an `up` that is killed at any call from the end of the first boot on is gone on with by the next one", async () => {
  const killed = () => {
    throw new Error("killed");
  };
  for (let left = 0, isDone = false; !isDone; left++) {
    let calls: number | undefined;
    jest.mocked(guestAddress).mockImplementationOnce(async () => {
      await guest();
      calls = 0;
      return "192.168.2.130";
    });
    box.fault = () => (calls !== undefined && ++calls > left ? killed() : undefined);
    await iso.up();
    isDone = await vm.up().then(
      () => calls !== undefined && calls <= left,
      () => false,
    );
    box.fault = () => undefined;
    if (!isDone) vm.state = undefined; // Nothing was recorded.
    await up();
    await expectNoKey();
    await vm.destroy();
    expect(left).toBeLessThan(30);
  }
});

test("the machine of an earlier version loses the key in place, with no restart", async () => {
  await up();
  restoreKey();
  await box.run("storageattach", name, ...drive, "--medium", path);
  await box.change(
    ({ machines }) =>
      void delete machines.find((machine) => machine.name === name)!.extraData["vbox-kubeadm/first-boot"],
  );
  for (const property of ["seed", "keyRemoved"]) delete vm.state!.outs[property];
  const { uuid, boot } = box.vm(name);
  await refresh();
  expect(iso.state!.outs.intact).toBe(true);
  expect(await iso.differs()).toEqual([]);
  expect(await vm.differs()).toEqual(["seed"]);
  await up();
  await expectNoKey();
  expect(box.vm(name)).toMatchObject({ uuid, boot: { id: boot!.id } });
});

test("the image with the key, put back from a backup, is drift, and so is a third one", async () => {
  await up();
  restoreKey();
  await refresh();
  expect(iso.state!.outs.intact).toBe(true);
  expect(vm.state!.outs.keyRemoved).toBe(false);
  await up();
  await expectNoKey();
  writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from("x")]));
  await refresh();
  expect(iso.state!.outs.intact).toBe(false);
  await up();
  await expectNoKey();
});

test.each([
  ["that never ran", { autostart: false }],
  ["of which nobody tells whether it is ready", { readiness: undefined }],
] as [string, object][])("a machine %s keeps the key, also when its ISO was lost", async (_what, changes) => {
  await up(changes);
  expect(isoFiles()[0]).toContain("PRIVATE KEY");
  rmSync(path);
  await refresh();
  await up(changes);
  expect(isoFiles()[0]).toContain("PRIVATE KEY");
  expect(vm.state!.outs.keyRemoved).toBe(true);
});

describe("a machine whose state was lost", () => {
  let before: Record<string, unknown>;
  beforeEach(async () => {
    await up();
    before = { ...iso.state!.outs };
    enter("b".repeat(32));
  });

  test("is refused", () => expect(up()).rejects.toThrow("belongs to another stack"));

  test("is taken over as the same instance, with its public key", async () => {
    const { boot } = box.vm(name);
    await up({ adopt: true });
    expect(iso.state!.outs).toMatchObject({
      hostPrivateKey: "",
      hostPublicKey: before.hostPublicKey,
      instanceId: before.instanceId,
    });
    expect(await disc()).toMatchObject({ instanceId: before.instanceId });
    expect(box.vm(name).boot!.id).toBe(boot!.id);
    const taken = structuredClone([iso.state, vm.state]);
    await refresh();
    expect([iso.state, vm.state]).toEqual(taken);
    expect([await iso.differs(), await vm.differs()]).toEqual([[], []]);
    rmSync(path);
    await refresh();
    await up({ adopt: true });
    expect([iso.state, vm.state]).toEqual(taken);
    expect(await disc()).toMatchObject({ instanceId: before.instanceId });
  });

  test.each([
    ["failed", false],
    ["was not yet done, by version 0.1.0", true],
  ])(
    "stays the instance that it is where other content is asked for, and the removal of its key %s",
    async (_how, isOld) => {
      const former = { ...before, ...(isOld && { stackId: "" }) } as unknown as Seed;
      writeFileSync(path, firstBootImage(former)!);
      if (isOld)
        await box.change(
          ({ machines }) =>
            void delete machines.find((machine) => machine.name === name)!.extraData["vbox-kubeadm/first-boot"],
        );
      const was = await guest();
      const content = { adopt: true, timezone: "Europe/Berlin" };
      await up(content);
      expect(await disc()).toMatchObject({ instanceId: before.instanceId });
      await box.run("controlvm", name, "poweroff");
      await box.run("startvm", name, "--type", "headless");
      expect(await guest()).toEqual(was);
      expect(isoFiles()).toEqual([expect.not.stringContaining("PRIVATE KEY")]);
      await refresh();
      expect([await iso.differs(), await vm.differs()]).toEqual([[], []]);
    },
  );

  test("can be replaced together with its ISO, and not alone", async () => {
    await up({ adopt: true });
    beginRun();
    await expect(vm.up({ baseImage: "other" })).rejects.toThrow("cannot be made again with its host key");
    expect(box.names).toContain(name);
    beginRun();
    await vm.destroy();
    await expect(up()).rejects.toThrow(
      /kube-node01 cannot be made again with its host key[^]*--replace URN`, with the URN of its vbox:CloudInitIso/,
    );
    expect(box.names).toEqual(["base"]);
    await iso.destroy();
    await up();
    await expectNoKey();
    expect(iso.get("hostPublicKey")).not.toBe(before.hostPublicKey);
  });

  test("with another disc in the drive is not taken over", async () => {
    const theirs = join(box.folder, "worker.iso");
    await box.run("storageattach", name, ...drive, "--medium", theirs, "--forceunmount");
    await expect(up({ adopt: true })).rejects.toThrow(
      new RegExp(`kube-node01 was not taken over: the disc ${theirs} is in the drive`),
    );
  });
});
