import { addressTwin, type Node } from "./kubectl";
import { UserError } from "../common/errors";
import { notUnderstood } from "../common/json";
import type { SshSession } from "../ssh/session";
import { kubeadmProblem, minorOf, skewProblem, versionsFor } from "./versionSkew";

/** What a worker says of itself before it joins. */
export interface WorkerFacts {
  /** `/proc/swaps` has an entry. */
  swap: boolean;
  /** The kernel module br_netfilter is loaded. */
  brNetfilter: boolean;
  /** `net.ipv4.ip_forward` is 1. */
  ipForward: boolean;
  /** Seconds since the epoch by the worker's clock, */
  epoch: number;
  /** and when it was read, by our `performance.now()`. */
  readAt: number;
  machineId: string;
  /** The machine's UUID by its firmware, as the kubelet will report it. */
  systemUuid: string;
  /** Runtime sockets that exist. */
  criSockets: string[];
  /** Such as `v1.36.3`. */
  kubeletVersion: string;
  /** Such as `v1.36.3`. */
  kubeadmVersion: string;
  /** `cgroup2fs` for cgroup v2. */
  cgroup: string;
  /** /etc/kubernetes/kubelet.conf exists: a join obtained credentials once. */
  joined: boolean;
  /**
   * A join did not end, or not well: there is bootstrap-kubelet.conf, or there is the cluster's CA without a
   * kubelet.conf. kubeadm takes the first away where a kubelet gets no certificate in time, up to 1.30 wherever it
   * fails, and then does not join over the second.
   */
  halfJoined: boolean;
}

const SOCKETS = ["/run/containerd/containerd.sock", "/run/cri-dockerd.sock", "/run/crio/crio.sock"];

/** Prints a worker's facts, one `name=value` a line. */
export const FACTS_SCRIPT = `
echo "swap=$(tail -n +2 /proc/swaps | wc -l)"
echo "brNetfilter=$([ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] && echo 1 || echo 0)"
echo "ipForward=$(cat /proc/sys/net/ipv4/ip_forward)"
echo "machineId=$(cat /etc/machine-id)"
echo "systemUuid=$(sudo -n cat /sys/class/dmi/id/product_uuid 2>/dev/null)"
echo "criSockets=$(for s in ${SOCKETS.join(" ")}; do [ -S $s ] && printf '%s ' $s; done)"
echo "kubeletVersion=$(kubelet --version 2>/dev/null | cut -d' ' -f2)"
echo "kubeadmVersion=$(kubeadm version -o short 2>/dev/null)"
echo "cgroup=$(stat -fc %T /sys/fs/cgroup)"
echo "joined=$(sudo -n test -e /etc/kubernetes/kubelet.conf && echo 1 || echo 0)"
echo "epoch=$(date +%s)"
echo "halfJoined=$(sudo -n sh -c 'cd /etc/kubernetes; [ -e bootstrap-kubelet.conf ] || { [ -e pki/ca.crt ] && [ ! -e kubelet.conf ]; }' 2>/dev/null && echo 1 || echo 0)"
`;

/** Asks a worker for everything that {@link preflightProblems} judges, in one command. */
export async function workerFacts(session: SshSession): Promise<WorkerFacts> {
  const output = await session.run(FACTS_SCRIPT, { readOnly: true });
  return parseFacts(output, performance.now());
}

const FLAG = /^[01]$/;
const COUNT = /^\d{1,9}$/;
const PROGRAM = /^(v\d[\w.+-]{0,60})?$/;

/** How each fact is written. Empty is what a machine says without a machine-id, kubelet, kubeadm or runtime. */
const FACTS = {
  swap: COUNT,
  brNetfilter: FLAG,
  ipForward: FLAG,
  epoch: /^\d{9,11}$/,
  machineId: /^\w{0,64}$/,
  // Read by root: empty where sudo refused, and then nobody knows whether the worker has joined either.
  systemUuid: /^[\w-]{1,64}$/,
  criSockets: /^(\/[\w./-]{1,100} ?){0,9}$/,
  kubeletVersion: PROGRAM,
  kubeadmVersion: PROGRAM,
  cgroup: /^\w{1,30}$/,
  joined: FLAG,
  halfJoined: FLAG,
} as const;

/**
 * Reads what the script printed.
 * @throws UserError unless each fact is there, once, and written as it should be
 */
