import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Machine, NetworkState, VirtualBoxState } from "../../../dev/simulator/state";
import { everythingOn, failureOf, machineOf } from "../../support/causes";
import { lines, site, worker, useServedSite } from "../../support/servedWorker";

/** What is wrong with the workstation: its VirtualBox, its disk, its rights. What fails there leaves nothing behind. */
useServedSite();
beforeEach(async () => {
  await worker.iso.up();
});

const virtualBox = (work: (box: VirtualBoxState) => void) => site.world.change((state) => work(state.virtualBox));
const base = (work: (machine: Machine) => void) =>
  site.world.change((state) => work(machineOf(state, "debian-base-image")));
const network = (work: (network: NetworkState) => void) => site.world.change((state) => work(state.network));
const takeSnapshot = () =>
  base(
    (machine) =>
      void machine.snapshots.push({ uuid: randomUUID(), name: "clean", drives: structuredClone(machine.drives) }),
  );

/** Fails to make the machine, and leaves all as it was. */
async function notMade(inputs: Record<string, unknown>): Promise<string> {
  const before = everythingOn(site);
  const error = await failureOf(worker.vm.up(inputs));
  expect(everythingOn(site)).toEqual(before);
  expect(worker.vm.state).toBeUndefined();
  return error;
}

describe("the base image", () => {
  test("is missing", async () => {
    await base((machine) => void (machine.name = "other"));
    expect(await notMade({})).toMatch(
      /^kube-node01: VirtualBox has no machine debian-base-image to clone\n→ make the base image first, or give another `baseImage`; see VBoxManage list vms$/,
    );
  });

  test("runs", async () => {
    await base((machine) => void (machine.state = "running"));
    expect(await notMade({})).toMatch(
      /^kube-node01: the base image debian-base-image is running\n→ shut it down, or clone one of its snapshots: give `baseSnapshot`$/,
    );
  });

  test("has its snapshot no more", async () => {
    const error = await notMade({ cloneMode: "linked", baseSnapshot: "clean" });
    expect(error).toMatch(
      /^kube-node01: the base image debian-base-image has no snapshot clean\n→ take it: VBoxManage snapshot debian-base-image take clean$/,
    );
  });
});

describe("the disk is full", () => {
  beforeEach(async () => {
    await takeSnapshot();
    await virtualBox((box) => void (box.isDiskFull = true));
  });

  test("for a clone", async () => {
    const error = await notMade({});
    expect(error).toMatch(
      /^kube-node01: the base image debian-base-image could not be cloned\n {4}Clone VM failed\n {4}Could not create the clone medium '.*kube-node01\.vdi' \(VERR_DISK_FULL\)/,
    );
    expect(error).toMatch(
      /\n→ make room on that disk, or move VirtualBox's machines to another: VBoxManage setproperty machinefolder FOLDER$/,
    );
  });

  test("for a linked clone, of which VirtualBox gives no reason", async () => {
    const error = await notMade({ cloneMode: "linked", baseSnapshot: "clean" });
    expect(error).toMatch(
      /^kube-node01: the base image debian-base-image could not be cloned\n[^]*→ VirtualBox does not say which file .*: is there room on the disk of its machine folder/,
    );
  });

  test("when the clone's own is done, and not its next: the clone is taken back", async () => {
    await site.world.change(({ delays }) => void (delays.clone = 200));
    const before = everythingOn(site);
    await virtualBox((box) => void (box.isDiskFull = false));
    const failure = failureOf(worker.vm.up({ disks: [{ sizeMb: 64, format: "VDI", variant: "Fixed" }] }));
    while (site.world.read().virtualBox.media.length === 1) await sleep(10);
    await virtualBox((box) => void (box.isDiskFull = true));
    expect(await failure).toMatch(
      /^kube-node01: VBoxManage createmedium disk .* failed[^]*vbox-kubeadm-disk-1\.vdi' \(VERR_DISK_FULL\)[^]*→ make room on that disk/,
    );
    expect(everythingOn(site)).toEqual(before);
    expect(worker.vm.state).toBeUndefined();
  });
});

describe("VBoxManage", () => {
  test("is missing", async () => {
    expect(await notMade({ vboxManage: "/opt/none" })).toMatch(
      /^kube-node01: \/opt\/none is not installed, or not on PATH\n→ install VirtualBox, or give `vboxManage` the path/,
    );
  });

  test("is too old", async () => {
    await virtualBox((box) => void (box.version = "6.0.24r139119"));
    expect(await notMade({})).toMatch(
      /^kube-node01: VirtualBox 6\.0\.24r139119 is too old\n→ install VirtualBox 6\.1 or later/,
    );
  });

  test("is newer than any that is known: that is a warning, and it works", async () => {
    await virtualBox((box) => void (box.version = "8.0.2r170000"));
    await worker.up();
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^kube-node01: warning: VirtualBox 8\.0\.2r170000 is newer than any that this program was tried with/,
      ),
    );
    expect(worker.join.get("ready")).toBe(true);
  });
});

describe("a route", () => {
  test("that we may not add is shown as the command to type", async () => {
    await network((state) => void (state.isReadOnly = true));
    const before = everythingOn(site);
    expect(await failureOf(worker.route.up())).toMatch(
      /^192\.168\.4\.0\/27: the routing table may be changed by root only, and sudo wants a password or is not installed\n {4}sudo is not installed, or not on PATH\n→ run this by hand, and then the same again: sudo ip route add 192\.168\.4\.0\/27 via 192\.168\.4\.30 dev vboxnet0 proto 157$/,
    );
    expect(everythingOn(site)).toEqual(before);
  });

  test("that was typed as told is taken for ours", async () => {
    await network(
      (state) =>
        void state.routes.push({ dst: "192.168.4.0/27", gateway: "192.168.4.30", dev: "vboxnet0", protocol: "157" }),
    );
    await network((state) => void (state.isReadOnly = true));
    await worker.route.up();
    expect(worker.route.get("adopted")).toBe(false);
    expect(await failureOf(worker.route.destroy())).toMatch(/sudo ip route del 192\.168\.4\.0\/27/);
  });
});
