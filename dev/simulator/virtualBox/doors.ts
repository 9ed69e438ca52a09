import type { Machine } from "../state";
import { misused, refused } from "./refusal";

// What a machine has of its host: ports, forwardings, folders and the like. As in VirtualBox a clone inherits all of
// it.

/**
 * Settings of one value: the printed key by the option, and the values, where there are few. The first is a fresh
 * machine's.
 */
const settings: Record<string, { key: string; values?: string[] }> = {
  vrde: { key: "vrde", values: ["off", "on"] },
  vrdeport: { key: "vrdeport" },
  "clipboard-mode": { key: "clipboard", values: ["disabled", "hosttoguest", "guesttohost", "bidirectional"] },
  draganddrop: { key: "draganddrop", values: ["disabled", "hosttoguest", "guesttohost", "bidirectional"] },
  recording: { key: "recording_enabled", values: ["off", "on"] },
  "recording-file": { key: "recording-file" },
  audioin: { key: "audio_in", values: ["off", "on"] },
  audioout: { key: "audio_out", values: ["off", "on"] },
  teleporter: { key: "teleporterenabled", values: ["off", "on"] },
  "teleporter-port": { key: "teleporterport" },
  "autostart-enabled": { key: "autostart-enabled", values: ["off", "on"] },
  usbcardreader: { key: "usbcardreader", values: ["off", "on"] },
  "tpm-type": { key: "tpm-type", values: ["none", "1.2", "2.0", "host", "swtpm"] },
  "guest-debug-provider": { key: "guest-debug-provider", values: ["none", "native", "gdb", "kd"] },
  "guest-debug-port": { key: "guest-debug-port" },
};

/** How many words follow an option such as `uartmode1`, by the first of them; undefined where it is no such option. */
export function doorWords(option: string, first = ""): number | undefined {
  if (
    Object.hasOwn(settings, option) ||
    /^(lptmode[12]|nictrace[1-8]|nictracefile[1-8]|nat-enable-tftp[1-8])$/.test(option)
  )
    return 1;
  if (/^(uart[1-4]|lpt[12])$/.test(option)) return first === "off" ? 1 : 2;
  if (/^uartmode[1-4]$/.test(option))
    return ["file", "server", "client", "tcpserver", "tcpclient"].includes(first) ? 2 : 1;
  if (/^natpf[1-8]$/.test(option)) return first === "delete" ? 2 : 1;
  return undefined;
}

/** Sets what {@link doorWords} knows. @throws Refusal for a value that is none */
export function setDoor(machine: Machine, option: string, words: readonly string[]): void {
  const [first = "", second = ""] = words;
  const { key, values } = (Object.hasOwn(settings, option) && settings[option]) || { key: option };
  if (values && !values.includes(first)) throw misused(`Invalid --${option} argument '${first}'`);
  // VirtualBox needs a database of its own for it.
  if (option === "autostart-enabled" && first === "on")
    throw refused("The path to the autostart database is not set", "NS_ERROR_FAILURE", "Machine");
  const nat = /^natpf(\d)$/.exec(option)?.[1];
  const tftp = /^nat-enable-tftp(\d)$/.exec(option)?.[1];
  if (nat !== undefined) forward(machine, nat, words);
  else if (tftp !== undefined) setTftp(natOf(machine, tftp), first === "on");
  else if (first === (values?.[0] ?? "off")) delete machine.settings[key];
  else if (/^(uart|lpt)\d$/.test(option))
    machine.settings[key] = `0x${Number(first).toString(16).padStart(4, "0")},${second}`;
  else machine.settings[key] = words.join(",");
}

/** The NAT of an adapter, which it keeps while it is attached to something else. */
const natOf = (machine: Machine, number: string) => ((machine.nat ??= {})[number] ??= { forwardings: [] });

function setTftp(nat: ReturnType<typeof natOf>, isOn: boolean): void {
  if (isOn) nat.tftp = true;
  else delete nat.tftp;
}

