import { appendFileSync, chmodSync, copyFileSync, readFileSync, rmSync } from "node:fs";
import { sha256 } from "../../../cloudinit/isoFile";
import type { Drift, Scenario, WorkerOutputs } from "./drift";
import type { Hand } from "./hand";

/** Does something to the worker's ISO, of which nothing is left then that counts. */
const spoil = (done: string, act: (file: string) => void, repair: string): Drift => ({
  done,
  act: async (hand) => act(hand.isoFile),
  seen: ({ iso }) => void Object.assign(iso, { intact: false, sha256: "" }),
  repair,
});

/** The ISO is another file now. */
export const seenAltered = ({ iso }: WorkerOutputs) =>
  void Object.assign(iso, { intact: false, sha256: sha256(readFileSync(iso.path as string)) });

/** The drive of the worker's ISO. */
const cidataDrive = ["--storagectl", "IDE", "--port", "1", "--device", "0", "--type", "dvddrive"];

/** Puts another disc, or none, into the drive of the worker's ISO. */
const swap = (done: string, medium: (hand: Hand) => string): Drift => ({
  done,
  act: (hand) => hand.vbox("storageattach", hand.uuid, ...cidataDrive, "--medium", medium(hand)),
  seen: ({ vm }: WorkerOutputs) => void (vm!.isoInserted = false),
  repair: "puts it back",
});

/** The worker's ISO is taken out of its drive. */
export const ejected = swap("A cloud-init ISO was taken out of its drive", () => "emptydrive");

/** A disc of somebody else. */
function otherDisc(hand: Hand): string {
  const file = hand.file("theirs.iso");
  copyFileSync(hand.isoFile, file);
  return file;
}

/** Anybody may read it. */
const READABLE = 0o644;

const isoReadable = spoil(
  "A cloud-init ISO was made readable by others",
  (file) => chmodSync(file, READABLE),
  "makes it private again",
);
const isoAltered = spoil("A cloud-init ISO was altered", (file) => appendFileSync(file, "x"), "writes the same one");

/** A worker whose disc something is done to. */
const discScenario = (worker: string, ...drifts: Drift[]): Scenario => ({
  worker,
  machine: "runs on",
  node: "stays",
  drifts,
});

/** What is done to the workers' discs. */
export const discScenarios: readonly Scenario[] = [
  discScenario("ejected", isoReadable, ejected),
  discScenario(
    "swapped",
    { ...isoAltered, seen: seenAltered },
    swap("Another disc was put into a cloud-init ISO's drive", otherDisc),
  ),
  discScenario(
    "lost",
    spoil("A cloud-init ISO was deleted", (file) => rmSync(file), "writes the same one"),
  ),
];

/** A worker that has the ISO of its first boot again. */
export const restoredScenario = discScenario("restored", {
  done: "A cloud-init ISO with the host's private key, of the first boot, was brought back",
  act: (hand) => hand.restoreFirstIso(),
  seen: ({ vm }) => void (vm!.keyRemoved = false),
  repair: "writes the one without the key",
});
