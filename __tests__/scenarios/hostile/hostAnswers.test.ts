import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Exec } from "../../../common/exec";
import { routeTable } from "../../../routes/table";
import { readMedia, readMedium } from "../../../virtualbox/media";
import { inaccessibleIn, readSystemProperty, readValue } from "../../../virtualbox/answer";
import { judgeVersion } from "../../../virtualbox/version";
import { readVmInfo } from "../../../virtualbox/vmInfo";
import { readsOddAnswers, type Reader } from "../../support/oddReader";
import { ok } from "../../support/vboxResults";

const recording = (name: string) => readFileSync(join(__dirname, "../../virtualbox/recordings", `${name}.txt`), "utf8");

/** Debian's wrapper, before every answer. */
const WARNING =
  "WARNING: The character device /dev/vboxdrv does not exist.\n\t Please install the virtualbox-dkms package.\n\n\t You will not be able to start VMs.\n";

const medium = (id: number, ...more: string[]) =>
  [
    `UUID:           ad264b5a-7c43-4282-8d10-62eba923abc${id}`,
    ...[
      "Parent UUID:    base",
      "State:          created",
      "Type:           normal (base)",
      `Location:       /vms/${id}.vdi`,
      "Storage format: VDI",
    ],
    ...more,
    ...["Capacity:       64 MBytes", "Encryption:     disabled", ""],
  ].join("\n");

/** 7.2.22's, in Catalan. */
const catalanMedium = [
  ...[
    "UUID:           ad264b5a-7c43-4282-8d10-62eba923abc1",
    "UUID pare:      base",
    "Estat:          creat",
    "Tipus:          normal (base)",
  ],
  ...[
    "Ubicació:       /vms/1.vdi",
    "Format d'emmagatzematge: VDI",
    "Capacitat:      64 MBytes",
    "Xifratge:       desactivat",
    "",
  ],
].join("\n");

const virtualBox: Reader[] = [
  { name: "showvminfo", answer: recording("plain"), read: readVmInfo, mayLose: { after: "GuestMemoryBalloon" } },
  {
    name: "showvminfo of an odd machine",
    answer: recording("odd"),
    read: readVmInfo,
    mayLose: { after: "GuestMemoryBalloon" },
  },
  {
    name: "getextradata",
    answer: `${WARNING}Value: shop/test/node1\n`,
    read: (output) => readValue("getextradata", output),
    foreign: ["Valor: shop/test/node1\n", "No s'ha establert cap valor!\n", "Значение: x\n"],
  },
  {
    name: "getextradata of what is not there",
    answer: "No value set!\n",
    read: (output) => readValue("getextradata", output) ?? "absent",
    foreign: ["No s'ha establert cap valor!\n"],
  },
  {
    name: "list hdds",
    answer: `${WARNING}${medium(1)}\n${medium(2)}`,
    read: readMedia,
    empty: [],
    mayLose: "rest",
    foreign: [catalanMedium],
  },
  {
    name: "showmediuminfo",
    answer: medium(1, "Format variant: fixed default"),
    read: readMedium,
    foreign: [catalanMedium],
  },
  {
    name: "list systemproperties",
    answer:
      "API version:                     7_2\nDefault machine folder:          /vms\nLog history count:               3\n",
    read: (output) => readSystemProperty(output, "Log history count"),
    foreign: ["Carpeta de màquines per defecte:          /vms\nNombre d'historial de registres:               3\n"],
  },
  {
    name: "list vms",
    answer: '"a" {ad264b5a-7c43-4282-8d10-62eba923abc1}\n"<inaccessible>" {ad264b5a-7c43-4282-8d10-62eba923abc2}\n',
    read: inaccessibleIn,
    empty: [],
    mayLose: "rest",
  },
  { name: "--version", answer: `${WARNING}7.3.0_Debianr1\n`, read: judgeVersion },
];

/** A system's routes, or its interfaces, as its programs print them. */
const listed = (platform: NodeJS.Platform, what: "list" | "interfaces") => (output: string) => {
  const run: Exec = async () => ok(output);
  const table = routeTable(platform, run);
  return what === "list" ? table.list("192.168.4.0/27") : table.interfaces();
};

const netstat = [
  ...["Routing tables", "", "Internet:", "Destination        Gateway            Flags               Netif Expire"],
  ...[
    "default            10.0.1.1           UGScg                 en0",
    "192.168.4/27       192.168.4.30       UGSc             vboxnet0",
    "",
  ],
].join("\n");
const windows = JSON.stringify({
  routes: [{ DestinationPrefix: "192.168.4.0/27", NextHop: "192.168.4.30", ifIndex: 7 }],
  adapters: [{ InterfaceDescription: "VirtualBox Host-Only Ethernet Adapter", ifIndex: 7 }],
});

const routes: Reader[] = [
  {
    name: "ip route",
    answer: '[{"dst":"192.168.4.0/27","gateway":"192.168.4.30","dev":"vboxnet0","protocol":"157","flags":[]}]\n',
    read: listed("linux", "list"),
  },
  {
    name: "ip link",
    answer: '[{"ifname":"lo"},{"ifname":"vboxnet0"}]\n',
    read: listed("linux", "interfaces"),
    foreign: ["[]"],
  },
  {
    name: "netstat",
    answer: netstat,
    read: listed("darwin", "list"),
    mayLose: "rest",
    foreign: ["Tables de routage\n\nDestination Passerelle\n"],
  },
  { name: "ifconfig -l", answer: "lo0 en0 vboxnet0\n", read: listed("darwin", "interfaces") },
  { name: "PowerShell's routes", answer: windows, read: listed("win32", "list") },
  { name: "PowerShell's adapters", answer: windows, read: listed("win32", "interfaces") },
];

describe.each([
  ["VBoxManage", virtualBox],
  ["routes", routes],
])("%s", (_program, readers) => readers.forEach(readsOddAnswers));
