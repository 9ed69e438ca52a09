import fc from "fast-check";
import { run } from "../../dev/lab/exec";
import { shellCommand } from "../../common/shell";

test("plain words stay as they are, all others are quoted", () => {
  const command = shellCommand(["kubeadm", "token", "delete", "a b", "it's", "", "$(id)", "A=b"]);
  expect(command).toBe("kubeadm token delete 'a b' 'it'\\''s' '' '$(id)' 'A=b'");
});

test("a word of the shell's grammar is a program's name", () => expect(shellCommand(["if"])).toBe("'if'"));

test("a NUL byte is refused", () => expect(() => shellCommand(["a\0"])).toThrow("NUL"));

test("a real shell reads back exactly the arguments", async () => {
  const argument = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("-n", "~", "*", "\\", "\n", "'", "''", "!", "#", "a\r\n"),
  );
  const commands = fc.array(fc.array(argument.filter((text) => !text.includes("\0"))), {
    minLength: 50,
    maxLength: 50,
  });
  await fc.assert(
    fc.asyncProperty(commands, async (all) => {
      const script = all.map((args) => shellCommand(["printf", "%s\\0", "start", ...args])).join("\n");
      const expected = all.map((args) => ["start", ...args].map((argument) => `${argument}\0`).join("")).join("");
      expect(await run("sh", [], { input: script })).toBe(expected);
    }),
    { numRuns: 10 },
  );
});
