import type { ServerChannel } from "ssh2";
import type { SshError } from "../../ssh/error";
import { withSession } from "../../ssh/session";
import { end, onExec } from "../support/sshCommands";
import { failure, serve, soon, target } from "../support/sshFixture";

describe("a command", () => {
  test("gives its output and exit code, whatever that is", async () => {
    const { port } = await serve();
    const result = await withSession(target(port), soon, (session) => session.exec("exit 3"));
    expect(result).toEqual({ stdout: "said", stderr: "some words", exitCode: 3 });
  });

  test("gets its input, then the end of it; none is an empty one", async () => {
    const { port } = await serve();
    const input = "schlüssel\n".repeat(50_000);
    await withSession(target(port), soon, async (session) => {
      expect(await session.run("cat", { input })).toBe(input.slice(0, -1));
      expect(await session.run("cat")).toBe("");
    });
  });

  test("that must succeed fails with its last words, without its input", async () => {
    const { port } = await serve();
    const error = await failure(
      withSession(target(port), soon, (session) => session.run("exit 4", { input: "a secret" })),
    );
    expect(error.message).toBe("kube-node01: exit 4 failed with exit code 4\n    some words");
  });

  test("that a signal ended has the exit code that a shell gives", async () => {
    const { port } = await serve();
    expect((await withSession(target(port), soon, (session) => session.exec("killed"))).exitCode).toBe(137);
  });

  test("may print much, but not without end", async () => {
    const { port } = await serve();
    await withSession(target(port), soon, async (session) => {
      expect(await session.run(`print ${1024 * 1024}`)).toHaveLength(1024 * 1024);
      expect((await failure(session.run(`print ${2 * 1024 * 1024}`))).message).toBe(
        "kube-node01: a command printed more than 1024 kB",
      );
      expect(await session.run(`print ${5 * 1024 * 1024}`, { mostOutput: 5 * 1024 * 1024 })).toHaveLength(
        5 * 1024 * 1024,
      );
      expect((await session.exec(`warn ${5 * 1024 * 1024}`)).stderr).toMatch(/^x{65536,200000}\nthe end$/);
    });
  });

  test("has a deadline, after which the session goes on", async () => {
    const { port } = await serve();
    await withSession(target(port), soon, async (session) => {
      const error = await failure(session.exec("hang", { timeoutMs: 50 }));
      expect([error.kind, error.message]).toEqual([
        "timeout",
        "kube-node01: the command did not end within 0.05 s: hang",
      ]);
      expect((await session.exec("exit 0")).exitCode).toBe(0);
    });
  });

  test("without a deadline of its own has the session's", async () => {
    const { port } = await serve();
    const hanging = withSession(target(port), { ...soon, commandTimeoutMs: 60 }, (session) => session.exec("hang"));
    expect((await failure(hanging)).message).toBe("kube-node01: the command did not end within 0.06 s: hang");
  });

  test("during which the connection drops is not run again; the next one gets a new connection", async () => {
    const server = await serve();
    await withSession(target(server.port), soon, async (session) => {
      const error = await failure(session.exec("vanish"));
      expect([error.kind, error.message]).toEqual([
        "dropped",
        "the connection to kube-node01 dropped during: vanish\n    the connection was closed",
      ]);
      expect(server.count).toBe(1);
      expect((await session.exec("exit 0")).stdout).toBe("said");
    });
    expect(server.count).toBe(2);
  });

  test.each([
    [3, "said"],
    [4, "dropped"],
  ])("that only looks is repeated up to three times: %i drops", async (drops, outcome) => {
    let left = drops;
    const server = await serve({ onExec: (command, ...rest) => onExec(left-- > 0 ? "vanish" : command, ...rest) });
    const look = withSession(target(server.port), soon, (session) => session.run("exit 0", { readOnly: true }));
    expect(await look.catch(({ kind }: SshError) => kind)).toBe(outcome);
    expect(server.count).toBe(4);
  });

  test("shares a new connection with all that lost theirs", async () => {
    let begun = 0;
    const server = await serve({
      onExec: (command, ...rest) => onExec(++begun < 5 ? "hang" : begun === 5 ? "vanish" : command, ...rest),
    });
    await withSession(target(server.port), soon, async (session) => {
      const readOnly = Array.from({ length: 5 }, () => session.run("exit 0", { readOnly: true }));
      expect(await Promise.all(readOnly)).toEqual(Array(5).fill("said"));
    });
    expect(server.count).toBe(2);
  });

  test("that looks at a machine which is gone fails as dropped", async () => {
    const server = await serve({ onExec: () => void server.stop() });
    const look = withSession(target(server.port), { ...soon, deadlineMs: 300 }, (session) =>
      session.run("exit 0", { readOnly: true }),
    );
    expect((await failure(look)).kind).toBe("dropped");
  });

  test("that ended before the connection dropped has ended", async () => {
    const { port } = await serve();
    expect((await withSession(target(port), soon, (session) => session.exec("reboot"))).exitCode).toBe(0);
  });

  test("without an exit code counts as dropped", async () => {
    const { port } = await serve();
    expect((await failure(withSession(target(port), soon, (session) => session.exec("silent")))).kind).toBe("dropped");
  });

  test("waits while eight others run, as sshd allows ten", async () => {
    let held: ServerChannel[] = [];
    const onExec = (_: string, channel: ServerChannel) => {
      held.push(channel);
      if (held.length < 8) return;
      for (const each of held) end(each, 0);
      held = [];
    };
    const server = await serve({ onExec });
    await withSession(target(server.port), soon, (session) =>
      Promise.all(Array.from({ length: 24 }, () => session.run("x"))),
    );
    expect(server.mostCommands).toBe(8);
  });
});
