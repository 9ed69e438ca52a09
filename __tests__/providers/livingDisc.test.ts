import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import {
  box,
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
  upIso,
  useDiscStack,
  vm,
} from "../support/discStack";

// Until a machine is replaced, the disc in its drive is the one that it was made with: another instance-id would be a
// second first boot.
jest.mock("../../cloudinit/guestAddress");
useDiscStack();

describe("other content, for a machine that is to be replaced", () => {
  const content = { timezone: "Europe/Lisbon" };
  /** The ISO's change alone: the machine's replacement was not reached, or failed before it. */
  const changed = (changes: object = content) => upIso(changes);
  async function powerCycle() {
    await box.run("controlvm", name, "poweroff");
    await box.run("startvm", name, "--type", "headless");
    return guest();
  }

  test("leaves it the disc that it has: its next boot is no first boot", async () => {
    await up();
    const before = await guest();
    const { sha256 } = iso.state!.outs;
    await changed();
    expect(iso.state!.outs.sha256).not.toBe(sha256);
    expect(isoFiles()).toEqual([expect.not.stringContaining("PRIVATE KEY")]);
    expect(await powerCycle()).toEqual(before);
    const state = structuredClone(iso.state);
    await refresh();
    expect(iso.state).toEqual(state);
    expect([await iso.differs(), await vm.differs()]).toEqual([[], ["isoSha256", "seed"]]);
    const { uuid } = vm.state!.outs;
    await up(content);
    expect(vm.get("uuid")).not.toBe(uuid);
    await expectNoKey();
    await refresh();
    expect([await iso.differs(), await vm.differs()]).toEqual([[], []]);
  });

  test("where its file was lost, the machine gets back its own", async () => {
    await up();
    const before = await guest();
    await changed();
    rmSync(path);
    await refresh();
    expect(iso.state!.outs.intact).toBe(false);
    await changed();
    expect(await powerCycle()).toEqual(before);
    await changed({ timezone: "Europe/Vienna" });
    expect(await powerCycle()).toEqual(before);
    expect(isoFiles()).toEqual([expect.not.stringContaining("PRIVATE KEY")]);
  });

  test("that is taken back leaves nothing to do", async () => {
    await up();
    const before = structuredClone([iso.state, vm.state]);
    await changed();
    await changed({});
    expect([iso.state, vm.state]).toEqual(before);
    await refresh();
    expect([iso.state, vm.state]).toEqual(before);
  });

  test("leaves it its disc also in a stack of version 0.1.0, which gets the stack's id in the file", async () => {
    enter("");
    await up();
    restoreKey();
    await box.run("storageattach", name, ...drive, "--medium", path);
    await box.change(
      ({ machines }) =>
        void delete machines.find((machine) => machine.name === name)!.extraData["vbox-kubeadm/first-boot"],
    );
    for (const property of ["seed", "keyRemoved", "virtualBox"])
      [iso, vm].forEach(({ state }) => delete state!.outs[property]);
    const before = await guest();
    const old = [iso.state, vm.state];
    enter("a".repeat(32));
    [iso.state, vm.state] = old;
    await changed();
    expect(await powerCycle()).toEqual(before);
    await refresh();
    expect(iso.state!.outs.intact).toBe(true);
    await up(content);
    await expectNoKey();
  });

  test("that was brought back from a backup when the machine had been replaced is drift", async () => {
    await up();
    const old = readFileSync(path);
    await changed();
    await up(content);
    writeFileSync(path, old);
    await refresh();
    expect(iso.state!.outs.intact).toBe(false);
    await up(content);
    await expectNoKey();
  });

  test("is destroyed with nothing left", async () => {
    await up();
    await changed();
    await vm.destroy();
    await iso.destroy();
    expect(readdirSync(folder)).not.toContain("iso");
  });
});
