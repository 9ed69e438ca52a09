import { withMaster } from "../../access/masters";
import { failure, serve, serveNothing, target } from "../support/sshFixture";

const lines: string[] = [];
const ask = (masters: ReturnType<typeof target>[], deadlineMs: number) =>
  withMaster(masters, "VBoxManage", { deadlineMs, log: (line) => void lines.push(line) }, (session) =>
    session.run("exit 0"),
  );
beforeEach(() => void lines.splice(0));

test("a master that does not answer leaves time for the next", async () => {
  const masters = [target(await serveNothing()), target((await serve()).port)];
  expect(await ask(masters, 2_000)).toBe("said");
  expect(lines).toContain("trying master 127.0.0.1: 127.0.0.1 does not answer");
});

test("masters share the deadline, however many there are, and the error names them all", async () => {
  const port = await serveNothing();
  const start = performance.now();
  const error = await failure(
    ask(
      Array.from({ length: 6 }, () => target(port)),
      900,
    ),
  );
  expect(performance.now() - start).toBeLessThan(5_400);
  expect(error).toMatchObject({
    kind: "unreachable",
    summary: expect.stringMatching(
      /^none of the masters (127\.0\.0\.1, ){5}127\.0\.0\.1 gave an SSH session within 0\.9 s$/,
    ) as string,
  });
  expect(error.message).toMatch(
    /master 127\.0\.0\.1 gave no SSH session .*\n *last seen: .*Timed out.*\n→ look at the machine's console/,
  );
});

test("a single master's error is its own", async () => {
  expect((await failure(ask([target(await serveNothing())], 300))).summary).toMatch(
    /^master 127\.0\.0\.1 gave no SSH session within 0\.3 s/,
  );
});
