import type { AuthContext } from "ssh2";
import { withSession } from "../../ssh/session";
import { refusal, serve, serveNothing, soon, target } from "../support/sshFixture";
import { freePort } from "../support/sshServer";

describe("a machine that boots", () => {
  test("is waited for", async () => {
    const port = await freePort();
    const lines: string[] = [];
    const log = (line: string) => void (lines.push(line) === 1 && void serve({ port }));
    expect(await withSession(target(port), { ...soon, log }, (session) => session.run("exit 0"))).toBe("said");
    const line = /^waiting for SSH on kube-node01: kube-node01 \(debian@127.*\): connect ECONNREFUSED/;
    expect(lines).toEqual([expect.stringMatching(line)]);
  });

  test("and lets nobody in yet is waited for: pam_nologin says so, and hangs up", async () => {
    let refusals = 2;
    const lines: string[] = [];
    const server = await serve({
      banner: "System is booting up.\r\n",
      onAuthentication: (_, connection) => refusals-- <= 0 || (connection.end(), false),
    });
    const log = (line: string) => void lines.push(line);
    expect(await withSession(target(server.port), { ...soon, log }, (session) => session.run("exit 0"))).toBe("said");
    expect([server.count, lines]).toEqual([
      3,
      [expect.stringMatching(/the connection was closed; it said: System is booting up\.$/)],
    ]);
  });

  test.each([
    ["each time", Infinity],
    ["once, and is silent then until the deadline", 1],
  ])("and hangs up %s: the deadline says what was last seen", async (_what, hangUps) => {
    const error = await refusal(target(await serveNothing({ hangUps })), { deadlineMs: 600 });
    expect(error.kind).toBe("unreachable");
    expect(error.message).toMatch(/^kube-node01 gave no SSH session within 0.6 s, at 127.0.0.1:\d+ \(\d attempts\)\n/);
    expect(error.message).toMatch(/\n {4}last seen: .*before handshake\n→ look/);
  });

  test("and answers nothing is given up at the deadline", async () => {
    const mute = await serveNothing();
    const errors = await Promise.all(Array.from({ length: 6 }, () => refusal(target(mute), { deadlineMs: 300 })));
    expect(new Set(errors.map(({ kind }) => kind))).toEqual(new Set(["unreachable"]));
    expect(errors[0]?.message).toContain(
      "last seen: kube-node01 (debian@127.0.0.1:" + mute + "): Timed out while waiting for handshake",
    );
  });

  test("has no more than four handshakes to do at a time", async () => {
    let letGo: (() => void)[] = [];
    const onAuthentication = async ({ method, ...context }: AuthContext) => {
      if (method !== "publickey" || "signature" in context) return true;
      // Nobody gets in before four are at the door.
      const turn = new Promise<void>((resolve) => letGo.push(resolve));
      if (letGo.length === 4) letGo = (letGo.forEach((go) => go()), []);
      await turn;
      return true;
    };
    const server = await serve({ onAuthentication });
    await Promise.all(
      Array.from({ length: 12 }, () => withSession(target(server.port), soon, (session) => session.run("exit 0"))),
    );
    expect([server.count, server.mostHandshakes]).toEqual([12, 4]);
  });
});
