import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { noDelays } from "../../dev/simulator/delays";
import type { Delays, SiteState } from "../../dev/simulator/state";
import { World } from "../../dev/simulator/world";

/** A simulated site without machines, in a folder of the test. */
export function emptySite(folder: string, delays: Partial<Delays> = {}): World {
  const machineFolder = join(folder, "vms");
  mkdirSync(machineFolder, { recursive: true });
  const state: SiteState = {
    delays: { ...noDelays, ...delays },
    virtualBox: { version: "7.2.22_Debianr175245", machineFolder, machines: [], media: [] },
    cluster: { version: "v1.36.3", endpoint: "", caCertificate: "", kubeconfig: "", tokens: [], nodes: [] },
    network: { interfaces: [], addresses: {}, routes: [], leases: {} },
  };
  return World.make(folder, state);
}