export function parseFacts(output: string, readAt: number): WorkerFacts {
  const lines = output.split(/\r?\n/);
  const text = (name: keyof typeof FACTS) => {
    const [value, ...more] = lines
      .filter((line) => line.startsWith(`${name}=`))
      .map((line) => line.slice(name.length + 1).trim());
    if (value !== undefined && more.length === 0 && FACTS[name].test(value)) return value;
    if (name === "systemUuid" && value === "")
      throw new UserError("the worker's sudo refused to read /sys/class/dmi/id/product_uuid", {
        hint: "log in on it, and try `sudo -n true`: sudo must ask for no password",
      });
    throw notUnderstood("the worker", `with one readable value of ${name}`, output);
  };
  const flag = (name: keyof typeof FACTS) => Number(text(name)) > 0;
  return {
    swap: flag("swap"),
    brNetfilter: flag("brNetfilter"),
    ipForward: flag("ipForward"),
    epoch: Number(text("epoch")),
    readAt,
    machineId: text("machineId"),
    systemUuid: text("systemUuid").toLowerCase(),
    criSockets: text("criSockets").split(" ").filter(Boolean),
    kubeletVersion: text("kubeletVersion"),
    kubeadmVersion: text("kubeadmVersion"),
    cgroup: text("cgroup"),
    joined: flag("joined"),
    halfJoined: flag("halfJoined"),
  };
}

/** Reads what `date +%s` printed. @throws UserError for anything but seconds since the epoch */
export function parseEpoch(output: string): number {
  if (!FACTS.epoch.test(output.trim())) throw notUnderstood("date", "in seconds since the epoch", output);
  return Number(output);
}

/** What a machine's clock says, in seconds since the epoch. */
export const epochOf = async (session: SshSession): Promise<number> =>
  parseEpoch(await session.run("date +%s", { readOnly: true }));

/** What the worker's facts are judged by. */
export interface Expectation {
  name: string;
  /** The address that its Node is to have. */
  address: string;
  criSocket: string;
  /** The API server's version, such as `v1.36.3`. */
  serverVersion: string;
  /** Seconds since the epoch by the master's clock, when the worker's was read. */
  masterEpoch: number;
  /** The cluster's nodes. */
  nodes: readonly Node[];
}

/**
 * More skew than this and certificates and tokens begin to fail; emulated and just-booted machines are off by a few
 * seconds.
 */
const MAX_CLOCK_SKEW_S = 60;

/**
 * What `kubeadm join` does not check, or only warns of, and what makes a node fail later: each a sentence with what to
 * do.
 */
export function preflightProblems(facts: WorkerFacts, expected: Expectation): string[] {
  const { name, criSocket, serverVersion, masterEpoch, nodes } = expected;
  const socket = criSocket.replace("unix://", "");
  const others = facts.criSockets.filter((other) => other !== socket);
  const twin = nodes.find((node) => node.metadata.name !== name && node.status.nodeInfo.machineID === facts.machineId);
  const skew = Math.round(Math.abs(facts.epoch - masterEpoch));
  const taken = addressTwin(nodes, expected);
  const hasBoth = facts.kubeletVersion !== "" && facts.kubeadmVersion !== "";
  const skewed = isSkewed(facts.kubeletVersion, serverVersion);
  const unfit =
    hasBoth && !skewed ? kubeadmProblem(facts.kubeadmVersion, facts.kubeletVersion, serverVersion) : undefined;
  const problems: [boolean, string][] = [
    [
      taken !== undefined,
      `${taken}; give each worker's first network adapter a network of its own addresses (VirtualBox's NAT gives all the same)`,
    ],
    [facts.swap, "swap is on; turn it off for good (`swapoff -a`, no swap in /etc/fstab)"],
    [!facts.brNetfilter, "the kernel module br_netfilter is not loaded; list it in /etc/modules-load.d"],
    [!facts.ipForward, "net.ipv4.ip_forward is not 1; set it in /etc/sysctl.d"],
    [skew > MAX_CLOCK_SKEW_S, `its clock is ${skew} s off the master's; set up time synchronisation`],
    [facts.machineId === "", "/etc/machine-id is empty; the base image must let systemd make one at first boot"],
    [
      twin !== undefined,
      `its machine-id is also ${twin?.metadata.name}'s; empty /etc/machine-id in the base image, so that each clone makes its own`,
    ],
    [
      !facts.criSockets.includes(socket),
      `${socket} is not there${others.length > 0 ? `, but ${others.join(" and ")}` : ""}; is the container runtime running?`,
    ],
    [!hasBoth, "there is no kubelet or no kubeadm; look at /var/log/cloud-init-output.log for its installation"],
    [
      skewed,
      `its kubelet ${facts.kubeletVersion} does not go with the API server's ${serverVersion}; set kubernetesVersion to one of ${versionsFor(serverVersion)}, or use a base image with such a kubelet`,
    ],
    [unfit !== undefined, `${unfit}, by kubernetesVersion or the base image`],
    [
      minorOf(facts.kubeletVersion) >= 35 && facts.cgroup !== "cgroup2fs",
      "it runs on cgroup v1, which kubelet 1.35 and later refuse; boot it with cgroup v2",
    ],
  ];
  return problems.filter(([isProblem]) => isProblem).map(([, text]) => text);
}

/** A kubelet that is not there has a line of its own. */
const isSkewed = (kubelet: string, server: string) => kubelet !== "" && skewProblem(kubelet, server) !== undefined;
