import fc from "fast-check";
import { UserError } from "../../common/errors";
import { fill } from "../../cloudinit/placeholders";
import { parseYaml, printYaml } from "../../cloudinit/yaml";

test("a scalar that is a placeholder takes the value's type", () => {
  const values = { text: "yes", flag: false, list: ["a", 1], map: { k: null } };
  expect(fill({ a: "${text}", b: "${flag}", c: ["${list}"], d: "${map}" }, values, "t")).toEqual({
    a: "yes",
    b: false,
    c: [["a", 1]],
    d: { k: null },
  });
});

test("within a scalar, and in a key, the value is text", () => {
  expect(fill({ "${key}": "${user}@${host}:${port}" }, { key: "k", user: "u", host: "h", port: 22 }, "t")).toEqual({
    k: "u@h:22",
  });
});

test("a doubled dollar is a plain one", () => {
  expect(fill("$${HOME} $HOME $${${a}}", { a: "x" }, "t")).toBe("${HOME} $HOME ${x}");
  expect(fill("$${a}", { a: "x" }, "t")).toBe("${a}");
});

test("whatever the value is, it stays data", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("a\nb: c", "' \" $(id) `id`", "${a}", "$&", "- x", "*anchor", "!!int 1"),
  );
  fc.assert(
    fc.property(hostile, (value) => {
      const filled = fill({ list: ["${a}"], text: "<${a}>" }, { a: value }, "t");
      expect(parseYaml(printYaml(filled), "t")).toEqual({ list: [value], text: `<${value}>` });
    }),
    { numRuns: 500 },
  );
});

test.each([
  { node: "${nmae}", message: "my-template: ${nmae} is no placeholder" },
  { node: ["x ${HOME:-/} y"], message: "my-template: ${HOME:-/} is no placeholder" },
  { node: { a: "${toString}" }, message: "my-template: ${toString} is no placeholder" },
  { node: { a: "${later}" }, message: "my-template: ${later} has no value" },
  { node: "x ${map}", message: "my-template: ${map} is no text" },
])("refuses $node", ({ node, message }) => {
  const attempt = () => fill(node, { name: "x", later: undefined, map: {} }, "my-template");
  expect(attempt).toThrow(UserError);
  expect(attempt).toThrow(message);
});

test("says which placeholders there are", () => {
  expect(() => fill("${nmae}", { name: "x", zone: "y", later: undefined }, "t")).toThrow(
    "→ use one of ${name}, ${zone}; write $${ for",
  );
});
