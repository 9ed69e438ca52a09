import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  delay,
  errorOf,
  inVms,
  machine,
  manage,
  succeed,
  useSimulatedMachine,
  world,
} from "../../support/simulatedMachine";

// What the real VBoxManage cannot show: machines that run, and what their guests keep on their disks.
useSimulatedMachine();

describe("a machine that runs", () => {
  const state = async () => /^VMState="(.*)"$/m.exec(await succeed("showvminfo", "base", "--machinereadable"))![1];

  test("has booted, writes a log, and boots again after a reset", async () => {
    expect(await succeed("startvm", "base", "--type", "headless")).toMatch(
      /^VM "base" has been successfully started\.$/m,
    );
    const { boot } = machine()!;
    expect(boot).toEqual({ id: expect.any(String), nextId: expect.any(String), at: expect.any(Number) });
    expect(existsSync(inVms("base/Logs/VBox.log"))).toBe(true);
    await succeed("controlvm", "base", "reset");
    expect(machine()!.boot!.id).not.toBe(boot!.id);
    await succeed("controlvm", "base", "poweroff");
    expect(machine()).toMatchObject({ state: "poweroff" });
    expect(machine()!.boot).toBeUndefined();
  });

  test("goes off some time after its power button, which nobody sees before", async () => {
    await delay({ shutdown: 500 });
    await succeed("startvm", "base");
    await succeed("controlvm", "base", "acpipowerbutton");
    expect(await state()).toBe("running");
    expect((await manage("modifyvm", "base", "--cpus", "2")).exitCode).toBe(1);
    await sleep(510);
    expect(await state()).toBe("poweroff");
    await succeed("modifyvm", "base", "--cpus", "2");
    expect(machine()).toMatchObject({ state: "poweroff", settings: { cpus: "2" } });
  });

  test("that does not obey its power button stays on, until its power is cut", async () => {
    await world.change(({ virtualBox }) => void (virtualBox.machines[0]!.obeysAcpi = false));
    await succeed("startvm", "base");
    await succeed("controlvm", "base", "acpipowerbutton");
    expect(await state()).toBe("running");
    await succeed("controlvm", "base", "poweroff");
    expect(await state()).toBe("poweroff");
  });

  test("is paused and resumed, saved and resumed, all in one boot; a saved one is not changed", async () => {
    await succeed("startvm", "base");
    const { boot } = machine()!;
    await succeed("controlvm", "base", "pause");
    expect(errorOf(await manage("controlvm", "base", "acpipowerbutton"))).toMatchObject({
      code: "VBOX_E_INVALID_VM_STATE",
    });
    await succeed("controlvm", "base", "resume");
    expect(errorOf(await manage("controlvm", "base", "resume"))).toMatchObject({ code: "VBOX_E_INVALID_VM_STATE" });
    await succeed("controlvm", "base", "savestate");
    expect(errorOf(await manage("modifyvm", "base", "--cpus", "2"))).toMatchObject({
      code: "VBOX_E_INVALID_VM_STATE",
      isTransient: false,
    });
    await succeed("startvm", "base");
    expect(machine()!.boot).toEqual(boot);
    await succeed("controlvm", "base", "savestate");
    await succeed("discardstate", "base");
    expect(machine()!.boot).toBeUndefined();
  });

  test("gets another ISO into a drive, and no other drive", async () => {
    const isos = ["one.iso", "two.iso"].map((name) => join(world.folder, name));
    for (const iso of isos) writeFileSync(iso, "");
    const insert = (iso: string, port: string) =>
      manage("storageattach", "base", "--storagectl", "IDE", "--port", port, "--type", "dvddrive", "--medium", iso);
    expect((await insert(isos[0]!, "1")).exitCode).toBe(0);
    await succeed("startvm", "base");
    expect((await insert(isos[1]!, "1")).exitCode).toBe(0);
    expect(errorOf(await insert(isos[0]!, "0"))).toMatchObject({ code: "VBOX_E_INVALID_VM_STATE" });
    expect(errorOf(await manage("modifymedium", "disk", inVms("base/base.vdi"), "--resize", "70"))).toMatchObject({
      isTransient: true,
    });
    expect(await succeed("list", "runningvms")).toContain('"base"');
  });

  test("does not start without its disk's file, and its log says so", async () => {
    rmSync(inVms("base/base.vdi"));
    expect(errorOf(await manage("startvm", "base"))).toMatchObject({ code: "VBOX_E_FILE_ERROR" });
    expect(await state()).toBe("poweroff");
    expect(readFileSync(inVms("base/Logs/VBox.log"), "utf8")).toContain("VERR_FILE_NOT_FOUND");
  });
});

test.each([[[]], [["--snapshot", "s", "--options", "link"]]])(
  "a clone has a copy of what the guest keeps on its disk (%j)",
  async (options) => {
    await world.change(({ virtualBox }) => void (virtualBox.media[0]!.guest = { hostname: "base" }));
    await succeed("snapshot", "base", "take", "s");
    await succeed("clonevm", "base", "--name", "c1", ...options, "--register");
    const guests = () =>
      world.read().virtualBox.media.map(({ location, guest }) => [location.includes("/c1/"), guest?.hostname]);
    expect(guests()).toContainEqual([true, "base"]);
    await world.change(({ virtualBox }) =>
      virtualBox.media.forEach(({ location, guest }) => location.includes("/c1/") && (guest!.hostname = "c1")),
    );
    expect(guests().filter(([isClone]) => !isClone)).toEqual(guests().filter(([, name]) => name === "base"));
  },
);
