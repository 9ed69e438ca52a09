import { join } from "node:path";
import { type DebPackage, makePackage } from "./debPackage";
import { versions } from "./versions";

/** What debhelper's own does: the units are enabled and started as soon as the package is there. */
const postinst = `#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
for unit in cri-docker.service cri-docker.socket; do deb-systemd-helper enable $unit >/dev/null; done
[ ! -d /run/systemd/system ] || { systemctl --system daemon-reload; deb-systemd-invoke start cri-docker.service cri-docker.socket >/dev/null; }
`;

/**
 * Makes cri-dockerd's package with upstream's name, layout and dependencies; the two units are ours.
 * @param programs folder with cri-dockerd
 * @param units folder with cri-docker.service and cri-docker.socket
 * @param target where the .deb goes
 * @returns the .deb's path
 */
export const makeCriDockerdPackage = (programs: string, units: string, target: string): Promise<string> =>
  makePackage(criDockerd(programs, units), target);

function criDockerd(programs: string, units: string): DebPackage {
  const systemd = "/usr/lib/systemd/system";
  return {
    name: "cri-dockerd",
    version: `${versions["cri-dockerd"].replace("v", "")}~3-0~debian-trixie`,
    depends: ["containerd | containerd.io", "iptables", "libseccomp2"],
    description: "Container Runtime Interface of Docker Engine",
    files: {
      "/usr/bin/cri-dockerd": join(programs, "cri-dockerd"),
      ...Object.fromEntries(
        ["cri-docker.service", "cri-docker.socket"].map((unit) => [`${systemd}/${unit}`, join(units, unit)]),
      ),
    },
    postinst,
  };
}
