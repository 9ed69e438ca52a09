import { exec, execWithin, lastLines } from "../../common/exec";
import { run } from "../../dev/lab/exec";
import { UserError } from "../../common/errors";

test("a program's output and exit code come back, whatever the code is", async () => {
  expect(await exec("sh", ["-c", "echo out; echo err >&2; exit 3"])).toEqual({
    stdout: "out",
    stderr: "err",
    exitCode: 3,
  });
});

test("input goes in by standard input", async () => {
  expect(await run("cat", [], { input: "a secret" })).toBe("a secret");
});

test("arguments never meet a shell", async () => {
  expect(await run("echo", ["$(id)", ";", "'"])).toBe("$(id) ; '");
});

test("a failure tells the exit code and the last words", async () => {
  await expect(run("sh", ["-c", "echo no such thing >&2; exit 4"])).rejects.toThrow(/exit code 4\n {4}no such thing/);
});

test("a missing program is a user's error", async () => {
  const failure = exec("no-such-program-here", []);
  await expect(failure).rejects.toThrow(UserError);
  await expect(failure).rejects.toThrow("no-such-program-here is not installed, or not on PATH");
});

test("a signal that ended it is in the exit code, as in a shell", async () => {
  expect(await exec("sh", ["-c", "kill -ABRT $$"])).toMatchObject({ exitCode: 128 + 6 });
});

test("a deadline ends the program", async () => {
  await expect(exec("sleep", ["60"], { timeoutMs: 50 })).rejects.toThrow("sleep 60 did not end within 0.05 s");
});

test("execWithin gives a deadline to what has none of its own", async () => {
  for (const options of [undefined, { timeoutMs: undefined }]) {
    await expect(execWithin(50)("sleep", ["60"], options)).rejects.toThrow("sleep 60 did not end within 0.05 s");
  }
  expect(await execWithin(1)("echo", ["in time"], { timeoutMs: 10_000 })).toMatchObject({ stdout: "in time" });
});

test("lastLines keeps the end", () => expect(lastLines("1\n2\n3\n", 2)).toBe("2\n3"));
