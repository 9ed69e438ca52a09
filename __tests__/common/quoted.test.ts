import fc from "fast-check";
import { UserError } from "../../common/errors";
import { beginningOf, bounded, hanging, lastLines, visible } from "../../common/quoted";
import { newKeyPair } from "../support/sshServer";

const TERMINAL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const withoutLines = (text: string) => text.replace(/[\n\t]/g, "");
const token = "abcdef.0123456789abcdef";
const kB = 1024;

describe("a long text", () => {
  const lines = Array.from({ length: 40_000 }, (_, i) => `line ${i}`).join("\n");

  test("is bounded to whole lines, of its end or its beginning", () => {
    expect(bounded(lines)).toMatch(/^…\nline \d+\n[^]*\nline 39999$/);
    expect(bounded(lines, "beginning")).toMatch(/^line 0\n[^]*\n…$/);
    for (const keep of ["end", "beginning"] as const)
      expect(bounded(lines, keep).length).toBeLessThanOrEqual(64 * kB + 2);
  });

  test("in one line is bounded to whole words, so that no token is cut", () => {
    for (let before = 0; before < 30; before++) {
      const end = `${" x".repeat(64 * kB)}${token} ${"y".repeat(64 * kB - before)}`;
      const beginning = `${"y".repeat(64 * kB - before)} ${token}${" x".repeat(64 * kB)}`;
      for (const text of [bounded(end), bounded(beginning, "beginning")])
        expect(text.replace(token, "")).not.toMatch(/[0-9]/);
    }
  });

  test("that is one word leaves nothing", () => {
    expect(bounded("x".repeat(100 * kB))).toBe("…");
    expect(bounded("x".repeat(100 * kB), "beginning")).toBe("…");
  });
});

test("the last lines keep the end", () => expect(lastLines("1\n2\n3\n", 2)).toBe("2\n3"));

test("the beginning is shortened after its secrets are out", () => {
  expect(beginningOf(`${"z".repeat(178)} ${token}`, 200)).toBe(`${"z".repeat(178)} abcdef.<redacted>`.slice(0, 200));
  expect(beginningOf("12345", 3)).toBe("123…");
});

test("a key of more lines than are shown does not come through by its end", () => {
  const { private: key } = newKeyPair();
  const body = key.trim().split("\n").slice(1, -1);
  const long = [
    key.split("\n")[0],
    ...Array.from({ length: 40 }, () => body[0]),
    ...body,
    "-----END OPENSSH PRIVATE KEY-----",
  ].join("\n");
  const shown = lastLines(`words\n${long}\nmore words`);
  for (const line of body) expect(shown).not.toContain(line);
  expect(shown).toBe("words\n<private key redacted>\nmore words");
});

test("nothing reaches a terminal that it would obey or hide, and what is shown is not changed again", () => {
  expect(visible("a\u001b]0;pwned\u0007\rb\u202e\r\nc\td")).toBe("a\\u{1b}]0;pwned\\u{7}\\u{d}b\\u{202e}\nc\td");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const { message } = new UserError(text, { output: text, hint: text });
      for (const shown of [lastLines(text), beginningOf(text), message])
        expect(withoutLines(shown)).not.toMatch(TERMINAL);
      expect(visible(visible(text))).toBe(visible(text));
    }),
  );
});

test("no line of somebody else's can pass for one of ours", () => {
  expect(hanging("kube-node01: it said\nkube-mast01: Ready\n    more")).toBe(
    "kube-node01: it said\n    kube-mast01: Ready\n    more",
  );
  expect(new UserError("a\nb", { output: "c\nd", hint: "e\nf" }).message).toBe("a\n    b\n    c\n    d\n→ e\n    f");
});
