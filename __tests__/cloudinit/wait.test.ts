import { waitForCloudInit } from "../../cloudinit/wait";
import { readReport } from "../../cloudinit/report";
import { UserError } from "../../common/errors";
import { FirstBootFailed } from "../../common/firstBootFailed";
import type { ExecResult } from "../../common/exec";
import { SshError } from "../../ssh/error";
import type { SshSession, withSession } from "../../ssh/session";

// Each look would be followed by a pause: how long ones were asked for, in milliseconds.
const mockPauses: number[] = [];
jest.mock("node:timers/promises", () => ({
  setTimeout: (ms: number) => new Promise((resolve) => setImmediate(resolve, mockPauses.push(ms))),
}));

const LINKS = JSON.stringify([
  { ifname: "lo", address: "00:00:00:00:00:00", addr_info: [{ family: "inet", scope: "host", local: "127.0.0.1" }] },
  {
    ifname: "enp0s3",
    address: "08:00:27:A1:B2:01",
    addr_info: [{ family: "inet", scope: "global", local: "192.168.2.131" }],
  },
  {
    ifname: "cni0",
    address: "0a:58:0a:f4:01:01",
    addr_info: [{ family: "inet", scope: "global", local: "10.244.1.1" }],
  },
  {},
]);

const [BOOT_1, BOOT_2] = ["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"];

/** What a machine prints. */
const printed = ({
  boot = BOOT_1,
  first = BOOT_1,
  reached = "installed",
  ...status
}: {
  boot?: string;
  first?: string;
  reached?: string;
  status: string;
  errors?: string[];
  recoverable_errors?: object;
}) => [boot, first, reached, LINKS, JSON.stringify(status, undefined, 2), "end"].join("\n");

const rebooted = printed({ boot: BOOT_2, status: "done" });
type Step = string | Error;

/**
 * A machine that prints these one after the other; an error ends the session, or stands for one that does not come. The
 * last stays.
 */
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
  const wait = (changes: { rebootExpected?: boolean; endsUnmarked?: boolean; timeoutSeconds?: number } = {}) =>
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
    printed({ boot: BOOT_2, status: "running" }),
    rebooted,
  );
  const report = await wait();
  expect(report).toMatchObject({ bootId: BOOT_2, firstBootId: BOOT_1, status: "done" });
  expect(opened()).toBe(4);
  expect(lines).toEqual([
    "waiting for cloud-init: running",
    "waiting for cloud-init: done, its reboot is still to come",
    "waiting for cloud-init: the connection ended, as it does in a reboot",
    "waiting for cloud-init: running",
  ]);
});

test("without a reboot to come it is over when cloud-init is done", async () => {
  expect(await machine(printed({ status: "done" })).wait({ rebootExpected: false })).toMatchObject({ bootId: BOOT_1 });
});

test("the addresses are those of the machine, by MAC address", async () => {
  const { addresses } = await machine(rebooted).wait();
  expect(Object.fromEntries(addresses)).toEqual({
    "08:00:27:a1:b2:01": "192.168.2.131",
    "0a:58:0a:f4:01:01": "10.244.1.1",
  });
});

test("errors in spite of which cloud-init went on are told", async () => {
  const { wait, lines } = machine(
    printed({ boot: BOOT_2, status: "done", recoverable_errors: { WARNING: ["no locale"] } }),
  );
  await wait();
  expect(lines).toEqual(["cloud-init went on in spite of: no locale"]);
});

test("a failure shows cloud-init's errors and the end of its output, without secrets", async () => {
  const { wait, commands } = machine(printed({ status: "error", errors: ["runcmd failed"] }));
  await expect(wait()).rejects.toThrow(
    /cloud-init failed on node1\n {4}runcmd failed\n {4}.*\n {4}E: no such package abcdef\.<redacted>/,
  );
  expect(commands.at(-1)).toBe("sudo -n tail -c 131072 /var/log/cloud-init-output.log");
});

describe("a boot that is done without the last step's mark", () => {
  const cutShort = printed({ boot: BOOT_2, reached: "-", status: "done" });
  test.each([true, false])("was cut short: another machine is needed (reboot expected: %s)", async (rebootExpected) => {
    const error = await machine(cutShort)
      .wait({ rebootExpected })
      .catch((error: unknown) => error);
    expect(error).toBeInstanceOf(FirstBootFailed);
    expect((error as Error).message).toMatch(
      /^the first boot of node1 did not come to its end.*\n {4}.*\n {4}E: no such[^]*→ look at/,
    );
  });
  test("may just be writing it", async () => {
    await machine(printed({ reached: "-", status: "done" }), rebooted).wait();
  });
  test("is ready where the machine is in a cluster, and where the user-data leaves none", async () => {
    await machine(printed({ boot: BOOT_2, reached: "joined", status: "done" })).wait();
    await machine(cutShort).wait({ endsUnmarked: true });
  });
});

