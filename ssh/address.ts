import { isIPv6 } from "node:net";

/** Where a machine's sshd is, and as whom one logs in. */
export interface SshAddress {
  /**
   * A name, or an address without brackets; a link-local one has its zone (`fe80::1%eth0`), as the machine that
   * connects calls it.
   */
  address: string;
  port?: number;
  user?: string;
}

const HOST_NAME = /^[A-Za-z0-9]([-A-Za-z0-9.]{0,253}[A-Za-z0-9])?$/;
const USER = /^[A-Za-z_][-\w.]{0,31}$/;

/** Whether it is a host's name, or an IPv4 or IPv6 address, without a port. */
export const isHost = (text: string): boolean =>
  HOST_NAME.test(text) || (isIPv6(text) && /^[\w:.%-]{2,100}$/.test(text));

/**
 * Reads `[user@]host[:port]`, as OpenSSH writes it: an IPv6 address with a port is in brackets, and one without may be.
 * Undefined where it is nothing of the kind.
 */
export function parseSshAddress(text: string): SshAddress | undefined {
  const at = text.lastIndexOf("@");
  const user = at === -1 ? undefined : text.slice(0, at);
  const place = text.slice(at + 1);
  const [, bracketed, name, digits] = isIPv6(place)
    ? ["", place]
    : (/^(?:\[([^[\]]+)\]|([^:[\]]+))(?::([1-9]\d{0,4}))?$/.exec(place) ?? []);
  const address = bracketed ?? name ?? "";
  const port = digits === undefined ? undefined : Number(digits);
  const isRight =
    isHost(address) &&
    (bracketed === undefined || isIPv6(bracketed)) &&
    (user === undefined || USER.test(user)) &&
    (port ?? 1) <= 65_535;
  return isRight ? { address, ...(port !== undefined && { port }), ...(user !== undefined && { user }) } : undefined;
}

/** An address as a part of `host:port`: an IPv6 address is in brackets there. */
export const hostInBrackets = (address: string): string => (isIPv6(address) ? `[${address}]` : address);

/**
 * A jump host for `ssh -J`, which puts it into a ProxyCommand: a percent sign, as in `fe80::1%eth0`, is doubled for
 * that (ssh_config(5), TOKENS).
 */
export const jumpHost = ({ address, port, user }: SshAddress): string =>
  `${user === undefined ? "" : `${user}@`}${hostInBrackets(address).replaceAll("%", "%%")}${port === undefined ? "" : `:${port}`}`;
