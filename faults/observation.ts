import { readdirSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { readText } from "../lab/processes";
import type { SiteState } from "../simulator/state";
import type { SimulatedStack } from "../simulator/stack";

/**
 * Everything that a run may leave behind, a line a thing, in an order of its own and without what differs from run to run (UUIDs, times,
 * tokens, process ids): two runs that led to the same have the same lines.
 */
export function observe(stack: SimulatedStack): string[] {
  const state = stack.world.read();
  return [
    ...machines(state),
    ...media(state),
    ...state.network.routes.map(({ dst, gateway, dev, protocol }) => `route ${dst} via ${gateway} dev ${dev} proto ${protocol}`),
    ...state.cluster.tokens.map(({ description }) => `token ${description}`),
    ...nodes(state),
    ...files(stack.folder),
    ...processes(stack.folder),
    ...resources(stack.folder),
  ].sort();
}

function machines({ virtualBox }: SiteState): string[] {
  return virtualBox.machines.map(({ name, state, settings, nics: all, drives, snapshots, extraData, session }) => {
    const mediumOf = (uuid?: string) => basename(virtualBox.media.find((medium) => medium.uuid === uuid)?.location ?? "empty");
    const nics = Object.fromEntries(Object.entries(all).filter(([, { type }]) => type !== "none"));
    const attached = drives.map(({ controller, port, device, medium }) => `${controller}-${port}-${device}=${mediumOf(medium)}`).sort();
    return `machine ${JSON.stringify({ name, state, settings, nics, attached, snapshots: snapshots.map((snapshot) => snapshot.name), owner: extraData["vbox-kubeadm/owner"], locked: session !== undefined })}`;
  });
}

const media = ({ virtualBox }: SiteState) =>
  virtualBox.media.map(({ kind, location, sizeMb, format, variant }) => `medium ${kind} ${basename(location)} ${sizeMb} MB ${format} ${variant}`);

const nodes = ({ cluster }: SiteState) =>
  cluster.nodes.map(({ name, labels, annotations, taints, unschedulable }) => {
    const inOrder = { labels: sorted(Object.entries(labels)), annotations: sorted(Object.entries(annotations)), taints: sorted(taints) };
    return `node ${JSON.stringify({ name, ...inOrder, unschedulable: unschedulable ?? false })}`;
  });

/** Kubernetes keeps them in no order of their own. */
const sorted = <T>(values: readonly T[]): T[] => [...values].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

/** What belongs to the simulation itself, to Pulumi (its language host leaves its pipes after a failure), to tsx, or is a log. */
const NOT_OURS = /^tmp\/(pulumi|tsx)-|^(program|home|backend|kept)(\/|$)|^site\/(bin|world\.json|fault\.json|journal|keys)|\/Logs(\/|$)|^cache\/vbox-kubeadm\/locks\/?$/;

const files = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !NOT_OURS.test(path))
    .map((path) => `file ${path}`);

/** Pulumi's own host of the program notices within five minutes that its CLI is gone. */
const LANGUAGE_HOST = /pulumi-language-nodejs/;

/** Programs that the stack started and that still run. */
const processes = (folder: string) =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => [readText(`/proc/${pid}/cmdline`), readText(`/proc/${pid}/environ`)].some((text) => text.includes(folder)))
    .filter((pid) => !LANGUAGE_HOST.test(readText(`/proc/${pid}/cmdline`)))
    .map((pid) => `process ${readText(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim().slice(0, 120)}`);

interface Checkpoint {
  checkpoint: { latest?: { resources?: { urn: string }[]; pending_operations?: { type: string; resource: { urn: string } }[] } };
}

/** What the file backend has; `pulumi stack export` says the same, and takes a second. */
function resources(folder: string): string[] {
  const { latest } = (JSON.parse(readText(join(folder, "backend/.pulumi/stacks/vbox-kubeadm/dev.json"))) as Checkpoint).checkpoint;
  return [
    ...(latest?.resources ?? []).map(({ urn }) => `resource ${urn}`),
    ...(latest?.pending_operations ?? []).map(({ type, resource }) => `pending ${type} ${resource.urn}`),
  ];
}
