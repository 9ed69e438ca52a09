import fc from "fast-check";
import { shellCommand } from "../../../common/shell";
import { shellWords } from "../../../dev/simulator/shellWords";

test("it undoes whatever quoting the program does", () => {
  const word = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));
  fc.assert(fc.property(fc.array(word), (words) => expect(shellWords(shellCommand(words))).toEqual(words)));
});

test.each([
  [`a 'b c'"d e"\\ f`, ["a", "b cd e f"]],
  [`"a\\"b\\$c" ''`, ['a"b$c', ""]],
  ["  date   +%s ", ["date", "+%s"]],
  ["", []],
])("%j", (command, words) => expect(shellWords(command)).toEqual(words));

test.each([
  "a; b",
  "a && b",
  "a | b",
  "a $(b)",
  "a `b`",
  'a "$b"',
  "a $b",
  "a > b",
  "a\nb",
  "'a",
  '"a',
  "a *",
  "a #b",
  "~/a",
])("%j is no simple command", (command) => expect(shellWords(command)).toBeUndefined());
