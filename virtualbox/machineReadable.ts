/**
 * Parses what `showvminfo --machinereadable` prints, which is no format at all (VirtualBox, `showVMInfo` in
 * VBoxManageInfo.cpp):
 * - most values escape `"` and `\`, but not a newline, so a value may span lines;
 * - names of networks are printed as they are;
 * - in a description (before 7.x) and in snapshots (always) anything may stand, also lines that look like keys;
 * - a key may be quoted, and hold spaces, brackets and escaped quotes; some lines have no `=`; warnings may come
 *   before.
 *
 * VirtualBox prints all that describes the machine before any of the free text, so of two values of one key the first
 * is the true one, and what follows the machine's state and the first free text is not read at all.
 *
 * The settings of a NAT adapter follow it without its number: their keys get its name, as in `nic2 Forwarding(0)`.
 */
export function parseMachineReadable(output: string): Map<string, string> {
  const values = new Map<string, string>();
  let nic = "";
  const lines = output.split(/\r?\n/);
  for (let i = 0; i < lines.length; i++) {
    const match = KEY.exec(lines[i]!);
    if (!match) continue;
    const printed = match[1] === undefined ? match[2]! : unescape(match[1]);
    if (/^nic\d+$/.test(printed)) nic = printed;
    const key = NAT.test(printed) ? `${nic} ${printed}` : printed;
    if (FREE_TEXT.test(key) && values.has("VMState")) break;
    const parts = [lines[i]!.slice(match[0].length)];
    let isOpen = !RAW.test(key) && parts[0]!.startsWith('"') && !CLOSES.test(parts[0]!.slice(1));
    for (; isOpen && i + 1 < lines.length; isOpen = !CLOSES.test(lines[i]!)) parts.push(lines[++i]!);
    const text = parts.join("\n");
    if (!values.has(key)) values.set(key, RAW.test(key) ? unquote(text) : valueOf(text));
  }
  return values;
}

/** A quoted key with its escapes, or a plain one, up to its `=`. */
const KEY = /^(?:"((?:[^"\\]|\\.)*)"|([^"=]+))=/;

/** What a user may have filled with anything. */
const FREE_TEXT = /^(description|SnapshotName)$/;

/** Values that are printed without escapes. */
const RAW =
  /^(nic\d+ Forwarding\(\d+\)|(intnet|natnet|nat-network|hostonlyadapter|hostonly-network|bridgeadapter|generic|cloud-network)\d+)$/;

/** What is printed of each NAT adapter, and may be a door to the host. */
const NAT = /^(Forwarding\(\d+\)|enableTFTP)$/;

/** A quoted value with its escapes. */
const QUOTED = /^"((?:[^"\\]|\\[^])*)"/;

/**
 * Whether an open value ends on a line. Each line is looked at once: all of a long value at each would take time by its
 * square.
 */
const CLOSES = /^(?:[^"\\]|\\[^])*"/;

const valueOf = (text: string) => {
  const quoted = QUOTED.exec(text);
  return quoted ? unescape(quoted[1]!) : text.trim();
};

const unquote = (text: string) => text.replace(/^"/, "").replace(/"$/, "");

const unescape = (text: string) => text.replace(/\\([^])/g, "$1");
