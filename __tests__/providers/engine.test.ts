import { UserError } from "../../common/errors";
import { type Context, type Named, PartialFailure, type Provider, UNKNOWN } from "../../providers/dynamic";
import { beginRun, configure, operations } from "../../providers/engine";
import { SshError } from "../../ssh/error";

interface Inputs extends Named {
  note?: string;
  size: number;
  colour?: string;
  host: string;
  hint?: string;
}
type Outputs = Inputs & { seen?: string };

const base: Provider<Inputs, Outputs> = {
  defaults: { colour: "red" },
  changes: {
    note: "note",
    name: "replace",
    size: "inPlace",
    colour: "restart",
    host: "replaceUnlessUnknown",
    hint: "stateOnly",
  },
  problems: ({ size }) => (size !== undefined && size < 0 ? { size: "is negative; give 0 or more" } : {}),
  create: (inputs) => Promise.resolve({ id: inputs.name, outs: { ...inputs, seen: undefined } }),
  read: () => Promise.resolve(undefined),
  update: (_id, _olds, news) => Promise.resolve(news),
  delete: () => Promise.resolve(),
};
const provider = (changes: Partial<typeof base> = {}) =>
  ({ ...base, ...changes }) as unknown as Parameters<typeof operations.check>[0];
const inputs = { name: "a", size: 1, host: "h", __provider: "p" };

describe("configure", () => {
  const given = (value: string) =>
    configure({ config: { get: () => value } as unknown as Parameters<typeof configure>[0]["config"] });
  test("takes a list of variables", () => expect(given('["HTTP_PROXY"]')).resolves.toBeUndefined());
  // A refresh and a destroy run no program that has checked it.
  test.each(["HTTP_PROXY", '"HTTP_PROXY"', "[1]", "{"])("goes on without %s, and warns once of it", async (value) => {
    beginRun();
    const log = jest.spyOn(console, "log").mockReturnValue();
    await given(value);
    await given(value);
    expect(log.mock.calls).toEqual([
      [expect.stringMatching(/^warning: childEnvironment is ignored, .*give one such as/)],
    ]);
    log.mockRestore();
  });
});

describe("check", () => {
  test("fills in defaults", async () => {
    expect(await operations.check(provider(), {}, inputs)).toEqual({
      inputs: { ...inputs, colour: "red" },
      failures: [],
    });
  });
  test("names the property", async () => {
    const { failures } = await operations.check(provider(), {}, { ...inputs, size: -1 });
    expect(failures).toEqual([{ property: "size", reason: "is negative; give 0 or more" }]);
  });
  test("lets a provider keep what is no reason for a change, of a thing that is there", async () => {
    const keep = jest.fn((olds: Inputs, news: Inputs) => ({ ...news, size: olds.size }));
    expect((await operations.check(provider({ keep }), {}, inputs)).inputs).toMatchObject({ size: 1 });
    expect((await operations.check(provider({ keep }), undefined, inputs)).inputs).toMatchObject({ size: 1 });
    expect((await operations.check(provider({ keep }), { ...inputs, size: 7 }, inputs)).inputs).toMatchObject({
      size: 7,
    });
    expect(keep).toHaveBeenCalledWith({ ...inputs, size: 7, colour: "red" }, { ...inputs, colour: "red" });
  });
  test("skips what is not known yet", async () => {
    const problems = jest.fn(() => ({}));
    await operations.check(
      provider({ problems }),
      {},
      { ...inputs, size: UNKNOWN, host: { deep: [UNKNOWN] }, hint: `not ${UNKNOWN}` },
    );
    expect(problems).toHaveBeenCalledWith({ name: "a", colour: "red", hint: `not ${UNKNOWN}`, __provider: "p" });
  });
});

