import { expandHome } from "../../common/userFile";
import { argument, distinct, list, regex, integer, object, path, record, checked, text } from "../rules";
import { address, host, hostKey, network } from "../shapes";
import { isAbsolute } from "node:path";
import { z } from "zod";
import { key } from "./key";

/** The way to the machines. */
export const machines = {
  bastion: key(
    object(
      {
        vm: argument("give a VM's name").optional(),
        address: host.optional(),
        interface: integer(0, 35, "the interface's number").optional(),
        port: integer(1, 65_535, "the port").optional(),
        user: regex("give a user's name", /^[A-Za-z_][-\w.]{0,31}$/).optional(),
      },
      "give a bastion such as {vm: busybox}",
    ).refine(({ vm, address }) => vm ?? address, "give vm or address"),
    {
      byDefault: { vm: "busybox" },
      change: "none",
      description:
        "The machine through which all others are reached: vm (VirtualBox is asked for the address that Guest Additions report for its network adapter) or address; interface (the adapter, counted from 0: 0 is VirtualBox's NIC 1; default: the first with an address that is not nat), port, user.",
    },
  ),
  routes: key(
    list(
      object(
        { destination: network, gateway: address, interface: argument("give an interface such as vboxnet0") },
        "give a route such as {destination: 192.168.4.0/27, gateway: 192.168.4.30, interface: vboxnet0}",
      ),
      99,
      "routes",
    )
      .refine(
        (routes) => distinct(routes, ({ destination }) => destination),
        "two routes have one destination; give each once",
      )
      .default([]),
    {
      byDefault: [
        { destination: "192.168.4.0/27", gateway: "192.168.4.30", interface: "vboxnet0" },
        { destination: "192.168.4.32/27", gateway: "192.168.4.62", interface: "vboxnet0" },
      ],
      change: "live",
      description: "The host's routes into the cluster's networks: destination, gateway, interface.",
    },
  ),
  sshUser: key(checked("sshUser"), {
    byDefault: "debian",
    change: "content",
    description: "The user on bastion, masters and workers; it has sudo without a password.",
  }),
  sshPrivateKeyFile: key(path("give a file").optional(), {
    byDefault: "~/.ssh/id_ed25519",
    change: { content: "`sshPrivateKeyFile` (where its `.pub` is the workers' key)" },
    description: "The key to log in with; the file is read where it is, and never copied. Empty: the SSH agent's keys.",
  }),
  sshPublicKey: key(checked("sshPublicKey").optional(), {
    byDefault: "",
    change: "content",
    description:
      "The key that the workers' user accepts; of an SSH agent, only this one is offered. Empty: sshPrivateKeyFile with .pub.",
  }),
  sshCaPublicKey: key(checked("sshCaPublicKey").optional(), {
    byDefault: "",
    change: "content",
    description: "An SSH certification authority that the workers trust for users. Empty: none.",
  }),
  sshKnownHostsFile: key(path("give a file"), {
    byDefault: "~/.ssh/known_hosts",
    change: "none",
    description:
      "Where the host keys of bastion and masters are, by the names or addresses given here; /etc/ssh/ssh_known_hosts is read too.",
  }),
  hostKeys: key(
    record(
      z.string().regex(/^[^\p{Cc}\p{Cs}]{1,255}$/u, "give a machine's name"),
      list(hostKey, 20, "keys of a machine").min(1, "give at least one key"),
      200,
      "give keys by their machines' names",
    ),
    {
      byDefault: {},
      change: "none",
      description:
        "Host keys of bastion and masters pinned here, before sshKnownHostsFile: name to a list such as [ssh-ed25519 AAAA…].",
    },
  ),
  vboxManage: key(path("give the program"), {
    byDefault: "VBoxManage",
    change: "none",
    description: "The VBoxManage program.",
  }),
  childEnvironment: key(
    list(
      regex("give a variable's name, such as HTTP_PROXY", /^[A-Za-z_][A-Za-z0-9_]{0,127}$/),
      50,
      "variables",
    ).default([]),
    {
      byDefault: [],
      change: "none",
      description:
        "Environment variables, by their names, that VBoxManage and the other programs are given beside those that VirtualBox needs; the rest of the environment stays with Pulumi.",
    },
  ),
  isoFolder: key(
    text("give a folder by its whole path, or from ~/ on", (folder) => isAbsolute(expandHome(folder)), 512),
    {
      byDefault: "~/.vbox-kubeadm",
      change: "moveIsos",
      description:
        "Where the workers' cloud-init ISOs are kept, in a folder per cluster and stack: a whole path, or one from ~/ on.",
    },
  ),
};
