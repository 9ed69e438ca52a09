import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Exec, type ExecResult, TimedOut } from "../../../common/exec";
import { VBoxManage } from "../../../virtualbox/vboxManage";
import { startFailed } from "../../../virtualbox/vm/startFailed";
import { details, failed, ok } from "../../support/vboxResults";

/** By whom a start that was lost is reported. */
const LOST = { by: "component SessionMachine, interface ISession" };

describe("starting", () => {
  const logFolder = mkdtempSync(join(tmpdir(), "vboxlog-"));
  afterAll(() => rmSync(logFolder, { recursive: true }));
  const vm = { uuid: "u", name: "a", logFolder } as Parameters<VBoxManage["start"]>[0];

  /** VirtualBox with a machine whose starts end like this, one after the other, in one of these states. */
  function starting(...results: [ExecResult, string][]) {
    let [starts, state] = [0, "poweroff"];
    const exec: Exec = async (_file, [verb]) => {
      if (verb === "showvminfo") return ok(recording.replace(/^VMState=.*$/m, `VMState="${state}"`));
      const [result, next] = results[starts++]!;
      state = next;
      return result;
    };
    return { vbox: new VBoxManage("VBoxManage", exec), starts: () => starts };
  }
  const recording = readFileSync(join(__dirname, "../recordings/plain.txt"), "utf8");

  test("counts when the machine runs, whatever the exit code and the words", async () => {
    const { vbox, starts } = starting([failed("S'està esperant que la MV «a» s'engegui..."), "running"]);
    await vbox.start(vm, 1000);
    expect(starts()).toBe(1);
  });

  test.each([
    "The VM session was closed before any attempt to power it on",
    "The VM session was aborted",
    "La sessió de la MV s'ha interromput",
  ])("that was lost is tried again: %s", async (words) => {
    for (const code of ["E_FAIL", "NS_ERROR_FAILURE"]) {
      const { vbox, starts } = starting([details(code, words, LOST), "poweroff"], [ok(), "running"]);
      await vbox.start(vm, 10_000);
      expect(starts()).toBe(2);
    }
  });

  test("that is lost again and again ends with its deadline", async () => {
    const lost: [ExecResult, string] = [details("E_FAIL", "The VM session was aborted", LOST), "poweroff"];
    const { vbox, starts } = starting(...Array.from({ length: 50 }, () => lost));
    await expect(vbox.start(vm, 500)).rejects.toThrow("The VM session was aborted");
    expect(starts()).toBeLessThan(6);
  });

  test("that fails shows the end of the machine's log", async () => {
    writeFileSync(join(logFolder, "VBox.log"), "first\nVT-x is not available\n");
    const error = await starting([details("E_FAIL", "VT-x is off"), "poweroff"])
      .vbox.start(vm, 1000)
      .catch((error: unknown) => startFailed(error, vm));
    expect((error as Error).message).toMatch(/^a did not start\n.*VT-x is off[^]*VT-x is not available/);
  });

  test("that passes its deadline counts where the machine runs all the same", async () => {
    const exec: Exec = async (_file, [verb]) => {
      if (verb === "startvm") throw new TimedOut("late");
      return ok(recording.replace(/^VMState=.*$/m, 'VMState="running"'));
    };
    await new VBoxManage("VBoxManage", exec).start(vm, 1000);
  });
});
