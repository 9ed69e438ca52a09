import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { newToken, tokenDescription } from "../../kubernetes/bootstrapToken";
import { OWNER_ANNOTATION } from "../../kubernetes/labels";
import { markOf } from "../../common/mark";
import { stackFolder } from "../../virtualbox/vm/owner";
import { sitePaths } from "../simulator/sitePaths";
import type { SimulatedStack } from "../simulator/stack";
import type { ClusterNode, Medium, Token } from "../simulator/state";
import { blankMachine } from "../simulator/virtualBox/blankMachine";
import { settingsOf } from "../simulator/virtualBox/machineFiles";

/**
 * Its name begins with a worker's: nothing that is looked for by a part of its name may take one for the other. The
 * stack is the workers' own.
 */
const owner = { stack: "kube/dev", name: "kube-node011" };
const { stack, name } = owner;

/**
 * Puts things onto the site that are somebody else's and look much like the stack's own: a machine with a disk and an
 * ISO in the folder of the stack's machines, a Node, two tokens, a route, a file beside the ISOs. Whatever the stack
 * does, they stay as they are.
 */
export async function plantForeign({ world, site }: SimulatedStack): Promise<void> {
  const { machineFolder, isoFolder } = sitePaths(site);
  const folder = join(stackFolder(machineFolder, owner), name);
  const disk: Medium = {
    uuid: randomUUID(),
    kind: "disk",
    location: join(folder, `${name}.vdi`),
    format: "VDI",
    variant: "Standard",
    sizeMb: 64,
  };
  const iso: Medium = {
    uuid: randomUUID(),
    kind: "dvd",
    location: join(isoFolder, stack, "theirs.iso"),
    format: "RAW",
    variant: "Standard",
    sizeMb: 1,
  };
  const machine = blankMachine({
    uuid: randomUUID(),
    name,
    settingsFile: join(folder, `${name}.vbox`),
    osType: "Debian_64",
  });
  machine.controllers = [{ name: "SATA", type: "IntelAhci", portCount: 4 }];
  machine.drives = [
    { controller: "SATA", port: 0, device: 0, isDvd: false, medium: disk.uuid },
    { controller: "SATA", port: 1, device: 0, isDvd: true, medium: iso.uuid },
  ];
  machine.extraData = { "vbox-kubeadm/owner": markOf(owner), theirs: "yes" };
  for (const [file, text] of [
    [disk.location, JSON.stringify(disk)],
    [iso.location, ""],
    [machine.settingsFile, settingsOf(machine)],
  ] as const) {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, text, { mode: 0o600 });
  }
  await world.change(({ virtualBox, cluster, network }) => {
    virtualBox.machines.push(machine);
    virtualBox.media.push(disk, iso);
    cluster.nodes.push(foreignNode(machine.uuid));
    cluster.tokens.push(foreignToken(tokenDescription(owner)), foreignToken(""));
    network.routes.push({ dst: "192.168.5.0/27", gateway: "192.168.254.254", dev: "vboxnet0", protocol: "boot" });
  });
}

function foreignToken(description: string): Token {
  const [id, secret] = newToken().split(".") as [string, string];
  return { id, secret, description };
}

const foreignNode = (systemUuid: string): ClusterNode => ({
  name,
  uid: randomUUID(),
  systemUuid,
  machineId: randomUUID().replaceAll("-", ""),
  internalIp: "192.168.2.250",
  kubeletVersion: "v1.36.3",
  registered: 0,
  labels: { disk: "hdd" },
  annotations: { [OWNER_ANNOTATION]: markOf(owner) },
  taints: [{ key: "theirs", effect: "NoSchedule" }],
});
