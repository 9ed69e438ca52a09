import { isIPv4 } from "node:net";

/** An IPv4 network: its first address and the length of its prefix in bits. */
export interface Network {
  /** Dotted quad with every host bit zero, `192.168.4.32`. */
  address: string;
  /** 0 to 32. */
  prefix: number;
}

/** Reads `192.168.4.57/27`; host bits are cleared. Undefined where the text is no IPv4 address with a prefix length. */
export function networkOf(cidr: string): Network | undefined {
  const [, address = "", prefix = ""] = /^([\d.]+)\/(0|[1-9]\d?)$/.exec(cidr) ?? [];
  if (!isIPv4(address) || Number(prefix) > 32) return undefined;
  return { address: quad(number(address) & mask(Number(prefix))), prefix: Number(prefix) };
}

/** The canonical text of a network: `192.168.4.32/27`. */
export const cidr = ({ address, prefix }: Network) => `${address}/${prefix}`;

/** The dotted netmask of a prefix length: 27 → `255.255.255.224`. */
export const netmask = (prefix: number) => quad(mask(prefix));

// JavaScript shifts by 32 bits as by 0.
const mask = (prefix: number) => (prefix === 0 ? 0 : -1 << (32 - prefix));

const number = (address: string) => address.split(".").reduce((sum, octet) => (sum << 8) | Number(octet), 0);

const quad = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