test.each([
  ["-", true],
  ["installed", false],
  ["joined", false],
])(
  "a failure of a machine that has reached %j is one that only another machine helps against: %s",
  async (reached, expected) => {
    const error = await machine(printed({ reached, status: "error" }))
      .wait()
      .catch((error: unknown) => error);
    expect(error).toBeInstanceOf(UserError);
    expect(error instanceof FirstBootFailed).toBe(expected);
  },
);

test("a failure that passes, as while the machine goes down, is none", async () => {
  await machine(
    printed({ status: "error" }),
    "",
    printed({ status: "done" }),
    printed({ status: "error" }),
    rebooted,
  ).wait();
});

test("a machine where cloud-init is switched off, or not there, is not waited for", async () => {
  await expect(machine(printed({ status: "disabled" })).wait()).rejects.toThrow("cloud-init is disabled on node1");
  await expect(machine("sh: cloud-init: not found").wait()).rejects.toThrow(
    /node1 does not tell cloud-init's status\n {4}sh: cloud-init: not found/,
  );
});

test("user-data that does not write its first boot down is a mistake", async () => {
  await expect(machine(printed({ first: "-", status: "done" })).wait()).rejects.toThrow(
    /has not written .*first-boot-id\n→/,
  );
});

test.each(["hostKey", "authentication"] as const)("a refusal by %s is final", async (kind) => {
  await expect(machine(printed({ status: "running" }), new SshError(kind, "refused")).wait()).rejects.toThrow(
    "refused",
  );
});

test("a machine that is never reached keeps the reason that SSH gives", async () => {
  await expect(
    machine(new SshError("unreachable", "no session within 5 s, look at the console")).wait(),
  ).rejects.toThrow("look at the console");
});

test("the deadline says what it waited for, what it saw last, and what to look at", async () => {
  await expect(machine(printed({ status: "done" })).wait({ timeoutSeconds: 0.05 })).rejects.toThrow(
    /node1 is not ready: waited 0\.05 s for cloud-init to be done and the machine to .*\n {4}last seen: .* its reboot is still to come\n→ look at/,
  );
});

test("the last look is at the deadline, and no pause comes after it", async () => {
  await expect(machine(printed({ status: "running" })).wait({ timeoutSeconds: 0.05 })).rejects.toThrow(
    "cloud-init is running",
  );
  expect(mockPauses.at(-1)).toBe(0);
});

const whole = printed({ status: "done", errors: ["e"], recoverable_errors: { WARNING: ["w"] } });
const links = (...addresses: unknown[]) =>
  whole.replace(LINKS, JSON.stringify([{ address: "08:00:27:a1:b2:01", addr_info: addresses }]));
const inet = (local: unknown) => links({ family: "inet", scope: "global", local });

test("a whole answer is read, with the line ends of a terminal too", () => {
  const report = {
    bootId: BOOT_1,
    firstBootId: BOOT_1,
    reached: "installed",
    status: "done",
    errors: ["e"],
    warnings: ["w"],
  };
  for (const answer of [whole, whole.replaceAll("\n", "\r\n"), `${whole}\n`])
    expect(readReport(answer)).toMatchObject(report);
  expect(readReport(inet("192.168.2.130"))!.addresses.get("08:00:27:a1:b2:01")).toBe("192.168.2.130");
});

test.each(Array.from({ length: whole.length - 1 }, (_, length) => length).filter((length) => length % 17 === 0))(
  "the first %d characters of an answer are none",
  (length) => expect(readReport(whole.slice(0, length))).toBeUndefined(),
);

test.each<[string, string]>([
  ["nothing", ""],
  ["two answers", `${whole}\n${whole}`],
  ["a greeting before it", `Welcome\n${whole}`],
  ["words of another language", "cloud-init: no s'ha trobat"],
  ["a boot id that is none", whole.replace(BOOT_1, "1")],
  ["a first boot's that is none", whole.replace(`${BOOT_1}\n${BOOT_1}`, `${BOOT_1}\n`)],
  ["an end that we do not know", whole.replace("installed", "yes")],
  ["no status", whole.replace('"status": "done",', "")],
  ["a status of another type", whole.replace('"done"', "{}")],
  ["a status that we do not know", whole.replace('"done"', '"finished"')],
  ["errors that are no list", whole.replace(/"errors": \[[^\]]*\]/, '"errors": "e"')],
  ["an error that is no text", whole.replace('"e"', "1")],
  ["warnings that are no lists", whole.replace(/"WARNING": \[[^\]]*\]/, '"WARNING": "w"')],
  ["interfaces that are no list", whole.replace(LINKS, "{}")],
  ["an interface that is null", whole.replace(LINKS, "[null]")],
  ["an address that is an object", inet({ a: 1 })],
  ["an address that colours the terminal", inet("\u001b[32m192.168.2.130")],
  ["an address with a prefix", inet("192.168.2.130/24")],
  ["an address of IPv6 that says it is IPv4", inet("fe80::1")],
  ["no address where there is to be one", links({ family: "inet", scope: "global" })],
  ["an address of a megabyte", inet("1".repeat(1_000_000))],
  ["an error of 15 MB", whole.replace('"e"', JSON.stringify("x".repeat(15_000_000)))],
])("%s: no answer", (_what, output) => expect(readReport(output)).toBeUndefined());
