import { waitForCloudInit } from "../../host/cloudInit";
import { readReport } from "../../host/cloudInitReport";
import type { ExecResult } from "../../host/exec";
import { SshError, type SshSession, type withSession } from "../../host/ssh";

// Each look would be followed by a pause: how long ones were asked for, in milliseconds.
const mockPauses: number[] = [];
jest.mock("node:timers/promises", () => ({ setTimeout: (ms: number) => new Promise((resolve) => setImmediate(resolve, mockPauses.push(ms))) }));

const LINKS = JSON.stringify([
  { ifname: "lo", address: "00:00:00:00:00:00", addr_info: [{ family: "inet", scope: "host", local: "127.0.0.1" }] },
  { ifname: "enp0s3", address: "08:00:27:A1:B2:01", addr_info: [{ family: "inet", scope: "global", local: "192.168.2.131" }] },
  { ifname: "cni0", address: "0a:58:0a:f4:01:01", addr_info: [{ family: "inet", scope: "global", local: "10.244.1.1" }] },
  {},
]);

/** What a machine prints. */
const printed = ({
  boot = "boot-1",
  first = "boot-1",
  ...status
}: {
  boot?: string;
  first?: string;
  status: string;
  errors?: string[];
  recoverable_errors?: object;
}) => [boot, first, LINKS, JSON.stringify(status, undefined, 2)].join("\n");

const rebooted = printed({ boot: "boot-2", status: "done" });
type Step = string | Error;

/** A machine that prints these one after the other; an error ends the session, or stands for one that does not come. The last stays. */
function machine(...steps: Step[]) {
  const commands: string[] = [];
  let opened = 0;
  const next = () => (steps.length > 1 ? steps.shift()! : steps[0]!);
  const exec = (command: string): Promise<ExecResult> => {
    commands.push(command);
    if (command.startsWith("sudo"))
      return Promise.resolve({ stdout: "E: no such package abcdef.0123456789abcdef", stderr: "", exitCode: 0 });
    const step = next();
    return step instanceof Error ? Promise.reject(step) : Promise.resolve({ stdout: step, stderr: "", exitCode: 2 });
  };
  const open = ((_target, _options, use) => (opened++, use({ exec } as SshSession))) as typeof withSession;
  const lines: string[] = [];
  const wait = (changes: { rebootExpected?: boolean; timeoutSeconds?: number } = {}) =>
    waitForCloudInit(
      {
        name: "node1",
        target: { address: "node1", user: "debian", hostKeys: [] },
        rebootExpected: true,
        timeoutSeconds: 5,
        log: (line) => lines.push(line),
        ...changes,
      },
      open,
    );
  return { wait, lines, commands, opened: () => opened };
}

const dropped = new SshError("dropped", "the connection dropped");

test("it is over in the boot after the reboot, and not before, whatever drops on the way", async () => {
  const { wait, lines, opened } = machine(
    printed({ first: "-", status: "running" }),
    printed({ status: "done" }),
    dropped,
    new SshError("timeout", "the command did not end"),
    new SshError("unreachable", "nobody there"),
    printed({ boot: "boot-2", status: "running" }),
    rebooted,
  );
  const report = await wait();
  expect(report).toMatchObject({ bootId: "boot-2", firstBootId: "boot-1", status: "done" });
  expect(opened()).toBe(4);
  expect(lines.map((line) => line.replace(/ \(\d+ s\)/, ""))).toEqual([
    "cloud-init is running",
    "cloud-init is done, its reboot is still to come",
    "the connection ended, as it does in a reboot",
    "cloud-init is running",
  ]);
});

test("without a reboot to come it is over when cloud-init is done", async () => {
  expect(await machine(printed({ status: "done" })).wait({ rebootExpected: false })).toMatchObject({ bootId: "boot-1" });
});

test("the addresses are those of the machine, by MAC address", async () => {
  const { addresses } = await machine(rebooted).wait();
  expect(Object.fromEntries(addresses)).toEqual({ "08:00:27:a1:b2:01": "192.168.2.131", "0a:58:0a:f4:01:01": "10.244.1.1" });
});

test("errors in spite of which cloud-init went on are told", async () => {
  const { wait, lines } = machine(printed({ boot: "boot-2", status: "done", recoverable_errors: { WARNING: ["no locale"] } }));
  await wait();
  expect(lines).toEqual(["cloud-init went on in spite of: no locale"]);
});

test("a failure shows cloud-init's errors and the end of its output, without secrets", async () => {
  const { wait, commands } = machine(printed({ status: "error", errors: ["runcmd failed"] }));
  await expect(wait()).rejects.toThrow(/cloud-init failed on node1\n {4}runcmd failed\n {4}.*\n {4}E: no such package abcdef\.<redacted>/);
  expect(commands.at(-1)).toBe("sudo -n tail -c 131072 /var/log/cloud-init-output.log");
});

test("a failure that passes, as while the machine goes down, is none", async () => {
  await machine(printed({ status: "error" }), "", printed({ status: "done" }), printed({ status: "error" }), rebooted).wait();
});

test("a machine where cloud-init is switched off, or not there, is not waited for", async () => {
  await expect(machine(printed({ status: "disabled" })).wait()).rejects.toThrow("cloud-init is disabled on node1");
  await expect(machine("sh: cloud-init: not found").wait()).rejects.toThrow(
    /node1 does not tell cloud-init's status\n {4}sh: cloud-init: not found/,
  );
});

test("user-data that does not write its first boot down is a mistake", async () => {
  await expect(machine(printed({ first: "-", status: "done" })).wait()).rejects.toThrow(/has not written .*first-boot-id\n→/);
});

test.each(["hostKey", "authentication"] as const)("a refusal by %s is final", async (kind) => {
  await expect(machine(printed({ status: "running" }), new SshError(kind, "refused")).wait()).rejects.toThrow("refused");
});

test("a machine that is never reached keeps the reason that SSH gives", async () => {
  await expect(machine(new SshError("unreachable", "no session within 5 s, look at the console")).wait()).rejects.toThrow(
    "look at the console",
  );
});

test("the deadline says what it waited for, what it saw last, and what to look at", async () => {
  await expect(machine(printed({ status: "done" })).wait({ timeoutSeconds: 0.05 })).rejects.toThrow(
    /node1 is not ready: waited 0\.05 s for cloud-init to be done and the machine to .*\n {4}last seen: .* its reboot is still to come\n→ look at/,
  );
});

test("the last look is at the deadline, and no pause comes after it", async () => {
  await expect(machine(printed({ status: "running" })).wait({ timeoutSeconds: 0.05 })).rejects.toThrow("cloud-init is running");
  expect(mockPauses.at(-1)).toBe(0);
});

test.each(["", "boot-1\n-\n[]\n", "boot-1\n-\n[]\n{"])("half an answer, %j, is none", (output) =>
  expect(readReport(output)).toBeUndefined(),
);
