import type { HostKey } from "../../cloudinit/hostKey";
import { render, type RenderOptions } from "../../cloudinit/render";
import { readTemplates, type TemplateChoice } from "../../cloudinit/templates";
import { parseYaml } from "../../cloudinit/yaml";

/** Of no use to anybody: what stands for a host key where its value does not matter. */
export const someHostKey: HostKey = { hostPrivateKey: "private\nkey\n", hostPublicKey: "ssh-ed25519 AAAA" };

const somePublicKey = `ssh-ed25519 ${Buffer.concat([Buffer.from("\0\0\0\x0bssh-ed25519"), Buffer.alloc(36)]).toString("base64")}`;

/** Templates of ours; without a choice: Debian with containerd and nothing optional but the reboot. */
export const ourTemplates = (choice: Partial<TemplateChoice> = {}) =>
  readTemplates({
    distro: "debian",
    containerRuntime: "containerd",
    sshCa: false,
    mirror: false,
    reboot: true,
    ...choice,
  });

/** What a rendering needs at the least, and what is given. */
export const renderOptions = (
  given: Partial<RenderOptions> = {},
  choice: Partial<TemplateChoice> = {},
): RenderOptions => ({
  ...ourTemplates({ ...choice, ...(given.distro && { distro: given.distro }) }),
  name: "kube-node01",
  zone: "kube.demo",
  distro: "debian",
  sshUser: "debian",
  sshPublicKey: `${somePublicKey} me@here`,
  macAddresses: ["080027A1B2C3"],
  kubernetesVersion: "1.36.3",
  kubernetesKeyFingerprint: "D".repeat(40),
  containerdPackage: "containerd.io",
  dockerPackage: "docker-ce",
  dockerKeyFingerprint: "E".repeat(40),
  packageUpgrade: true,
  locale: "en_US.UTF-8",
  timezone: "UTC",
  ...given,
});

/** What user-data has in it, as far as the tests look. */
export interface UserData extends Record<string, unknown> {
  write_files: { path: string; content: string; permissions?: string }[];
  runcmd: (string | string[])[];
}

/** Rendered user-data, read again. */
export const userDataOf = (options: RenderOptions) =>
  parseYaml(render(options, someHostKey).files["user-data"], "user-data") as unknown as UserData;

/** The files that user-data writes: path → content. */
export const filesOf = ({ write_files }: UserData) =>
  Object.fromEntries(write_files.map(({ path, content }) => [path, content]));
