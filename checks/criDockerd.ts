import { type Finding, later, right } from "../common/finding";

/** What the workers on Docker Engine install from. */
export interface CriDockerdNeeds {
  /** Where cri-dockerd's .deb is. */
  url: string;
  /** The base image's distribution. */
  distro: string;
}

/**
 * Asks a web server for the headers of an address.
 * @returns the status of its answer, without following a redirection
 */
export type AskHead = (url: string, deadlineMs: number) => Promise<number>;

/** {@link AskHead} by `fetch`. It uses no proxy, unless `NODE_USE_ENV_PROXY` has Node.js do so. */
export const askHead: AskHead = async (url, deadlineMs) =>
  (await fetch(url, { method: "HEAD", redirect: "manual", signal: AbortSignal.timeout(deadlineMs) })).status;

const RELEASES = "https://github.com/Mirantis/cri-dockerd/releases";

/** A release has packages for some distributions, and never for all. */
const CHOICE = `give one that ${RELEASES} lists for a release: 0.4.10 has them for Debian 11 and 12 (bullseye, bookworm) and Ubuntu 20.04 to 24.04 (focal, jammy, noble), and none for Debian 13 (trixie), where bookworm's has all that it depends on`;

/**
 * Upstream's names: `cri-dockerd_0.4.10.3-0.debian-bookworm_amd64.deb`, also with the `~` that GitHub makes a dot of.
 */
const NAME = /\/cri-dockerd_[\d.~-]+(debian|ubuntu)-([a-z]+)_([a-z0-9]+)\.deb$/;

/**
 * Whether the .deb is there, and whether its name is that of a package for the workers. The look is from here, and a
 * worker may see another net.
 */
export async function lookAtCriDockerd(
  { url, distro }: CriDockerdNeeds,
  ask: AskHead,
  deadlineMs: number,
): Promise<Finding[]> {
  const [, packaged, codename, architecture = "amd64"] = NAME.exec(url) ?? [];
  if (architecture !== "amd64")
    return [
      {
        is: "wrong",
        what: `criDockerdUrl is a package for ${architecture}, and workers are x86-64 (amd64)`,
        hint: CHOICE,
      },
    ];
  const findings = [await isThere(url, ask, deadlineMs)];
  if (packaged !== undefined && packaged !== distro)
    findings.push({
      is: "warning",
      what: `criDockerdUrl is a package for ${packaged} (${codename}), and the base image is ${distro}, by \`distro\``,
      hint: CHOICE,
    });
  return findings;
}

async function isThere(url: string, ask: AskHead, deadlineMs: number): Promise<Finding> {
  const unseen = later(
    "cri-dockerd's package: its server does not answer here; the workers fetch it on their first boot",
  );
  if (!/^https?:/.test(url)) return unseen;
  const status = await ask(url, deadlineMs).catch(() => undefined);
  if (status === 404 || status === 410)
    return {
      is: "wrong",
      what: `criDockerdUrl: there is no such file (the server answers ${status}): ${url}`,
      hint: CHOICE,
    };
  return status !== undefined && status < 400 ? right("cri-dockerd's package is there") : unseen;
}
