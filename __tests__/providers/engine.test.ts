import { UserError } from "../../host/errors";
import { type Named, PartialFailure, type Provider, UNKNOWN } from "../../providers/dynamic";
import { operations } from "../../providers/engine";

interface Inputs extends Named {
  size: number;
  colour?: string;
  host: string;
  hint?: string;
}
type Outputs = Inputs & { seen?: string };

const base: Provider<Inputs, Outputs> = {
  defaults: { colour: "red" },
  changes: { name: "replaces", size: "live", colour: "stop", host: "replacesOnceKnown", hint: "ignored" },
  problems: ({ size }) => (size !== undefined && size < 0 ? { size: "is negative; give 0 or more" } : {}),
  create: (inputs) => Promise.resolve({ id: inputs.name, outs: { ...inputs, seen: undefined } }),
  read: () => Promise.resolve(undefined),
  update: (_id, _olds, news) => Promise.resolve(news),
  delete: () => Promise.resolve(),
};
const provider = (changes: Partial<typeof base> = {}) => ({ ...base, ...changes }) as unknown as Parameters<typeof operations.check>[0];
const inputs = { name: "a", size: 1, host: "h", __provider: "p" };

describe("check", () => {
  test("fills in defaults", async () => {
    expect(await operations.check(provider(), {}, inputs)).toEqual({ inputs: { ...inputs, colour: "red" }, failures: [] });
  });
  test("names the property", async () => {
    const { failures } = await operations.check(provider(), {}, { ...inputs, size: -1 });
    expect(failures).toEqual([{ property: "size", reason: "is negative; give 0 or more" }]);
  });
  test("skips what is not known yet", async () => {
    const problems = jest.fn(() => ({}));
    await operations.check(provider({ problems }), {}, { ...inputs, size: UNKNOWN, host: { deep: [UNKNOWN] } });
    expect(problems).toHaveBeenCalledWith({ name: "a", colour: "red", __provider: "p" });
  });
});

describe("diff", () => {
  const olds = { ...inputs, colour: "red", seen: "x" };
  test.each<[string, object, { changes: boolean; replaces: string[] }]>([
    ["nothing", {}, { changes: false, replaces: [] }],
    ["a live one", { size: 2 }, { changes: true, replaces: [] }],
    ["one that needs a stop", { colour: "blue" }, { changes: true, replaces: [] }],
    ["one that replaces", { name: "b" }, { changes: true, replaces: ["name"] }],
    ["an ignored one", { hint: "new" }, { changes: false, replaces: [] }],
    ["an identity that is not known yet", { name: UNKNOWN }, { changes: true, replaces: ["name"] }],
    ["an observed value that is not known yet", { host: UNKNOWN }, { changes: false, replaces: [] }],
    ["an observed value that is another", { host: "i" }, { changes: true, replaces: ["host"] }],
  ])("%s", async (_what, change, expected) => {
    expect(await operations.diff(provider(), "a", olds, { ...inputs, colour: "red", ...change })).toMatchObject(expected);
  });
});

describe("what goes back to the engine", () => {
  test("holds no undefined, and keeps the handler", async () => {
    const { outs } = await operations.create(provider(), inputs);
    expect(outs).toStrictEqual(inputs);
  });
  test("a read of nothing is empty", async () => expect(await operations.read(provider(), "a", inputs)).toEqual({}));
  test("a user's error is its message with the resource's name, without a stack", async () => {
    const failing = provider({ delete: () => Promise.reject(new UserError("no", { todo: "do" })) });
    await expect(operations.delete(failing, "a", inputs)).rejects.toMatchObject({ message: "a: no\n→ do", stack: "" });
  });
  test("a bug keeps its stack", async () => {
    const failing = provider({ delete: () => Promise.reject(new TypeError("oops")) });
    await expect(operations.delete(failing, "a", inputs)).rejects.toThrow(/a: TypeError: oops\n.*at /s);
  });
  test("no error shows a token", async () => {
    const token = ["abcdef", "0123456789abcdef"].join(".");
    const failing = provider({ delete: () => Promise.reject(new UserError(`bad ${token}`)) });
    await expect(operations.delete(failing, "a", inputs)).rejects.toThrow("a: bad abcdef.<redacted>");
  });
  test("a partial failure records the id, what is there, and the handler", async () => {
    const failing = provider({ create: () => Promise.reject(new PartialFailure("id", { seen: "half" }, new UserError("late"))) });
    await expect(operations.create(failing, inputs)).rejects.toMatchObject({ id: "id", properties: { ...inputs, seen: "half" }, reasons: ["a: late"] });
  });
});