test("what a successor is made from is looked at only when its worker is about to leave: known inputs over what is there", async () => {
  const checkFit = jest.fn(() => Promise.reject(new UserError("not fit")));
  const remove = (_id: string, _outs: unknown, { rolling }: Context) => rolling.leave("w", () => {});
  const machine = provider({ isMachine: true, checkFit, delete: remove });
  const olds = { ...inputs, name: "w", colour: "red", seen: "x" };
  await operations.check(machine, olds, { ...inputs, name: "w" });
  await operations.diff(machine, "w", olds, { ...olds, host: "other", size: UNKNOWN });
  expect(checkFit).not.toHaveBeenCalled();
  await expect(operations.delete(machine, "w", olds)).rejects.toThrow("w: not fit");
  expect(checkFit).toHaveBeenCalledWith(
    { name: "w", size: 1, host: "other", colour: "red", seen: "x" },
    expect.anything(),
  );
});

test.each([
  [true, false],
  [undefined, true],
])("a worker that leaves waits for what is at work, unless all workers share that: %s", async (isShared, waits) => {
  const log = jest.spyOn(console, "log").mockReturnValue();
  beginRun();
  let end = () => {};
  const other = operations.update(
    provider({ isShared, update: () => new Promise((resolve) => (end = () => resolve(inputs))) }),
    "kube/dev",
    inputs,
    { ...inputs, name: "kube/dev" },
  );
  const leaving = provider({ delete: (_id, _outs, { rolling, log }) => rolling.leave("w", log) });
  await operations.diff(leaving, "w", inputs, { ...inputs, name: "w" });
  const left = operations.delete(leaving, "w", { ...inputs, name: "w" });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const output = log.mock.calls.flat();
  end();
  await Promise.all([other, left]);
  log.mockRestore();
  expect(output).toEqual(waits ? ["w: waiting for kube/dev: workers are replaced one at a time"] : []);
});

test("a state that an earlier version wrote has the defaults of the inputs that have come since", async () => {
  const read = jest.fn(() => Promise.resolve(undefined));
  const remove = jest.fn(() => Promise.resolve());
  await operations.read(provider({ read }), "a", inputs);
  await operations.delete(provider({ delete: remove }), "a", inputs);
  for (const called of [read, remove])
    expect(called).toHaveBeenCalledWith("a", { name: "a", size: 1, host: "h", colour: "red" }, expect.anything());
});

describe("diff", () => {
  const olds = { ...inputs, colour: "red", seen: "x" };
  test.each<[string, object, { changes: boolean; replaces: string[] }]>([
    ["nothing", {}, { changes: false, replaces: [] }],
    ["a note", { note: "new" }, { changes: false, replaces: [] }],
    ["a live one", { size: 2 }, { changes: true, replaces: [] }],
    ["one that needs a stop", { colour: "blue" }, { changes: true, replaces: [] }],
    ["one that replaces", { name: "b" }, { changes: true, replaces: ["name"] }],
    [
      "one that is used the next time, so that a refresh and a destroy know it",
      { hint: "new" },
      { changes: true, replaces: [] },
    ],
    ["one that is used the next time, and not known yet", { hint: UNKNOWN }, { changes: false, replaces: [] }],
    ["an identity that is not known yet", { name: UNKNOWN }, { changes: true, replaces: ["name"] }],
    ["an observed value that is not known yet", { host: UNKNOWN }, { changes: false, replaces: [] }],
    ["an observed value that is another", { host: "i" }, { changes: true, replaces: ["host"] }],
  ])("%s", async (_what, change, expected) => {
    expect(await operations.diff(provider(), "a", olds, { ...inputs, colour: "red", ...change })).toMatchObject(
      expected,
    );
  });

  test("an input that has come since, with its default, is no change, and with another value is one", async () => {
    expect(await operations.diff(provider(), "a", inputs, { ...inputs, colour: "red" })).toMatchObject({
      changes: false,
    });
    expect(await operations.diff(provider(), "a", inputs, { ...inputs, colour: "blue" })).toMatchObject({
      changes: true,
    });
  });
});

