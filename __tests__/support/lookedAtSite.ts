import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { hostFiles } from "../../checks/hostFiles";
import { lookAtSite, type PlannedWorker, type SitePlan, type Surroundings } from "../../checks/site";
import type { ExecResult } from "../../common/exec";
import { linuxRoutes } from "../../routes/linux";
import type { SiteState } from "../../dev/simulator/state";
import { ip } from "../../dev/simulator/routes";
import { baseImage } from "../../dev/simulator/site";
import { SimulatedVBoxManage } from "../../dev/simulator/virtualBox/simulatedVBoxManage";
import { type ServedSite, servedSite } from "./servedSite";

type Fault = (args: readonly string[]) => ExecResult | undefined;

export let site: ServedSite;
/** The root of the host's files. */
export let root: string;
/** The calls of VBoxManage in this test. */
export let calls: string[];
let fault: Fault;
/** A site that has everything, with a host's files: one for the test file, as new for each test. */
export function useLookedAtSite(): void {
  let fresh: SiteState;
  beforeAll(async () => {
    site = await servedSite();
    fresh = site.world.read();
  });
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "host-"));
    put("/dev/vboxdrv", "");
    put("/proc/meminfo", "MemTotal: 33554432 kB\nMemAvailable: 25165824 kB\n");
    put("/etc/vbox/networks.conf", "# our own\n* 192.168.0.0/16\n* fe80::/10\n");
    [calls, fault] = [[], () => undefined];
    await change((state) => void Object.assign(state, structuredClone(fresh)));
  });
  afterEach(() => rmSync(root, { recursive: true }));
  afterAll(() => site.remove());
}

/** Writes a file of the host. */
export function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** Deletes a file of the host. */
export const remove = (path: string) => rmSync(join(root, path));

export const change = (work: (state: SiteState) => void) => site.world.change(work);

/** From now on, this may answer a call instead of VirtualBox. */
export const intercept = (answer: Fault) => void (fault = answer);

/** One worker behind two masters. */
export const plan = (values: Partial<SitePlan> = {}, worker: Partial<PlannedWorker> = {}): SitePlan => ({
  vboxManage: join(site.folder, "bin/VBoxManage"),
  zone: "kube.demo",
  routes: [{ destination: "192.168.4.0/27", gateway: "192.168.4.30", interface: "vboxnet0" }],
  autostart: true,
  masters: ["kube-mast01", "kube-mast02"].map((name) => site.masterTarget(name)),
  workers: [
    {
      name: "kube-node01",
      memoryMb: 2048,
      disks: [],
      baseImage,
      cloneMode: "full",
      nics: [{ type: "intnet", network: "node", mac: "080027A1B2C3" }],
      ...worker,
    },
  ],
  ...values,
});

/** All findings, but for what is right. */
export async function look(
  values?: Partial<SitePlan>,
  worker?: Partial<PlannedWorker>,
  surroundings: Surroundings = {},
) {
  const manage = new SimulatedVBoxManage(site.world);
  const exec: Surroundings["exec"] = async (_file, args) => {
    calls.push(args.join(" "));
    return fault(args) ?? (await manage.run(args));
  };
  const routes = linuxRoutes((_file, args) => site.world.change(({ network }) => ip(network, args)));
  const findings = await lookAtSite(plan(values, worker), {
    exec,
    routes,
    files: hostFiles(root, "linux"),
    ...surroundings,
  });
  return findings.filter(({ is }) => is !== "right");
}

/** Each as `is: what`. */
export const problems = async (...args: Parameters<typeof look>) =>
  (await look(...args)).map(({ is, what }) => `${is}: ${what}`);

export const nic = (type: "hostonly" | "natnetwork" | "bridged", network: string) => ({
  nics: [{ type, network, mac: "080027A1B2C3" }],
});
