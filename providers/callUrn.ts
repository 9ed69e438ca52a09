import { AsyncLocalStorage } from "node:async_hooks";
import {
  CheckRequest,
  CreateRequest,
  DeleteRequest,
  DiffRequest,
  ReadRequest,
  UpdateRequest,
} from "@pulumi/pulumi/proto/provider_pb";

const urns = new AsyncLocalStorage<string>();

/** The URN of the resource that the engine's call under way is about; undefined where it is not known. */
export const callUrn = (): string | undefined => urns.getStore();

/** Does something as in a call about this resource. */
export const withUrn = <T>(urn: string, work: () => T): T => urns.run(urn, work);

/**
 * What the SDK's server asks a request for, first of all: then the rest of that call, and what it awaits, is about the
 * request's URN. `getId` also serves where the provider is loaded within the call, which is after the other one.
 */
const READ_FIRST = [
  [CheckRequest, "getOlds"],
  [DiffRequest, "getOlds"],
  [DiffRequest, "getId"],
  [CreateRequest, "getProperties"],
  [ReadRequest, "getProperties"],
  [UpdateRequest, "getOlds"],
  [UpdateRequest, "getId"],
  [DeleteRequest, "getProperties"],
  [DeleteRequest, "getId"],
] as const;

let isFollowing = false;

/**
 * Has {@link callUrn} know each call from now on. The engine's requests have the URN, but the SDK gives a dynamic
 * provider none; so it is taken where the SDK reads a request. Of the call within which this process loads its first
 * provider it stays unknown if that is a check, a create or a read: a check of the stack's identity, which tells nothing,
 * or in a refresh the read of it.
 */
export function followCalls(): void {
  if (isFollowing) return;
  isFollowing = true;
  for (const [{ prototype }, getter] of READ_FIRST) {
    const methods = prototype as unknown as Record<string, (this: { getUrn(): string }) => unknown>;
    const read = methods[getter]!;
    methods[getter] = function () {
      urns.enterWith(this.getUrn());
      return read.call(this);
    };
  }
}
