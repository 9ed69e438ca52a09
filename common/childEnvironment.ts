/**
 * What the programs that we run are given of our environment. VirtualBox finds its server by the user and
 * VBOX_IPC_SOCKETID, and its settings by HOME or XDG_CONFIG_HOME and VBOX_USER_HOME; a machine that is started with a
 * window needs the display. What else is there, such as the credentials of Pulumi's backend, is none of their business:
 * VBoxSVC and the machines keep their environment as long as they run.
 */
const NAMES = [
  ...["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG"],
  ...["DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY"],
];
const PREFIXES = ["LC_", "VBOX_", "XDG_"];

/** Without these Windows starts no PowerShell, and VirtualBox does not find its settings. */
const WINDOWS_NAMES = [
  ...["SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "USERPROFILE", "USERNAME", "APPDATA", "LOCALAPPDATA"],
  ...["PROGRAMFILES", "PROGRAMDATA", "TEMP", "TMP"],
];

/** Names that the user has added, see the configuration's `childEnvironment`. */
let added: readonly string[] = [];

/** Gives every program of this process variables of these names too. */
export function addToChildEnvironment(names: readonly string[]): void {
  added = names;
}

/**
 * The part of an environment that a program of ours is given.
 * @param more names beside those that every program needs
 */
export function childEnvironment(
  environment: NodeJS.ProcessEnv = process.env,
  more: readonly string[] = added,
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  const isWindows = platform === "win32"; // Names have no case there: `Path`.
  const names = new Set([
    ...NAMES,
    ...(isWindows ? WINDOWS_NAMES : []),
    ...more.map((name) => (isWindows ? name.toUpperCase() : name)),
  ]);
  const isGiven = (name: string) => names.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix));
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && isGiven(isWindows ? entry[0].toUpperCase() : entry[0]),
    ),
  );
}
