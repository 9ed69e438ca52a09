import { join } from "node:path";

/** The machines that every site has: the bastion, and the tutorial's masters. */
export const masterNames = ["kube-mast01", "kube-mast02", "kube-mast03"] as const;

/** The bastion's name. */
export const bastionName = "busybox";

/** The bastion's port, the same for every site: each of them has a loopback address of its own. */
export const bastionPort = 22_022;

/** The user on bastion and masters. */
export const siteUser = "debian";

/** Where a site keeps its files. */
export const sitePaths = (folder: string) => ({
  sshPrivateKeyFile: join(folder, "ssh", "id_ed25519"),
  sshKnownHostsFile: join(folder, "ssh", "known_hosts"),
  hostKey: (machine: string) => join(folder, "ssh", `${machine}_host_ed25519_key`),
  caCertificate: join(folder, "pki", "ca.crt"),
  isoFolder: join(folder, "iso"),
  machineFolder: join(folder, "vms"),
});
