import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cloudInitIsoProvider } from "../../providers/cloudInitIso";
import { beginRun, operations } from "../../providers/engine";
import { renderOptions } from "./cloudInit";
import { SimulatedVirtualBox } from "./simulatedVirtualBox";

/** What the engine records of an ISO, as far as the tests look. */
export type State = Record<string, unknown> & {
  name: string;
  path: string;
  sha256: string;
  hostPrivateKey: string;
  hostPublicKey: string;
  instanceId: string;
};

/** The provider, for {@link operations}. */
export let testProvider: never;
export let folder: string;
/** The ISO's file, whose folder is not there yet. */
export let path: string;
/** A folder of its own, and a VirtualBox, for each test. */
export function useIsoResource(): void {
  let boxes: string;
  beforeAll(() => {
    boxes = mkdtempSync(join(tmpdir(), "boxes-"));
  });
  afterAll(() => rmSync(boxes, { recursive: true }));
  beforeEach(async () => {
    beginRun(); // Of a stack whose machines are nowhere yet.
    folder = mkdtempSync(join(tmpdir(), "iso-"));
    path = join(folder, "stack", "kube-node01.iso");
    testProvider = cloudInitIsoProvider((await SimulatedVirtualBox.make(boxes)).exec) as never;
    jest.spyOn(console, "log").mockImplementation(() => undefined);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
}

/** Inputs as the provider's check gives them. */
export async function checked(given: object = {}): Promise<State> {
  const { inputs, failures } = await operations.check(testProvider, {}, { ...renderOptions(), path, ...given });
  expect(failures).toEqual([]);
  return inputs as State;
}

export const created = async (given: object = {}) =>
  (await operations.create(testProvider, await checked(given))).outs as object as State;

export const refreshed = async (state: State) =>
  (await operations.read(testProvider, path, state)).props as object as State;
