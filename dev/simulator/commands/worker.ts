import { REPORT_COMMAND } from "../../../cloudinit/report";
import { LOGS_SCRIPT } from "../../../kubernetes/joinReport";
import { CNI_CLEANUP } from "../../../kubernetes/kubeadm";
import { FACTS_SCRIPT } from "../../../kubernetes/preflight";
import { fact, type Guest, isInstalled } from "../guest";
import { done, failed, type GuestScene, type Work } from "./command";
import { cat, date } from "./files";
import { kubeadmOnWorker } from "./kubeadmJoin";
import type { Programs } from "./shell";

/** What a worker understands. */
export const worker: Programs<GuestScene> = {
  scripts: new Map<string, Work<GuestScene>>([
    [REPORT_COMMAND, ({ guest }) => done(report(guest))],
    [FACTS_SCRIPT, (scene) => done(facts(scene))],
    [LOGS_SCRIPT, ({ guest }) => done(logs(guest))],
    [CNI_CLEANUP, () => done()],
  ]),
  programs: {
    kubeadm: kubeadmOnWorker,
    date,
    hostname: ({ hostname }) => done(hostname),
    cat: cat(({ guest: { bootId, disk } }) => ({
      "/proc/sys/kernel/random/boot_id": { text: bootId },
      "/var/lib/cloud/instance/first-boot-id": disk.firstBootId === undefined ? undefined : { text: disk.firstBootId },
      "/etc/machine-id": { text: disk.machineId ?? "" },
    })),
    tail: ({ words, isRoot, guest }) =>
      words.at(-1) !== "/var/log/cloud-init-output.log"
        ? failed(`tail: cannot open '${words.at(-1)}' for reading: No such file or directory`)
        : isRoot
          ? done(`Cloud-init v. 25.1.4 finished: ${guest.status}`)
          : failed("tail: cannot open '/var/log/cloud-init-output.log' for reading: Permission denied"),
  },
};

/** Line by line, as REPORT_COMMAND prints it. */
function report(guest: Guest): string {
  const { bootId, disk, status, address, machine } = guest;
  const mac = machine.nics["1"]?.mac.toLowerCase().match(/../g)?.join(":");
  const inet = address === undefined ? [] : [{ family: "inet", local: address, prefixlen: 24, scope: "global" }];
  const links = [
    {
      ifname: "lo",
      address: "00:00:00:00:00:00",
      addr_info: [{ family: "inet", local: "127.0.0.1", prefixlen: 8, scope: "host" }],
    },
    ...(mac ? [{ ifname: "enp0s3", address: mac, addr_info: inet }] : []),
  ];
  const errors =
    status === "error"
      ? ["('scripts_user', RuntimeError('Runparts: 1 failures (runcmd) in 1 attempted commands'))"]
      : [];
  const reached = isInstalled(guest) ? "installed" : disk.kubelet?.state === "whole" ? "joined" : "-";
  return [
    bootId,
    disk.firstBootId ?? "-",
    reached,
    JSON.stringify(links),
    JSON.stringify({ status, errors, recoverable_errors: {} }, null, 1),
    "end",
  ].join("\n");
}

/** As FACTS_SCRIPT prints them. */
function facts({ guest, now, state }: GuestScene): string {
  const { disk, machine } = guest;
  const version = disk.kubernetesVersion ?? state.cluster.version;
  const truth: Record<string, string> = {
    swap: "0",
    brNetfilter: "1",
    ipForward: "1",
    machineId: disk.machineId ?? "",
    systemUuid: machine.uuid,
    criSockets: (disk.criSockets ?? []).join(" "),
    kubeletVersion: version,
    kubeadmVersion: version,
    cgroup: "cgroup2fs",
    joined: disk.kubelet?.state === "whole" ? "1" : "0",
    epoch: String(Math.floor(now / 1000)),
    halfJoined: disk.kubelet && disk.kubelet.state !== "whole" ? "1" : "0",
  };
  return Object.entries(truth)
    .map(([name, value]) => `${name}=${fact(guest, name, value)}`)
    .join("\n");
}

const logs = (guest: Guest) => `--- kubelet
${fact(guest, "kubeletLog", "-- No entries --")}
--- container runtime
${fact(guest, "runtimeLog", "-- No entries --")}
--- cloud-init
status: ${guest.status}`;
