import type { ServiceError } from "@grpc/grpc-js";
import {
  CheckRequest,
  CreateRequest,
  DeleteRequest,
  DiffRequest,
  ReadRequest,
  UpdateRequest,
} from "@pulumi/pulumi/proto/provider_pb";
import { projectDir } from "../../dev/lab/paths";
import { callUrn, withUrn } from "../../providers/callUrn";
import { type DynamicProvider, startDynamicProvider, withProvider } from "../support/dynamicProvider";

// The facts of the SDK on which providers/callUrn.ts stands, shown by the SDK's own process: an SDK in which the engine's
// calls are served otherwise fails here.
jest.setTimeout(60_000);

/** Gives the URN back in each answer, after others had their turn. */
const CODE = `
  require("tsx/cjs");
  const { callUrn, followCalls } = require(${JSON.stringify(`${projectDir}/providers/callUrn`)});
  exports.handler = () => {
    followCalls();
    const urn = async () => (await new Promise((resolve) => setTimeout(resolve, 50)), callUrn() ?? "unknown");
    return {
      check: async () => ({ inputs: { urn: await urn() } }),
      diff: async () => ({ changes: true, replaces: [await urn()] }),
      create: async () => ({ id: "id", outs: { urn: await urn() } }),
      read: async () => ({ id: "id", props: { urn: await urn() } }),
      update: async () => ({ outs: { urn: await urn() } }),
      delete: async () => { throw new Error(await urn()); },
    };
  };`;

const properties = withProvider(CODE);

type Answer<T> = (error: ServiceError | null, answer: T) => void;
const answerOf = <T>(call: (answer: Answer<T>) => unknown) =>
  new Promise<T>((resolve, reject) => call((error, answer) => (error ? reject(error) : resolve(answer))));

/** What each call, about the resource with this URN, says of its URN. */
const calls: Record<string, (provider: DynamicProvider, urn: string) => Promise<unknown>> = {
  async check({ client }, urn) {
    const request = new CheckRequest().setUrn(urn).setOlds(properties).setNews(properties);
    const answer = await answerOf<{ getInputs(): typeof properties | undefined }>((on) => client.check(request, on));
    return answer.getInputs()!.toJavaScript().urn;
  },
  async diff({ client }, urn) {
    const request = new DiffRequest().setId("id").setUrn(urn).setOlds(properties).setNews(properties);
    return (await answerOf<{ getReplacesList(): string[] }>((on) => client.diff(request, on))).getReplacesList()[0];
  },
  async create({ client }, urn) {
    const request = new CreateRequest().setUrn(urn).setProperties(properties);
    const answer = await answerOf<{ getProperties(): typeof properties | undefined }>((on) =>
      client.create(request, on),
    );
    return answer.getProperties()!.toJavaScript().urn;
  },
  async read({ client }, urn) {
    const request = new ReadRequest().setId("id").setUrn(urn).setProperties(properties);
    const answer = await answerOf<{ getProperties(): typeof properties | undefined }>((on) => client.read(request, on));
    return answer.getProperties()!.toJavaScript().urn;
  },
  async update({ client }, urn) {
    const request = new UpdateRequest().setId("id").setUrn(urn).setOlds(properties).setNews(properties);
    const answer = await answerOf<{ getProperties(): typeof properties | undefined }>((on) =>
      client.update(request, on),
    );
    return answer.getProperties()!.toJavaScript().urn;
  },
  delete({ client }, urn) {
    const request = new DeleteRequest().setId("id").setUrn(urn).setProperties(properties);
    return answerOf((on) => client.delete(request, on)).then(
      () => undefined,
      ({ details }: ServiceError) => details,
    );
  },
};

test("each call knows its own resource, side by side with others", async () => {
  const provider = await startDynamicProvider();
  try {
    await calls.check!(provider, "urn:first");
    const named = Object.keys(calls).flatMap((call) => [`urn:a:${call}`, `urn:b:${call}`]);
    const seen = await Promise.all(named.map((urn) => calls[urn.split(":")[2]!]!(provider, urn)));
    expect(seen).toEqual(named);
  } finally {
    await provider.end();
  }
});

// The provider is loaded within it.
test.each(["diff", "update", "delete"])("the first call of a process does too, if it is a %s", async (call) => {
  const provider = await startDynamicProvider();
  try {
    expect(await calls[call]!(provider, "urn:first")).toBe("urn:first");
  } finally {
    await provider.end();
  }
});

test("outside of a call there is none", async () => {
  expect(callUrn()).toBeUndefined();
  expect(await withUrn("urn:x", async () => (await Promise.resolve(), callUrn()))).toBe("urn:x");
});
