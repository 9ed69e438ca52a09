import fc from "fast-check";

/** Words that mean something to a shell, to YAML, to JavaScript, to a terminal, or to a program's options. */
export const words = [
  ...[
    "",
    " ",
    "-",
    "--",
    "-x",
    "--help",
    "-- x",
    "~",
    "~root/x",
    ".",
    "..",
    "../../etc/passwd",
    "/",
    "/dev/zero",
    "C:\\x",
    "@file",
    "a/b",
  ],
  ...[
    "$(touch /tmp/x)",
    "`id`",
    "; id",
    "a;b",
    "a && b",
    "a|b",
    "a b",
    "$HOME",
    "${name}",
    "$${name}",
    "a'b",
    'a"b',
    "a\\b",
    "*",
    "%s%n",
    "!x",
    "{{.}}",
  ],
  ...[
    "a\nb",
    "a\r\nb",
    "\n",
    "\n---\n",
    "a\n  b: c",
    "\t",
    "\0",
    "a\0b",
    "\x1b[31m",
    "\x7f",
    "\x9b",
    "\u2028",
    "\u202e",
    "\ufeff",
    "\ud800",
    "ä",
    "雪",
    "👩‍👩‍👧",
    "é",
  ],
  ...[
    "NaN",
    "Infinity",
    "-0",
    "1e999",
    "0x10",
    "007",
    "1.50",
    "12345678901234567890",
    "null",
    "true",
    "yes",
    "no",
    "1:30",
    "2001-01-01",
    "[a",
    "{a: b}",
    "a: b",
    "# x",
    "- a",
    "*a",
    "&a",
    "!!js/function x",
    "<<",
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "root",
    ["-----BEGIN OPENSSH PRIVATE", "KEY-----"].join(" "),
  ],
  ...[63, 64, 255, 256, 5_000].map((length) => "a".repeat(length)),
];

/** A megabyte of one letter, of numbers, of lines, of `a.` */
const huge = ["a", "1", "a\n", "a.", "é"].map((part) => part.repeat(1_000_000 / part.length));

/** Text that nobody should give, and some that somebody may. */
export const hostileText = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...words) },
  { weight: 1, arbitrary: fc.constantFrom(...huge) },
  { weight: 3, arbitrary: fc.string({ unit: "binary" }) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.stringMatching(/^[a-z0-9.:/-]{1,12}$/), fc.constantFrom(...words))
      .map((parts) => parts.join("")),
  },
  { weight: 2, arbitrary: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,30}$/) },
);

const deep = (levels: number): unknown => JSON.parse(`${'{"a":['.repeat(levels)}1${"]}".repeat(levels)}`);

/** Any JSON value. */
export const hostileValue = fc.oneof(
  { weight: 4, arbitrary: hostileText },
  { weight: 3, arbitrary: fc.oneof(fc.integer(), fc.constantFrom(-1, 0, 1.5, 1e21, 2 ** 53, 1e-7, 100, 65_536)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(
      true,
      false,
      null,
      [],
      {},
      [[]],
      [null],
      [{}],
      deep(1_000),
      Array(20_000).fill("x"),
      JSON.parse('{"__proto__": {"a": 1}}'),
      { constructor: 1 },
      { length: 3 },
    ),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

/** A value with one part of it replaced, or one more in it. */
export function spoilt(value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== "object" || value === null) return hostileValue;
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  const rebuilt = (changed: [string, unknown][]): unknown =>
    isList ? changed.map(([, item]) => item) : Object.fromEntries(changed);
  const added = fc.tuple(hostileText, hostileValue).map(([key, more]) => rebuilt([...entries, [key, more]]));
  const changes = entries.map(([key, item], index) =>
    spoilt(item).map((other) => rebuilt(entries.with(index, [key, other]))),
  );
  return fc.oneof(
    { weight: 1, arbitrary: hostileValue },
    { weight: 2, arbitrary: added },
    ...changes.map((arbitrary) => ({ weight: 4, arbitrary })),
  );
}
