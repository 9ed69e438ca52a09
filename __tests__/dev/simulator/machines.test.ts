import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateHostKey } from "../../../cloudinit/hostKey";
import type { SshTarget } from "../../../ssh/target";
import { withSession } from "../../../ssh/session";
import { type FaultPlan, journal, planFaults } from "../../../dev/simulator/faults";
import { bootWorker, power, type ServedSite, servedSite } from "../../support/servedSite";

let site: ServedSite;
let worker: Awaited<ReturnType<typeof bootWorker>>;
beforeAll(async () => {
  site = await servedSite();
  worker = await bootWorker(site, "kube-node01");
});
afterAll(() => site.remove());

const soon = { deadlineMs: 5_000, what: "it" };
const target = () => site.workerTarget("kube-node01", worker);
const run = (to: SshTarget, command = "hostname") => withSession(to, soon, (session) => session.run(command));

test.each(["kube-node01", "kube-node01.kube.demo", "192.168.2.130"])("a worker is reached as %s", async (address) => {
  expect(await run(site.workerTarget(address, worker))).toBe("kube-node01");
});

test.each(["kube-mast01", "kube-mast02.kube.demo", "192.168.1.2", "192.168.4.20"])(
  "a master is reached as %s",
  async (address) => {
    expect(
      await run({
        ...site.masterTarget(),
        address,
        hostKeys: site.masterTarget(address.includes("02") ? "kube-mast02" : "kube-mast01").hostKeys,
      }),
    ).toMatch(/^kube-mast0[12]$/);
  },
);

test.each(["kube-node09", "debian-base-image", "kube-node01.other", "192.168.2.131"])(
  "there is no %s",
  async (address) => {
    const nobody = withSession({ ...target(), address }, { ...soon, deadlineMs: 2_000 }, (session) =>
      session.run("hostname"),
    );
    await expect(nobody).rejects.toMatchObject({
      kind: "unreachable",
      message: expect.stringContaining("connect failed"),
    });
  },
);

test("another host key, another user, and another key to sign in with are refused", async () => {
  await expect(run(site.workerTarget("kube-node01", { hostKey: generateHostKey() }))).rejects.toMatchObject({
    kind: "hostKey",
  });
  await expect(run({ ...target(), user: "root" })).rejects.toMatchObject({ kind: "authentication" });
  const privateKeyFile = join(site.folder, "other_key");
  writeFileSync(privateKeyFile, generateHostKey().hostPrivateKey, { mode: 0o600 });
  await expect(run({ ...site.bastionTarget(), privateKeyFile })).rejects.toMatchObject({ kind: "authentication" });
});

test("an unknown command is answered as by a shell", async () => {
  const answer = await withSession(target(), soon, (session) => session.exec("frob; reboot"));
  expect(answer).toEqual({ exitCode: 127, stdout: "", stderr: "bash: line 1: frob; reboot: command not found" });
});

test("a connection ends with the boot in which it was made", async () => {
  await withSession(target(), soon, async (session) => {
    await power(site, worker.uuid, "on");
    await expect(session.exec("hostname")).rejects.toMatchObject({ kind: "dropped" });
  });
  expect(await run(target())).toBe("kube-node01");
});

describe("faults", () => {
  const command = "ssh kube-node01 hostname";
  const plan = (kind: NonNullable<FaultPlan["at"]>["kind"]) =>
    planFaults(site.folder, { at: { command, occurrence: 1, kind } });
  afterEach(() => planFaults(site.folder));

  test("a command fails once, or each time", async () => {
    await withSession(target(), soon, async ({ exec }) => {
      plan("failsOnce");
      expect([(await exec("hostname")).exitCode, (await exec("hostname")).exitCode]).toEqual([1, 0]);
      plan("fails");
      expect([(await exec("hostname")).exitCode, (await exec("hostname")).exitCode]).toEqual([1, 1]);
      expect(journal(site.folder)).toEqual([command, command]);
    });
  });

  test("a connection drops once its command has had its effect", async () => {
    plan("dropped");
    await expect(run(target())).rejects.toMatchObject({ kind: "dropped" });
    expect(await run(target())).toBe("kube-node01");
  });

  test("a command hangs until its deadline; its session goes on, and nothing is left when the servers stop", async () => {
    plan("hangs");
    await withSession(target(), soon, async (session) => {
      await expect(session.exec("hostname", { timeoutMs: 100 })).rejects.toMatchObject({ kind: "timeout" });
      expect(await session.run("hostname")).toBe("kube-node01");
    });
    plan("hangs");
    const hanging = run(target());
    while (journal(site.folder).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await Promise.all([expect(hanging).rejects.toMatchObject({ kind: "dropped" }), site.restart()]);
  });

  test("noise drops connections, the same ones for the same seed", async () => {
    const outcomes = async () => {
      planFaults(site.folder, { noise: { seed: 7, rate: 0.5 } });
      const output: string[] = [];
      for (let number = 0; number < 8; number++)
        output.push(await run(target()).catch((error: { kind: string }) => error.kind));
      return output;
    };
    const first = await outcomes();
    expect(new Set(first)).toEqual(new Set(["dropped", "kube-node01"]));
    expect(await outcomes()).toEqual(first);
  });
});

test("two sites run side by side, each at an address of its own that VirtualBox knows", async () => {
  const other = await servedSite();
  try {
    expect(other.bastionTarget()).toMatchObject({ port: site.bastionTarget().port });
    expect(other.bastionTarget().address).not.toBe(site.bastionTarget().address);
    const { guestProperties } = other.world.read().virtualBox.machines.find(({ name }) => name === "busybox")!;
    expect(guestProperties["/VirtualBox/GuestInfo/Net/0/V4/IP"]).toBe(other.bastionTarget().address);
    expect(await run(other.masterTarget())).toBe("kube-mast01");
  } finally {
    await other.remove();
  }
});
