import { type Finding, right } from "../common/finding";
import { type Entry, knownHost, knownHostsName } from "./knownHosts";
import { type KnownHostsFile, placesOf } from "./knownHostsFile";
import { shellCommand } from "../common/shell";
import { fingerprint, type HostKey, keyText } from "./hostKey";

/** What is known of machines' host keys. */
export interface KnownKeys {
  /** The known_hosts files as they are now; the first is the user's own, to which keys are added. */
  files(): KnownHostsFile[];
  /** A machine's keys that the configuration pins, before those in the files. */
  pinned(address: string, port?: number): readonly string[] | undefined;
}

/** A machine by the name under which its key is known, and what it offers. */
export interface Offer {
  address: string;
  port?: number;
  key: HostKey;
}

/** A machine's keys that are known. */
export function keysOf(known: KnownKeys, { address, port }: Omit<Offer, "key">): readonly string[] {
  const texts = known.files().map(({ text }) => text);
  return known.pinned(address, port) ?? knownHost(texts.join("\n"), address, port).keys;
}

/**
 * What an offered key is by what is known; undefined where the machine is new, so that only its owner can tell.
 */
export function verdictOn(offer: Offer, known: KnownKeys): Finding | undefined {
  const { address, port, key } = offer;
  const files = known.files();
  const name = knownHostsName(address, port);
  const names = [...new Set([name, address])];
  const text = keyText(key);
  const revoked = names.flatMap((one) =>
    placesOf(files, one, (entry) => entry.marker === "@revoked" && entry.key === text),
  );
  if (revoked.length > 0) {
    const output = `by ${[...new Set(revoked)].join(", ")}`;
    return {
      is: "wrong",
      what: `the host key that ${address} offers is revoked: ${shownKey(key)}`,
      output,
      hint: "give the machine a new host key, or take the line with @revoked out",
    };
  }
  if (keysOf(known, offer).some((one) => one.split(" ", 2).join(" ") === text))
    return right(`${address} has the host key that is known: ${shownKey(key)}`);
  const pinned = known.pinned(address, port);
  const places = pinned ? [`hostKeys.${address}`] : placesOf(files, name, isKey);
  return places.length > 0 ? changed(offer, places, pinned ? undefined : files[0]) : undefined;
}

const isKey = ({ marker }: Entry) => marker === undefined;

function changed({ address, port, key }: Offer, places: string[], own?: KnownHostsFile): Finding {
  const old = own
    ? `take the old one out (${shellCommand(["ssh-keygen", "-R", knownHostsName(address, port), "-f", own.path])})`
    : `correct hostKeys.${address}`;
  return {
    is: "wrong",
    what: `${address} has another host key than the one that is known: ${shownKey(key)}`,
    output: `known: ${places.join(", ")}`,
    hint: `if the machine was built again, compare this key on its console (${consoleCommand(key)}), and ${old}, then run this again. If it was not, something else answers at this address`,
  };
}

const kindOf = ({ type }: HostKey) => (type.startsWith("ecdsa") ? "ecdsa" : type.replace(/^ssh-/, ""));

/** A key as `ssh-keygen -l` names it. */
export const shownKey = (key: HostKey): string => `${kindOf(key).toUpperCase()}  ${fingerprint(key.blob)}`;

/** What shows the same fingerprint on the machine's own console. */
export const consoleCommand = (key: HostKey): string => `ssh-keygen -lf /etc/ssh/ssh_host_${kindOf(key)}_key.pub`;
