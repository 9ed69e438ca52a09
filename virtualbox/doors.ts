/**
 * Ways from a machine to its host, and things of which the host has only one: what the base image has of them is no
 * clone's. Those that
 * `showvminfo` prints, by the names under which the configuration keeps them open.
 */
const PRINTED = {
  serial: (values: Values) => ports(values, "uart", 4),
  parallel: (values: Values) => ports(values, "lpt", 2),
  portForwarding: forwardings,
  tftp: tftpServers,
  vrde: (values: Values) => unless(values, "vrde", "off", ["--vrde", "off"]),
  clipboard: (values: Values) => unless(values, "clipboard", "disabled", ["--clipboard-mode", "disabled"]),
  dragAndDrop: (values: Values) => unless(values, "draganddrop", "disabled", ["--draganddrop", "disabled"]),
  sharedFolders: (values: Values) =>
    numbered(values, "SharedFolderNameMachineMapping").map(({ key, value }) => ({
      shown: `${key}=${value}`,
      folder: value,
    })),
  usbFilters: (values: Values) =>
    numbered(values, "USBFilterActive").map(({ key, value }) => ({ shown: `${key}=${value}`, usbFilter: 0 as const })),
  recording: (values: Values) => unless(values, "recording_enabled", "off", ["--recording", "off"]),
  audio: (values: Values) => unless(values, "audio_in", "off", ["--audioin", "off"]),
  teleporter: (values: Values) => unless(values, "teleporterenabled", "off", ["--teleporter", "off"]),
  startAtBoot: (values: Values) => unless(values, "autostart-enabled", "off", ["--autostart-enabled", "off"]),
};

/** Those that `showvminfo` does not print: nobody sees whether they are open. */
export const UNSEEN_DOORS = ["smartCardReader", "networkTrace", "tpm", "guestDebugging"] as const;

/** The name of a door. */
export type Door = keyof typeof PRINTED | (typeof UNSEEN_DOORS)[number];

/** All doors, by their names. */
export const DOORS: readonly Door[] = [...(Object.keys(PRINTED) as (keyof typeof PRINTED)[]), ...UNSEEN_DOORS];

/**
 * A door that is open, and how it is closed: by flags of `modifyvm`, or by removing a shared folder or a USB filter.
 */
export type OpenDoor = Way & {
  door: Door;
  /** As VirtualBox prints it, such as `vrde=on`. */
  shown: string;
};
type Way =
  | { flags: string[] }
  | { folder: string }
  | { /** The index, which those behind it take when it is removed. */ usbFilter: 0 };

type Values = ReadonlyMap<string, string>;
type Seen = Way & { shown: string };

/** The open doors of a machine, of what `showvminfo` prints of it. */
export const openDoors = (values: Values): OpenDoor[] =>
  Object.entries(PRINTED).flatMap(([door, seen]) => seen(values).map((way) => ({ door: door as Door, ...way })));

/** A setting that counts as open with any value but one. An older VirtualBox may not have it at all. */
function unless(values: Values, key: string, closed: string, flags: string[]): Seen[] {
  const value = values.get(key);
  return value === undefined || value === closed ? [] : [{ shown: `${key}=${value}`, flags }];
}

/** A port has an address, and beside it what it is on the host. */
function ports(values: Values, kind: "uart" | "lpt", most: number): Seen[] {
  return Array.from({ length: most }, (_, index) => `${kind}${index + 1}`).flatMap((port) => {
    const end = values.get(port.replace(kind, `${kind}mode`));
    return unless(values, port, "off", [`--${port}`, "off"]).map(({ shown, ...way }) => ({
      ...(way as { flags: string[] }),
      shown: end === undefined ? shown : `${shown} ${end}`,
    }));
  });
}

/**
 * `name,protocol,host address,host port,guest address,guest port`; a name that was given in VirtualBox's window may
 * hold commas.
 */
function forwardings(values: Values): Seen[] {
  return [...values].flatMap(([key, value]) => {
    const [, number] = /^nic(\d+) Forwarding\(/.exec(key) ?? [];
    const name = value.split(",").slice(0, -5).join(",");
    return number === undefined ? [] : [{ shown: `${key}=${value}`, flags: [`--natpf${number}`, "delete", name] }];
  });
}

/** The guest reads the host's files from it. */
function tftpServers(values: Values): Seen[] {
  return [...values].flatMap(([key, value]) => {
    const [, number] = /^nic(\d+) enableTFTP$/.exec(key) ?? [];
    return number === undefined || value === "0"
      ? []
      : [{ shown: `${key}=${value}`, flags: [`--nat-enable-tftp${number}`, "off"] }];
  });
}

/** `Key1`, `Key2` and so on. */
function numbered(values: Values, name: string): { key: string; value: string }[] {
  const found: { key: string; value: string }[] = [];
  for (let i = 1; values.has(`${name}${i}`); i++) found.push({ key: `${name}${i}`, value: values.get(`${name}${i}`)! });
  return found;
}
