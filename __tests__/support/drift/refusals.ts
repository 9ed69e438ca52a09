import { copyFileSync, renameSync, rmSync } from "node:fs";
import type { Disk } from "../../../virtualbox/machine";
import type { VirtualBoxState } from "../../../dev/simulator/state";
import { shellWords } from "../../../dev/simulator/shellWords";
import { nodeOf, type Hand } from "./hand";
import { seenAltered } from "./discs";
import type { Drift } from "./drift";
import { grownMb } from "./machines";

/** Something that the program does not fix, as it may not be ours, or cannot be fixed without a loss. */
export interface Refusal {
  worker: string;
  /** What was done, as the table says it. */
  done: string;
  act(hand: Hand): Promise<unknown>;
  /** What a refresh makes of it, where that does not refuse itself. */
  seen?: Drift["seen"];
  /** What the error says. */
  says: RegExp;
  /** How to go on, as the table says it. */
  goOn: string;
  /** Goes on so. @param output the CLI's output */
  fix(hand: Hand, output: string): Promise<unknown>;
}

/** Refused by `pulumi refresh`. */
export const refusedByRefresh: readonly Refusal[] = [
  {
    worker: "hardware",
    done: "Our mark was taken off a machine that runs",
    act: (hand) => hand.vbox("setextradata", hand.uuid, "vbox-kubeadm/owner"),
    says: /the machine hardware \(\S+\) does not carry the mark of kube\/dev any more/,
    goOn: "the error's own `VBoxManage setextradata …` sets the mark again; `pulumi state delete` forgets the machine",
    fix: (hand, output) => hand.vbox(...shellWords(/`VBoxManage (setextradata .*?)`/.exec(output)![1]!)!),
  },
  {
    worker: "adapters",
    done: "A machine's settings file was moved away",
    act: async (hand) => {
      await hand.vbox("controlvm", hand.uuid, "poweroff");
      renameSync(hand.settingsFile, `${hand.settingsFile}.kept`);
    },
    says: /VirtualBox cannot read the settings of the machine/,
    goOn: "bring the file back (`.vbox-prev` beside it has the settings from before the last change); or, if it is gone for good, `VBoxManage unregistervm UUID` and delete the machine's folder: then `up --refresh` recreates the machine",
    fix: async (hand) => {
      renameSync(`${hand.settingsFile}.kept`, hand.settingsFile);
      await hand.vbox("startvm", hand.uuid, "--type", "headless");
    },
  },
  unregistered(),
];

/** A machine with all its files, which VirtualBox does not know any more. */
function unregistered(): Refusal {
  let known: VirtualBoxState;
  return {
    worker: "forwarded",
    done: "A machine was unregistered, and its files kept",
    act: async (hand) => {
      await hand.vbox("controlvm", hand.uuid, "poweroff");
      await hand.site(({ virtualBox }) => void (known = structuredClone(virtualBox)));
      await hand.vbox("unregistervm", hand.uuid);
    },
    says: /holds a finished machine forwarded of kube\/dev that VirtualBox does not know/,
    goOn: "the error's own `VBoxManage registervm …`; or delete the machine's folder: then `up --refresh` recreates the machine",
    // What `registervm` does, which the simulated VirtualBox does not have.
    fix: async (hand) => {
      await hand.site(({ virtualBox: { machines, media } }) => {
        machines.push(...known.machines.filter(({ uuid }) => uuid === hand.uuid));
        media.push(
          ...known.media.filter(
            ({ uuid, location }) =>
              location.startsWith(hand.machineFolder) && !media.some((medium) => medium.uuid === uuid),
          ),
        );
      });
      await hand.vbox("startvm", hand.uuid, "--type", "headless");
    },
  };
}

/** Refused by `pulumi up` as well, which stops there. */
export const refusedIso: Refusal = {
  worker: "deleted",
  done: "Another program's file is where a cloud-init ISO was",
  act: async (hand) => copyFileSync(hand.file("world.json"), hand.isoFile),
  seen: seenAltered,
  says: /deleted-cidata\.iso is there already, and was not made by this program/,
  goOn: "move it away",
  fix: async (hand) => rmSync(hand.isoFile),
};

/** Seen by `pulumi refresh`, and refused by `pulumi up`, which leaves what is there as it is. */
export const refusedByUp: readonly Refusal[] = [
  {
    worker: "disks",
    done: "A disk was made larger",
    act: (hand) =>
      hand.whileOff(() => hand.vbox("modifymedium", "disk", hand.diskFile(0), "--resize", String(grownMb))),
    seen: ({ vm }) => void ((vm!.disks as Disk[])[0]!.sizeMb = grownMb),
    says: new RegExp(`disks\\[0\\] of disks has ${grownMb} MB and cannot shrink to 64 MB`),
    goOn: "give `disks` the new size; or remove the disk from `disks`, run `up`, and add it again, empty",
    fix: async () => {},
  },
  {
    worker: "marked",
    done: "A Node was deleted, and another machine joined under its name",
    act: (hand) =>
      hand.site((state) => {
        const node = nodeOf(state, hand.name)!;
        Object.assign(node, { uid: "theirs", systemUuid: "theirs", machineId: "theirs", annotations: {}, labels: {} });
      }),
    seen: (outputs) => void delete outputs.node,
    says: /the cluster already has a Node marked, which this stack did not make/,
    goOn: "give the worker another name, or delete that Node",
    fix: (hand) => hand.deleteNode(),
  },
  {
    worker: "reset",
    done: "A machine was deleted, and another one made under its name",
    act: async (hand) => {
      await hand.vbox("controlvm", hand.uuid, "poweroff");
      await hand.vbox("unregistervm", hand.uuid, "--delete");
      await hand.vbox("createvm", "--name", hand.name, "--register");
    },
    seen: (outputs) => {
      outputs.node!.ready = false;
      delete outputs.vm;
    },
    says: /VirtualBox already has a machine reset/,
    goOn: "rename or delete that machine, or give the worker another name, or set `adopt` to take it over",
    fix: (hand) => hand.vbox("unregistervm", hand.name, "--delete"),
  },
];