describe("a connection that drops", () => {
  const dropped = new UserError("kubeadm join failed", {
    cause: new SshError("dropped", "the connection to n1 dropped during: kubeadm join"),
  });
  const outs = { name: "a", size: 1, host: "h" };

  test("lets the operation look again", async () => {
    const update = jest
      .fn()
      .mockRejectedValueOnce(dropped)
      .mockRejectedValueOnce(new PartialFailure("a", {}, dropped))
      .mockResolvedValue(outs);
    expect(await operations.update(provider({ update }), "a", inputs, inputs)).toMatchObject({ outs });
    expect(update).toHaveBeenCalledTimes(3);
  });
  test("again and again, ends it", async () => {
    const remove = jest.fn().mockRejectedValue(dropped);
    await expect(operations.delete(provider({ delete: remove }), "a", inputs)).rejects.toThrow(
      "a: kubeadm join failed",
    );
    expect(remove).toHaveBeenCalledTimes(4);
  });
  test("is not like another failure, which is final", async () => {
    const remove = jest.fn().mockRejectedValue(new SshError("hostKey", "it is another machine"));
    await expect(operations.delete(provider({ delete: remove }), "a", inputs)).rejects.toThrow("another machine");
    expect(remove).toHaveBeenCalledTimes(1);
  });
});

describe("what goes back to the engine", () => {
  test("holds no undefined, and keeps the handler", async () => {
    const checked = { ...inputs, colour: "red" };
    const { outs } = await operations.create(provider(), checked);
    expect(outs).toStrictEqual(checked);
  });
  test("a read of nothing is empty", async () => expect(await operations.read(provider(), "a", inputs)).toEqual({}));
  test("a user's error is its message with the resource's name, without a stack", async () => {
    const failing = provider({ delete: () => Promise.reject(new UserError("no", { hint: "do" })) });
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
    const failing = provider({
      create: () => Promise.reject(new PartialFailure("id", { seen: "half" }, new UserError("late"))),
    });
    await expect(operations.create(failing, inputs)).rejects.toMatchObject({
      id: "id",
      properties: { ...inputs, seen: "half" },
      reasons: ["a: late"],
    });
  });
});

describe("what others say", () => {
  const messageOf = (work: Promise<unknown>) =>
    work.then(
      () => "",
      ({ message }: Error) => message,
    );
  const words = "\u001b]0;pwned\u0007 abcdef.0123456789abcdef\r\nkube-mast01: Ready";

  test("is logged without what a terminal obeys, without secrets, and never as a line of its own", async () => {
    const log = jest.spyOn(console, "log").mockReturnValue();
    await operations.delete(provider({ delete: async (_id, _outs, context) => context.log(words) }), "a", inputs);
    expect(log.mock.calls).toEqual([["a: \\u{1b}]0;pwned\\u{7} abcdef.<redacted>\n    kube-mast01: Ready"]]);
    log.mockRestore();
  });

  test.each([new UserError("it said", { output: words }), new Error(words)])(
    "is in an error as in a log: %#",
    async (error) => {
      const message = await messageOf(
        operations.delete(provider({ delete: () => Promise.reject(error) }), "a", inputs),
      );
      expect(message).toContain("\\u{1b}]0;pwned\\u{7} abcdef.<redacted>\n");
      expect(message.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
    },
  );

  test("is bounded, also where nobody has thought of it", async () => {
    const log = jest.spyOn(console, "log").mockReturnValue();
    const remove: typeof base.delete = (_id, _outs, context) => (
      context.log("x ".repeat(1e6)),
      Promise.reject(new UserError("y ".repeat(1e6), { output: "z ".repeat(1e6) }))
    );
    const message = await messageOf(operations.delete(provider({ delete: remove }), "a", inputs));
    expect(message.length).toBeLessThan(20_000);
    expect(String(log.mock.calls[0])).toHaveLength(8001);
    log.mockRestore();
  });
});
