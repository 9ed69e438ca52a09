import type { Scenario } from "./drift";
import { unprintedDoors } from "../unprintedDoors";

/** Shown by VirtualBox or by the cluster, or not: none of it is ours. */
export const untouched: Scenario = {
  worker: "untouched",
  machine: "runs on",
  node: "stays",
  drifts: [
    {
      done: "A machine's description, its adapters' promiscuous mode",
      act: (hand) =>
        hand.whileOff(() => hand.vbox("modifyvm", hand.uuid, "--description", "theirs", "--nicpromisc1", "allow-all")),
      repair: "leaves them",
    },
    {
      done: "A machine's smart card reader, network traces, TPM and debugger, which VirtualBox does not print; its sound output",
      act: (hand) => hand.whileOff(() => hand.vbox("modifyvm", hand.uuid, ...unprintedDoors, "--audioout", "on")),
      repair: "leaves them: they are closed when a machine is cloned",
    },
    {
      done: "A snapshot",
      act: (hand) => hand.whileOff(() => hand.vbox("snapshot", hand.uuid, "take", "theirs")),
      repair: "leaves it",
    },
    {
      done: "A disk of somebody else's, attached behind those of `disks`",
      act: (hand) =>
        hand.whileOff(async () => {
          await hand.vbox("createmedium", "disk", "--filename", hand.file("theirs.vdi"), "--size", "8");
          await hand.vbox(
            "storageattach",
            hand.uuid,
            "--storagectl",
            "SATA",
            "--port",
            "9",
            "--device",
            "0",
            "--type",
            "hdd",
            "--medium",
            hand.file("theirs.vdi"),
          );
        }),
      repair: "leaves it, also when it deletes the machine",
    },
    {
      done: "An empty drive, or a disc, beside that of the cloud-init ISO",
      act: (hand) =>
        hand.whileOff(() =>
          hand.vbox(
            "storageattach",
            hand.uuid,
            "--storagectl",
            "IDE",
            "--port",
            "0",
            "--device",
            "0",
            "--type",
            "dvddrive",
            "--medium",
            "emptydrive",
          ),
        ),
      repair: "leaves it",
    },
    {
      done: "A guest property",
      act: (hand) => hand.vbox("guestproperty", "set", hand.uuid, "/theirs", "1"),
      repair: "leaves it",
    },
    {
      done: "Extra data of others",
      act: (hand) => hand.vbox("setextradata", hand.uuid, "theirs/key", "1"),
      repair: "leaves it",
    },
    {
      done: "Labels, annotations and taints of others on a Node",
      act: (hand) =>
        hand.node((node) => {
          node.labels.theirs = node.annotations.theirs = "1";
          node.taints.push({ key: "theirs", effect: "PreferNoSchedule" });
        }),
      repair: "leaves them",
    },
    {
      done: "A Node that was cordoned",
      act: (hand) => hand.node((node) => (node.unschedulable = true)),
      repair: "leaves it cordoned",
    },
    {
      done: "A newer kubelet, installed on the machine",
      act: async (hand) => {
        await hand.guest((disk) => (disk.facts = { kubeletVersion: "v1.36.9" }));
        await hand.vbox("controlvm", hand.uuid, "reset");
      },
      seen: ({ node }) => void (node!.kubeletVersion = "v1.36.9"),
      repair: "leaves it",
    },
    {
      done: "A join token that is spent or was revoked, as after each join",
      act: (hand) => hand.site(({ cluster }) => void (cluster.tokens = [])),
      repair: "leaves it; a join that needs one makes its own",
    },
  ],
};

/** Compared by a diff, and never drift: why a refresh does not look for it, by type and property. */
export const unseen: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "vbox:HostRoute": { destination: "a route to another network is another route" },
  "vbox:CloudInitIso": {
    name: "only an input",
    machine: "only an input",
    path: "only an input: a file that is not there is `intact: false`",
    ...Object.fromEntries(
      [
        ...[
          "userData",
          "metaData",
          "networkConfig",
          "userDataValues",
          "zone",
          "distro",
          "sshUser",
          "sshPublicKey",
          "sshCaPublicKey",
          "macAddresses",
          "kubernetesVersion",
        ],
        ...[
          "kubernetesRepository",
          "kubernetesKeyUrl",
          "kubernetesKeyFingerprint",
          "containerdPackage",
          "dockerPackage",
          "dockerRepository",
          "dockerKeyUrl",
        ],
        ...[
          "dockerKeyFingerprint",
          "criDockerdUrl",
          "criDockerdSha256",
          "sandboxImage",
          "debianMirror",
          "packageUpgrade",
          "locale",
          "timezone",
        ],
      ].map((property) => [property, "content of the file: one with another content is `intact: false`"]),
    ),
  },
  "vbox:Vm": {
    name: "only an input: a machine that was renamed is `named: false`",
    stack: "part of the mark: a machine without it is refused",
    baseImage: "VirtualBox does not keep what a machine was cloned from",
    cloneMode: "the same",
    baseSnapshot: "the same",
    autostart: "only an input: a machine that is to run and does not is `ready: false`",
    keepOpen: "only an input: a door that is open and not in it is in `openDoors`",
    isoPath: "only an input: another disc in the drive is `isoInserted: false`",
  },
  "kubeadm:JoinToken": { name: "only an input", stack: "only an input", machine: "only an input" },
  "kubeadm:WorkerJoin": {
    name: "only an input",
    stack: "part of the mark: a Node without it is `marked: false`",
    machine: "only an input",
    vmUuid: "VBoxVm's output; a Node that another machine registered counts as gone",
    address: "VBoxVm's output, which the guest tells when it starts",
    endpoint: "KubeadmCluster's output, which a refresh asks of the cluster",
    caCertHash: "KubeadmCluster's output, which a refresh asks of the cluster",
    criSocket: "it is on the worker, which a refresh does not log in on",
    kubeletArgs: "they are on the worker, which a refresh does not log in on",
  },
};
