import { UserError } from "../common/errors";
import { execWithin, type Exec, exec as execHere } from "../common/exec";
import type { Disk, Nic } from "../virtualbox/machine";
import type { Medium } from "../virtualbox/media";
import type { Route, RouteTable } from "../routes/route";
import { routeTable } from "../routes/table";
import { NotUnderstood, readMachineNames } from "../virtualbox/answer";
import { VBoxError } from "../virtualbox/error";
import { VBoxManage } from "../virtualbox/vboxManage";
import type { VmInfo } from "../virtualbox/vmInfo";
import { type CloneSource, lookAtBase } from "../virtualbox/vm/base";
import { type ClusterNeeds, lookAtCluster } from "./cluster";
import { type AskHead, askHead, type CriDockerdNeeds, lookAtCriDockerd } from "./criDockerd";
import { type Finding, finding, later, looked, right } from "../common/finding";
import { type HostFiles, hostFiles } from "./hostFiles";
import { lookAtNetworks } from "./networks";
import { filesOfDisks, lookAtDisk, lookAtMemory, type Planned } from "./room";
import { lookAtVirtualization } from "./virtualization";

/** One of the stack's workers, as far as its making can be looked at before. */
export interface PlannedWorker extends CloneSource {
  name: string;
  memoryMb: number;
  nics: Nic[];
  disks: Disk[];
}

/** All that a stack needs of what is around it. */
export interface SitePlan extends Omit<ClusterNeeds, "masters"> {
  /** The masters; none where nothing is to join. */
  masters: ClusterNeeds["masters"];
  workers: PlannedWorker[];
  routes: Route[];
  /** Whether the machines are to run. */
  autostart: boolean;
  /** None where no worker is on Docker Engine. */
  criDockerd?: CriDockerdNeeds;
}

/** Where to look; the defaults are this host. */
export interface Surroundings {
  exec?: Exec;
  routes?: Pick<RouteTable, "list" | "interfaces">;
  files?: HostFiles;
  ask?: AskHead;
  /** For all of it, in milliseconds. Default: 9.5 s. */
  deadlineMs?: number;
}

/**
 * How long each part of a look may take, in milliseconds: one that is part of another has less, so that what the others
 * found is told.
 */
const deadlinesOf = (deadlineMs: number) => ({
  first: deadlineMs * 0.4,
  then: deadlineMs * 0.6,
  part: deadlineMs * 0.5,
  ssh: deadlineMs * 0.3,
});

/**
 * Looks at everything that the stack needs, side by side, and changes nothing.
 */
export async function lookAtSite(plan: SitePlan, surroundings: Surroundings = {}): Promise<Finding[]> {
  const { exec = execHere, files = hostFiles(labRoot()), deadlineMs = 9_500 } = surroundings;
  const deadlines = deadlinesOf(deadlineMs);
  const run = execWithin(deadlineMs, exec);
  const routes = surroundings.routes ?? routeTable(process.platform, run);
  const vbox = new VBoxManage(plan.vboxManage, run);
  const ofCriDockerd =
    plan.criDockerd === undefined
      ? []
      : looked("cri-dockerd's package", deadlines.then, () =>
          lookAtCriDockerd(plan.criDockerd!, surroundings.ask ?? askHead, deadlines.part),
        );
  const here = await looked("VirtualBox", deadlines.first, () => lookAtVirtualBox(vbox));
  const isThere = here.every(({ is }) => is !== "wrong");
  const machines = isThere
    ? looked("what VirtualBox has", deadlines.then, () => lookAtMachines(plan, vbox, routes, files, deadlines.part))
    : [later("what VirtualBox has: base image, networks, room")];
  const [ofMachines, ofCluster, ofPackage] = await Promise.all([
    machines,
    clusterIfReachable(plan, routes, isThere, deadlines),
    ofCriDockerd,
  ]);
  return [...here, ...ofMachines, ...ofCluster, ...ofPackage];
}

/**
 * The lab's host has no kernel driver, and its machines need none: what stands for the system's files is in a folder
 * beside them, if there is one. Nothing else than the lab sets this variable, and where somebody else does, less is
 * looked at.
 */
const labRoot = () => (process.env.VBOX_LAB_DIR ? `${process.env.VBOX_LAB_DIR}/host` : "/");

async function lookAtVirtualBox(vbox: VBoxManage): Promise<Finding[]> {
  const warnings: string[] = [];
  try {
    await vbox.checkVersion((line) => void warnings.push(line));
  } catch (error) {
    if (!(error instanceof UserError) || error instanceof VBoxError) throw error;
    return [finding("wrong", error)];
  }
  return warnings.length > 0
    ? warnings.map((what) => ({ is: "warning", what }))
    : [right("VirtualBox is there, and speaks English")];
}

