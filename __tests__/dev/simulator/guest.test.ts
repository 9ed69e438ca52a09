import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { generateHostKey } from "../../../cloudinit/hostKey";
import { isoImage } from "../../../cloudinit/iso9660/image";
import { writeIso } from "../../../cloudinit/isoFile";
import { render } from "../../../cloudinit/render";
import { readReport, REPORT_COMMAND } from "../../../cloudinit/report";
import type { Machine } from "../../../dev/simulator/state";
import { renderOptions } from "../../support/cloudInit";
import { SimulatedClock } from "../../support/simulatedCommand";
import { bootWorker, diskOf, temporarySite, type WorkerOptions } from "../../support/servedSite";

const delays = { boot: 10, cloudInit: 20 };
let site: Awaited<ReturnType<typeof temporarySite>>;
beforeAll(async () => void (site = await temporarySite({ delays })));
afterAll(() => site.remove());

/** A worker that was just switched on, by a clock that goes by itself only. */
async function worker(name: string, options: WorkerOptions = {}) {
  const made = await bootWorker(site, name, options);
  const clock = new SimulatedClock(site.world.read());
  const machine = clock.state.virtualBox.machines.find(({ uuid }) => uuid === made.uuid)!;
  const switchOn = () =>
    void Object.assign(machine, { state: "running", boot: { id: randomUUID(), nextId: randomUUID(), at: clock.now } });
  switchOn();
  return {
    ...made,
    clock,
    machine,
    switchOn,
    disk: () => diskOf(clock.state, made.uuid),
    after: (ms: number) => ((clock.now += ms), clock.guest(made.uuid)!),
  };
}

test("a first boot with a reboot: up, cloud-init runs, down, up in another boot", async () => {
  const { after, disk, hostKey } = await worker("kube-node01");
  expect(after(9)).toMatchObject({ isUp: false });
  const first = after(1);
  expect(first).toMatchObject({ isUp: true, status: "running" });
  expect(after(19)).toMatchObject({ bootId: first.bootId, status: "running" });
  expect(after(1)).toMatchObject({ isUp: false });
  expect(after(9)).toMatchObject({ isUp: false });
  const second = after(1);
  expect(second).toMatchObject({ isUp: true, status: "done" });
  expect(second.bootId).not.toBe(first.bootId);
  expect(disk()).toMatchObject({
    hostname: "kube-node01",
    sshUser: "debian",
    hostKey: hostKey.hostPrivateKey,
    firstBootId: first.bootId,
    kubernetesVersion: "v1.36.3",
  });
});

test("a first boot without a reboot ends in the same boot; the next one runs nothing", async () => {
  const { after, switchOn } = await worker("kube-node02", { reboots: false });
  const first = after(10);
  expect(after(20)).toMatchObject({ bootId: first.bootId, status: "done", isUp: true });
  switchOn();
  expect(after(10)).toMatchObject({ isUp: true, status: "done" });
  expect(after(0).bootId).not.toBe(first.bootId);
});

test("the program reads the report", async () => {
  const { after, clock, uuid, disk } = await worker("kube-node03", { reboots: false });
  const { bootId, address } = after(30);
  const report = readReport(clock.worker(uuid, REPORT_COMMAND).stdout)!;
  const mac = clock.guest(uuid)!.machine.nics["1"]!.mac.toLowerCase().match(/../g)!.join(":");
  expect(report).toEqual({
    bootId,
    firstBootId: bootId,
    reached: "installed",
    status: "done",
    errors: [],
    warnings: [],
    addresses: new Map([[mac, address]]),
  });
  disk().facts = { status: "error" };
  expect(readReport(clock.worker(uuid, REPORT_COMMAND).stdout)).toMatchObject({
    reached: "-",
    status: "error",
    errors: [expect.stringContaining("runcmd")],
  });
});

test("each clone has a machine-id of its own, unless the image had one; addresses are kept by MAC", async () => {
  const workers = [
    await worker("kube-node04"),
    await worker("kube-node05"),
    await worker("kube-node06", { guest: { machineId: "twin" } }),
  ];
  const [a, b, c] = workers.map(({ after, disk }) => (after(10), disk().machineId));
  expect(a).toMatch(/^[0-9a-f]{32}$/);
  expect(b).not.toBe(a);
  expect(c).toBe("twin");
  const [one] = workers;
  const { address, machine } = one!.after(0);
  machine.name = "another name";
  one!.switchOn();
  expect(one!.after(10).address).toBe(address);
});

test("another instance-id runs cloud-init again, but only in the next boot", async () => {
  const { after, switchOn, disk, isoPath } = await worker("kube-node07", { reboots: false });
  const before = after(30);
  const options = renderOptions(
    { name: "kube-node77", macAddresses: [before.machine.nics["1"]!.mac] },
    { reboot: false },
  );
  await writeIso(isoPath, isoImage("cidata", render(options, generateHostKey()).files));
  expect(after(1).status).toBe("done");
  expect(disk().hostname).toBe("kube-node07");
  switchOn();
  expect(after(10).status).toBe("running");
  expect(disk()).toMatchObject({ hostname: "kube-node77", machineId: before.disk.machineId });
});

test.each<[string, (machine: Machine, now: number) => void]>([
  ["and came back at once", () => undefined],
  ["and came back long after", (machine, now) => ((machine.offSince = now), (machine.boot = undefined))],
])(
  "a first boot that the power ended, %s, never goes on: the status is clean, and the mark is missing",
  async (what, cut) => {
    const { after, switchOn, disk, clock, uuid, machine } = await worker(`kube-${what.length}`);
    after(15);
    cut(machine, clock.now);
    if (machine.offSince) clock.now += 100;
    switchOn();
    const { status, bootId } = after(10);
    expect(status).toBe("done");
    expect(disk().firstBootId).not.toBe(bootId);
    expect(readReport(clock.worker(uuid, REPORT_COMMAND).stdout)).toMatchObject({
      reached: "-",
      status: "done",
      errors: [],
    });
  },
);

test("a first boot that failed has a clean status after the next boot, and no mark", async () => {
  const { after, switchOn, clock, uuid, disk } = await worker("kube-node10", { reboots: false });
  disk().facts = { status: "error" };
  after(30);
  switchOn();
  after(10);
  expect(readReport(clock.worker(uuid, REPORT_COMMAND).stdout)).toMatchObject({
    reached: "-",
    status: "done",
    errors: [],
  });
});

test("without a cidata disc there is no cloud-init, and nobody to sign in", async () => {
  const { after, isoPath, disk } = await worker("kube-node09");
  rmSync(isoPath);
  expect(after(10).status).toBe("disabled");
  expect(disk().hostKey).toBeUndefined();
});

test.each(["poweroff", "paused", "saved", "stopping"] as const)("a machine that is %s has no guest", async (state) => {
  const { clock, machine, uuid } = await worker(`kube-${state}`);
  machine.state = state;
  expect(clock.guest(uuid)).toBeUndefined();
});
