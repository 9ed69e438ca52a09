import fc from "fast-check";
import { UserError } from "../../common/errors";
import { merge, parseYaml, printYaml, type Yaml } from "../../cloudinit/yaml";

const scalar = fc.oneof(fc.string({ unit: "binary" }), fc.boolean(), fc.integer(), fc.constant(null));
const key = fc.string().filter((text) => text !== "__proto__");
const tree = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.array(tie("node"), { maxLength: 4 }),
    fc.dictionary(key, tie("node"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).node as fc.Arbitrary<Yaml>;

test("what is printed is read back the same", () => {
  fc.assert(
    fc.property(tree, (value) => expect(parseYaml(printYaml(value), "text")).toEqual(value)),
    { numRuns: 500 },
  );
});

test.each([
  "yes",
  "no",
  "on",
  "off",
  "1:30",
  "0644",
  "0o644",
  "1e3",
  "~",
  "null",
  "2001-01-01",
  "<<",
  "=",
  "- a",
  "a: b",
  "#x",
  "${x}",
  " ",
  "",
])("prints the text %j as text", (text) => expect(parseYaml(printYaml({ text }), "text")).toEqual({ text }));

test("reads as cloud-init does: YAML 1.1", () => {
  expect(parseYaml("a: yes\nb: 0644\nc: '0644'", "text")).toEqual({ a: true, b: 0o644, c: "0644" });
});

test("names the text that is not YAML", () => {
  expect(() => parseYaml("a: [", "my-template.yaml")).toThrow(UserError);
  expect(() => parseYaml("a: [", "my-template.yaml")).toThrow(/^my-template.yaml is not YAML\n/);
});

test("says where it is not, and shows nothing of it, which may be a password", () => {
  expect(() => parseYaml("a: b\nchpasswd: [hunter2\n", "own.yaml")).toThrow(
    /^own.yaml is not YAML\n {4}line 3, column 1: [a-z ]+(\n|$)/,
  );
  for (const text of ["a: 'hunter2", "hunter2: [", "- hunter2: }", "a: *hunter2", "a: !hunter2 x"])
    expect(() => parseYaml(text, "own.yaml")).toThrow(/^own.yaml is not YAML\n(?![^]*hunter2)/);
});

test("merges maps, appends lists, replaces the rest", () => {
  const under = { a: { x: 1, y: 2 }, list: [1], scalar: "old", kept: true };
  const over = { a: { y: 3, z: 4 }, list: [2, 3], scalar: "new", added: null };
  expect(merge(under, over)).toEqual({
    a: { x: 1, y: 3, z: 4 },
    list: [1, 2, 3],
    scalar: "new",
    kept: true,
    added: null,
  });
  expect(merge({ a: [1] }, { a: "x" })).toEqual({ a: "x" });
});
