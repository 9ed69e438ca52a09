import { lstatSync, readdirSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { readText } from "../lab/processes";
import { readinessOf } from "../simulator/cluster";
import { cidataOf, guestOf } from "../simulator/guest";
import type { Machine, SiteState } from "../simulator/state";
import type { SimulatedStack } from "../simulator/stack";
import { namesIn } from "./names";

/**
 * Everything that a run may leave behind or change, a line a thing, in an order of its own and without what differs
 * from run to run: two runs that led to the same have the same lines.
 * @param before the machines and Nodes that there were before it, by their UUIDs: they are told from new ones
 */
export function observe(stack: SimulatedStack, before: ReadonlySet<string> = new Set()): string[] {
  const state = stack.world.read();
  const lines = [
    ...state.virtualBox.machines.map(machineLine),
    ...media(state),
    ...state.network.routes.map(
      ({ dst, gateway, dev, protocol }) => `route ${dst} via ${gateway} dev ${dev} proto ${protocol}`,
    ),
    ...state.cluster.tokens.map(({ description }) => `token ${description}`),
    ...(state.cluster.bindings ?? []).flatMap(({ metadata: { name, annotations = {} } }) => [
      `binding ${name}`,
      ...Object.values(annotations).map((holder) => `binding ${name} for ${holder}`),
    ]),
    ...nodes(state),
    ...files(stack.folder),
    ...processes(stack.folder),
    ...resources(stack.folder),
  ];
  return lines.map(namesIn(stack, before)).sort();
}

/** What the guests have become, and what Pulumi's state says of each property, in the manner of {@link observe}. */
export function details(stack: SimulatedStack, before: ReadonlySet<string>): string[] {
  const state = stack.world.read();
  const lines = [
    ...state.virtualBox.machines.flatMap((machine) => guestLine(state, machine)),
    ...outputs(stack.folder),
  ];
  return lines.map(namesIn(stack, before)).sort();
}

function machineLine({
  uuid,
  name,
  state,
  settings,
  nics: all,
  drives,
  snapshots,
  extraData,
  session,
  nat = {},
  sharedFolders = [],
  usbFilters = [],
}: Machine): string {
  const doors = [
    ...Object.values(nat).flatMap(({ forwardings, tftp }) => [...forwardings, ...(tftp ? ["tftp"] : [])]),
    ...sharedFolders.map((folder) => folder.name),
    ...usbFilters,
  ];
  const nics = Object.fromEntries(Object.entries(all).filter(([, { type }]) => type !== "none"));
  const attached = drives
    .map(({ controller, port, device, medium }) => `${controller}-${port}-${device}=${medium ?? "empty"}`)
    .sort();
  return `machine ${JSON.stringify({ uuid, name, state, settings, nics, doors, attached, snapshots: snapshots.map((snapshot) => snapshot.name), extraData, locked: session !== undefined })}`;
}

/** If it runs: whether it has become what the disc in its drive says, and what it has joined. */
function guestLine(state: SiteState, machine: Machine): string[] {
  const guest = guestOf(state, machine, Date.now());
  if (!guest) return [];
  const { status, disk } = guest;
  const disc = cidataOf(state, machine);
  const isOfItsDisc = disc !== undefined && disc.instanceId === disk.instanceId;
  const { state: joined, nodeName } = disk.kubelet ?? {};
  return [
    `guest ${JSON.stringify({ name: machine.name, status, isOfItsDisc, hostname: disk.hostname, joined, nodeName })}`,
  ];
}

const media = ({ virtualBox }: SiteState) =>
  virtualBox.media.map(
    ({ kind, location, sizeMb, format, variant }) =>
      `medium ${kind} ${basename(location)} ${sizeMb} MB ${format} ${variant}`,
  );

const nodes = (state: SiteState) =>
  state.cluster.nodes.map((node) => {
    const { name, uid, systemUuid, internalIp, labels, annotations, taints, unschedulable = false } = node;
    const inOrder = {
      labels: sorted(Object.entries(labels)),
      annotations: sorted(Object.entries(annotations)),
      taints: sorted(taints),
    };
    return `node ${JSON.stringify({ name, uid, systemUuid, internalIp, ready: readinessOf(state, node, Date.now()).status, ...inOrder, unschedulable })}`;
  });

/** Kubernetes keeps them in no order of their own. */
const sorted = <T>(values: readonly T[]): T[] =>
  [...values].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

/**
 * What belongs to the simulation itself, to Pulumi (its language host leaves its pipes after a failure), to tsx, or is
 * a log.
 */
const NOT_OURS =
  /^tmp\/(pulumi|tsx)-|^(program|home|backend|kept|passphrase|programs\.socket)(\/|$)|^site\/(bin|host|world\.json|fault\.json|journal|struck|keys)|\/Logs(\/|$)|^cache\/vbox-kubeadm\/(locks\/?|durations\.json(\.new)?)$/;

/** With their modes: an ISO is its owner's alone. */
const files = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !NOT_OURS.test(path))
    .map((path) => `file ${path} ${modeOf(join(folder, path))}`);

const modeOf = (path: string) => ((lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o777).toString(8);

/** Pulumi's own host of the program notices within five minutes that its CLI is gone. */
const LANGUAGE_HOST = /pulumi-language-nodejs/;

/** Programs that the stack started and that still run. */
const processes = (folder: string) =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) =>
      [readText(`/proc/${pid}/cmdline`), readText(`/proc/${pid}/environ`)].some((text) => text.includes(folder)),
    )
    .filter((pid) => !LANGUAGE_HOST.test(readText(`/proc/${pid}/cmdline`)))
    .map((pid) => `process ${readText(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim().slice(0, 120)}`);

interface Checkpoint {
  checkpoint: {
    latest?: {
      resources?: { urn: string; outputs?: Record<string, unknown> }[];
      pending_operations?: { type: string; resource: { urn: string } }[];
    };
  };
}

/**
 * Pulumi's state, secrets encrypted: the file backend's file says the same as `pulumi stack export`, which takes a
 * second.
 */
const latest = (folder: string) =>
  (JSON.parse(readText(join(folder, "backend/.pulumi/stacks/vbox-kubeadm/dev.json"))) as Checkpoint).checkpoint
    .latest ?? {};

function resources(folder: string): string[] {
  const { resources = [], pending_operations = [] } = latest(folder);
  return [
    ...resources.map(({ urn }) => `resource ${urn}`),
    ...pending_operations.map(({ type, resource }) => `pending ${type} ${resource.urn}`),
  ];
}

const outputs = (folder: string) =>
  (latest(folder).resources ?? []).flatMap(({ urn, outputs = {} }) => outputsOf(urn, outputs));

/** Each site that runs has its bastion at a loopback address of its own. */
const BASTION_ADDRESS = /\b127(\.\d{1,3}){3}\b/g;

/** Without the handler, which is the same everywhere, without ciphertext, and without what differs between sites. */
const outputsOf = (urn: string, outputs: Record<string, unknown>) =>
  Object.entries(outputs)
    .filter(([key]) => key !== "__provider")
    .map(
      ([key, value]) =>
        `output ${urn.split("/").at(-1)} ${key}: ${JSON.stringify(value, (_, part: unknown) => (isSecret(part) ? "secret" : part)).replace(BASTION_ADDRESS, "the bastion")}`,
    );

const isSecret = (value: unknown) => typeof value === "object" && value !== null && "ciphertext" in value;