function forward(machine: Machine, number: string, [first = "", second]: readonly string[]): void {
  const nat = natOf(machine, number);
  const nameOf = (rule: string) => rule.split(",")[0];
  if (first !== "delete") return void nat.forwardings.push(first);
  if (!nat.forwardings.some((rule) => nameOf(rule) === second))
    throw misused("Code NS_ERROR_INVALID_ARG (0x80070057) - Invalid argument value (extended info not available)");
  nat.forwardings = nat.forwardings.filter((rule) => nameOf(rule) !== second);
}

/** `sharedfolder add` and `remove`. @throws Refusal where the name is taken, or is none */
export function shareFolder(machine: Machine, action: "add" | "remove", name: string, hostPath: string): void {
  const folders = (machine.sharedFolders ??= []);
  const isThere = folders.some((folder) => folder.name === name);
  if (action === "add") {
    if (isThere) throw refused(`Shared folder named '${name}' already exists`, "VBOX_E_OBJECT_IN_USE", "Machine");
    folders.push({ name, hostPath });
    return;
  }
  if (!isThere) throw refused(`Could not find a shared folder named '${name}'`, "VBOX_E_OBJECT_NOT_FOUND", "Machine");
  machine.sharedFolders = folders.filter((folder) => folder.name !== name);
}

/** `usbfilter add` and `remove`. @throws Refusal where there is none at the index */
export function filterUsb(machine: Machine, action: "add" | "remove", index: number, name: string): void {
  const filters = (machine.usbFilters ??= []);
  if (action === "remove" && filters.length === 0)
    throw refused("The USB device pFilter list is empty", "NS_ERROR_INVALID_ARG", "USBDeviceFilters");
  filters.splice(index, action === "remove" ? 1 : 0, ...(action === "add" ? [name] : []));
}

/** What `showvminfo` prints of them behind the network adapters. */
export function printDoors({ settings: is, sharedFolders = [], usbFilters = [] }: Machine): string[] {
  const shown = (option: keyof typeof settings) =>
    `${settings[option]!.key}="${is[settings[option]!.key] ?? settings[option]!.values![0]}"`;
  return [
    ...[1, 2, 3, 4].flatMap((n) => port(is, "uart", n, "disconnected")),
    ...[1, 2].flatMap((n) => port(is, "lpt", n, "")),
    ...["audioout", "audioin", "clipboard-mode", "draganddrop", "vrde"].map(shown),
    ...usbFilters.flatMap((name, i) => [`USBFilterActive${i + 1}="on"`, `USBFilterName${i + 1}="${escape(name)}"`]),
    ...sharedFolders.flatMap(({ name, hostPath }, i) => [
      `SharedFolderNameMachineMapping${i + 1}="${escape(name)}"`,
      `SharedFolderPathMachineMapping${i + 1}="${escape(hostPath)}"`,
    ]),
    shown("recording"),
  ];
}

/** What it prints of them before the network adapters. */
export const printEarlyDoors = ({ settings: is }: Machine): string[] =>
  ["teleporterenabled", "autostart-enabled"].map((key) => `${key}="${is[key] ?? "off"}"`);

/** What it prints behind a NAT adapter, without its number. Rules are printed as they are, by their names. */
export const printNat = ({ nat = {} }: Machine, number: string): string[] => [
  `enableTFTP="${nat[number]?.tftp ? 1 : 0}"`,
  ...[...(nat[number]?.forwardings ?? [])].sort().map((rule, i) => `Forwarding(${i})="${rule}"`),
];

const port = (is: Machine["settings"], kind: "uart" | "lpt", number: number, mode: string) => {
  const address = is[`${kind}${number}`] ?? "off";
  return [
    `${kind}${number}="${address}"`,
    ...(address === "off" ? [] : [`${kind}mode${number}="${escape(is[`${kind}mode${number}`] ?? mode)}"`]),
  ];
};

const escape = (text: string) => text.replace(/["\\]/g, "\\$&");