async function lookAtMachines(
  plan: SitePlan,
  vbox: VBoxManage,
  routes: Pick<RouteTable, "interfaces">,
  files: HostFiles,
  deadlineMs: number,
): Promise<Finding[]> {
  const interfaces = plan.routes.map((route) => route.interface);
  const there = await vbox.list("vms", readMachineNames);
  const isNew = ({ name }: PlannedWorker) => !there.includes(name);
  const nics = plan.workers.filter(isNew).flatMap(({ name, nics }) => nics.map((nic) => ({ ...nic, of: name })));
  const parts: [string, () => Promise<Finding[]>][] = [
    [
      "the host's virtualization",
      async () => (plan.autostart ? lookAtVirtualization(files, (await vbox.version()).version) : []),
    ],
    ["the networks", () => lookAtNetworks(vbox, { nics, interfaces }, () => routes.interfaces(), files)],
    ["the base image", () => lookAtBases(plan, vbox, files, isNew)],
  ];
  return (await Promise.all(parts.map(([what, look]) => looked(what, deadlineMs, look)))).flat();
}

/**
 * Each base image once, and the room for what is made from it. A machine that is there may be gone on with, and then
 * needs no base image.
 */
async function lookAtBases(
  { workers, autostart }: SitePlan,
  vbox: VBoxManage,
  files: HostFiles,
  isNew: (worker: PlannedWorker) => boolean,
): Promise<Finding[]> {
  const bases = new Map<string, Finding | VmInfo>();
  for (const worker of [...workers.filter(isNew), ...workers]) {
    const key = sourceOf(worker);
    if (!bases.has(key)) bases.set(key, await baseOf(vbox, worker, isNew(worker) ? "wrong" : "warning"));
  }
  const running = await vbox.list("runningvms", readMachineNames);
  const disks = await vbox.listMedia("hdds");
  const planned = workers
    .filter(({ name }) => !running.includes(name))
    .map((worker) => plannedOf(worker, isNew(worker), bases.get(sourceOf(worker)), disks));
  const problems = [...bases].flatMap(([key, base]) =>
    "is" in base
      ? [{ ...base, of: namesOf(workers.filter((worker) => isNew(worker) && sourceOf(worker) === key)) }]
      : [],
  );
  const found =
    problems.length > 0
      ? problems
      : [right(`the base image ${[...new Set(workers.map(({ baseImage }) => baseImage))].join(", ")} can be cloned`)];
  return [
    ...found,
    ...(autostart ? [lookAtMemory(files, planned)] : []),
    lookAtDisk(await vbox.machineFolder(), planned),
  ];
}

const sourceOf = ({ baseImage, baseSnapshot, disks }: PlannedWorker) =>
  JSON.stringify([baseImage, baseSnapshot, disks]);

const namesOf = (workers: readonly PlannedWorker[]) => workers.map(({ name }) => name);

async function baseOf(vbox: VBoxManage, worker: PlannedWorker, is: "wrong" | "warning"): Promise<Finding | VmInfo> {
  try {
    return await lookAtBase(vbox, worker, worker.disks);
  } catch (error) {
    if (!(error instanceof UserError) || error instanceof VBoxError || error instanceof NotUnderstood) throw error;
    return finding(is, error);
  }
}

const plannedOf = (
  { memoryMb, disks, cloneMode }: PlannedWorker,
  isNew: boolean,
  base: Finding | VmInfo | undefined,
  media: readonly Medium[],
): Planned => ({
  memoryMb,
  isNew,
  disks,
  ...(cloneMode === "full" && base !== undefined && "uuid" in base && { copies: filesOfDisks(base, media) }),
});

/** The bastion's address may be VirtualBox's to tell. */
async function clusterIfReachable(
  plan: SitePlan,
  routes: Pick<RouteTable, "list">,
  hasVirtualBox: boolean,
  { then, ssh }: ReturnType<typeof deadlinesOf>,
): Promise<Finding[]> {
  const { masters } = plan;
  if (masters.length === 0) return [];
  if (!hasVirtualBox && masters.some(({ bastion }) => bastion && !bastion.address))
    return [later("the masters: VirtualBox is to tell the bastion's address")];
  return looked("the masters", then, async () => lookAtCluster(plan, await areThere(plan.routes, routes), ssh));
}

async function areThere(wanted: readonly Route[], { list }: Pick<RouteTable, "list">): Promise<boolean> {
  const listed = await Promise.all(wanted.map(({ destination }) => list(destination)));
  return listed.every((routes) => routes.length > 0);
}
