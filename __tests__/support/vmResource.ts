import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitForCloudInit } from "../../cloudinit/wait";
import { vboxVmProvider } from "../../providers/vboxVm";
import { refused } from "../../dev/simulator/virtualBox/refusal";
import { testContext } from "./context";
import { firstBootReport } from "./firstBootReport";
import { SimulatedVirtualBox } from "./simulatedVirtualBox";

/** The wait for the guest's first boot; unless told otherwise, it has ended well. */
export const ready = jest.mocked(waitForCloudInit);

let folder: string;
export let box: SimulatedVirtualBox;
export let provider: ReturnType<typeof vboxVmProvider>;
export let context: ReturnType<typeof testContext>;
/** A VirtualBox of its own for each test, and the provider on it. Its users mock `waitForCloudInit`. */
export function useVmResource(): void {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "vbox-vm-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeEach(async () => {
    await renewBox();
    provider = vboxVmProvider(box.exec);
    context = testContext();
    ready.mockReset().mockResolvedValue(firstBootReport);
  });
}

/** Goes on with a VirtualBox where nothing has happened yet; the provider stays on the one before. */
export async function renewBox(): Promise<void> {
  box = await SimulatedVirtualBox.make(folder);
}

type Inputs = Parameters<typeof provider.create>[0];

/** Inputs of a machine whose guest is waited for. */
export const wanted = (changes: Partial<Inputs> = {}): Inputs => ({
  ...(provider.defaults as Inputs),
  name: "node1",
  stack: "shop/test",
  baseImage: "base",
  nics: [{ type: "intnet", network: "node", mac: "080027A1B201" }],
  disks: [{ sizeMb: 20, format: "VDI", variant: "Standard" }],
  isoPath: join(box.folder, "worker.iso"),
  isoSha256: "a",
  readiness: {
    target: { address: "node1", user: "debian", hostKeys: ["ssh-ed25519 AAAA"] },
    rebootExpected: true,
    timeoutSeconds: 5,
  },
  ...changes,
});

export const create = (changes?: Partial<Inputs>) => provider.create(wanted(changes), context);

/** A call of VBoxManage that failed. */
export const failure = (words: string) => refused(words, "NS_ERROR_FAILURE", "Machine").result;

/** The media that were there before, and are not ours. */
export const UNTOUCHED = ["vms/base/base.vdi", "inherited.iso"];
