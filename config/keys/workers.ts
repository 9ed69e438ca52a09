import { count, boolean, list, regex, object, record } from "../rules";
import { machineName, nicTypeNames, worker } from "../shapes";
import { key } from "./key";

/** The workers. */
export const workers = {
  workerCount: key(count(0, 99, "workers"), {
    byDefault: 3,
    change: "scale",
    description: "How many workers, named workerNamePrefix and two digits.",
  }),
  workerNamePrefix: key(regex("give the beginning of a host name", /^[a-z0-9][-a-z0-9]{0,60}$/), {
    byDefault: "kube-node",
    change: "rename",
    description: "What the workers' names begin with.",
  }),
  workerNames: key(list(machineName, 99, "workers").default([]), {
    byDefault: [],
    change: "scale",
    description: "The workers' names one by one, instead of workerCount.",
  }),
  cpus: key(worker.cpus, {
    byDefault: 2,
    change: "restart",
    description: "Virtual CPUs of a worker. A change restarts the workers, one at a time.",
  }),
  memoryMb: key(worker.memoryMb, {
    byDefault: 2048,
    change: "restart",
    description: "Memory of a worker, in MB. A change restarts the workers, one at a time.",
  }),
  vramMb: key(worker.vramMb, {
    byDefault: 33,
    change: "restart",
    description: "Video memory of a worker, in MB.",
  }),
  nics: key(worker.nics, {
    byDefault: [{ type: "intnet", network: "node" }],
    change: { restart: "the type or network of one of the `nics`", content: "the number of `nics`" },
    description: `A worker's network adapters, in order: type (${nicTypeNames}) and network. The first has the node's address.`,
  }),
  disks: key(worker.disks, {
    byDefault: [],
    change: "restart",
    description:
      "A worker's extra disks: sizeMb, format (VDI, VMDK, VHD; default VDI), variant (Standard, Fixed; default Standard).",
  }),
  keepOpen: key(worker.keepOpen, {
    byDefault: [],
    change: "restart",
    description:
      "Doors to the host that workers keep, by name: serial, parallel, portForwarding, tftp, vrde, clipboard, dragAndDrop, sharedFolders, usbFilters, recording, audio, teleporter, startAtBoot, smartCardReader, networkTrace, tpm, guestDebugging. All others are closed. With serial, port 1 writes into NAME-console.log in the worker's own folder.",
  }),
  labels: key(worker.labels, {
    byDefault: {},
    change: "live",
    description: "Labels of the Nodes.",
  }),
  taints: key(worker.taints, {
    byDefault: [],
    change: "live",
    description: "Taints of the Nodes: key, value, effect (NoSchedule, PreferNoSchedule, NoExecute).",
  }),
  kubeletArgs: key(worker.kubeletArgs, {
    byDefault: {},
    change: "rejoin",
    description:
      "Arguments of the kubelets, without their dashes; values without spaces, quotes, \\ and $. The workers rejoin after a change, one at a time.",
  }),
  workerOverrides: key(
    record(
      machineName,
      object(worker, "give what that worker has otherwise, such as {cpus: 4}").partial(),
      99,
      "give workers by their names",
    ),
    {
      byDefault: {},
      change: "override",
      description:
        "What one worker has otherwise, by its name: any of containerRuntime, cpus, memoryMb, vramMb, nics, disks, keepOpen, labels, taints, kubeletArgs, baseImage, reboot.",
    },
  ),
  autostart: key(boolean, {
    byDefault: true,
    change: { leave: "`autostart: false` on a running stack" },
    description: "Whether the workers run. Without it they are only made, and nothing joins.",
  }),
};
