import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstBootImage, SEED, type Seed } from "../../cloudinit/seed";
import { guestAddress } from "../../cloudinit/guestAddress";
import { beginRun } from "../../providers/engine";
import { cloudInitIsoProvider } from "../../providers/cloudInitIso";
import { vboxVmProvider } from "../../providers/vboxVm";
import { cidataOf, guestOf } from "../../dev/simulator/guest";
import type { SiteState } from "../../dev/simulator/state";
import { renderOptions } from "./cloudInit";
import { Driven } from "./driven";
import { SimulatedVirtualBox } from "./simulatedVirtualBox";

export const name = "kube-node01";
const nics = [{ type: "intnet", network: "node", mac: "080027A1B2C3" }];
const target = { address: name, user: "debian", hostKeys: [] };
export const drive = ["--storagectl", "IDE", "--port", "1", "--device", "0", "--type", "dvddrive"];

export let folder: string;
export let path: string;
export let box: SimulatedVirtualBox;
export let iso: Driven;
export let vm: Driven;
let more: object;
/** A site of its own for each test, with one stack of an ISO and its machine. Its users mock `guestAddress`. */
export function useDiscStack(): void {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "disc-"));
    path = join(folder, "iso", `${name}-cidata.iso`);
    box = await SimulatedVirtualBox.make(folder);
    more = {};
    beginRun();
    enter("a".repeat(32));
    jest.mocked(guestAddress).mockImplementation(() => guest().then(() => "192.168.2.130"));
    jest.spyOn(console, "log").mockImplementation(() => undefined);
  });
  afterEach(() => rmSync(folder, { recursive: true }));
}

/** Goes on with the stack of this id, of which nothing is in the state. */
export function enter(stackId: string): void {
  [iso, vm] = stackOf(stackId);
}

/** A stack's ISO and machine, as index.ts composes them. */
function stackOf(stackId: string): [iso: Driven, vm: Driven] {
  const iso: Driven = new Driven(cloudInitIsoProvider(box.exec), () => ({
    ...renderOptions(),
    path,
    stackId,
    ...more,
  }));
  const seed = () =>
    Object.fromEntries(SEED.map((part) => [part, iso.get<unknown>(part)]).filter(([, value]) => value !== undefined));
  const vm = new Driven(vboxVmProvider(box.exec), () => ({
    ...{
      name,
      stack: "kube/test",
      stackId,
      baseImage: "base",
      nics,
      isoPath: path,
      isoSha256: iso.get("sha256"),
      seed: seed(),
    },
    ...{ readiness: { target, rebootExpected: true, timeoutSeconds: 5 }, ...more },
  }));
  return [iso, vm];
}

/** Of the ISO alone. */
export async function upIso(changes: object = {}): Promise<void> {
  beginRun();
  more = changes;
  await iso.up();
}
export async function up(changes: object = {}): Promise<void> {
  await upIso(changes);
  await vm.up();
}
export async function refresh(): Promise<void> {
  await iso.refresh();
  await vm.refresh();
}

/** What the guest has become: it looks for its disc when it boots. */
export async function guest() {
  let is: ReturnType<typeof guestOf>;
  await box.change(
    (virtualBox) =>
      void (is = guestOf(
        siteOf(virtualBox),
        virtualBox.machines.find((machine) => machine.name === name)!,
        Date.now(),
      )),
  );
  return is?.disk;
}
const siteOf = (virtualBox: SiteState["virtualBox"]) =>
  ({ virtualBox, network: { leases: {} }, delays: { boot: 0, cloudInit: 0 } }) as unknown as SiteState;
/** What the guest reads in its drive. */
export async function disc() {
  let is: ReturnType<typeof cidataOf>;
  await box.change(
    (virtualBox) =>
      void (is = cidataOf(
        siteOf(virtualBox),
        virtualBox.machines.find((machine) => machine.name === name)!,
      )),
  );
  return is;
}

export const isoFiles = () =>
  readdirSync(join(folder, "iso")).map((file) => readFileSync(join(folder, "iso", file), "latin1"));
/** The image with the key, as version 0.1.0 left it. */
export const restoreKey = () => writeFileSync(path, firstBootImage(iso.state!.outs as unknown as Seed)!);

/**
 * No private key, on disk or in the drive; the disc is of the instance that the guest is, which has the stack's key.
 */
export async function expectNoKey(): Promise<void> {
  expect(isoFiles()).toEqual([expect.not.stringContaining("PRIVATE KEY")]);
  expect(await disc()).toMatchObject({ instanceId: iso.get("instanceId"), hostname: name });
  expect((await disc())!.hostKey).toBeUndefined();
  expect(await guest()).toMatchObject({ instanceId: iso.get("instanceId"), hostKey: iso.get("hostPrivateKey") });
  expect(box.drives(name)["IDE-1-0"]).toBe(`${name}-cidata.iso`);
  expect(vm.state!.outs).toMatchObject({ keyRemoved: true, isoInserted: true });
}
