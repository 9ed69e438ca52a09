import { inputProblems } from "../cloudinit/problems";
import type { RenderOptions } from "../cloudinit/render";
import { isSameRendering } from "../cloudinit/seed";
import { readTemplates, type Templates } from "../cloudinit/templates";
import { UserError } from "../common/errors";
import type { CloudInitIsoArgs } from "./cloudInitIsoArgs";

/**
 * Reads the templates, when the program runs: their texts are inputs, so that an edit of one is a change.
 * @throws UserError for a template that cannot be read, and for docker without cri-dockerd
 */
export function withTemplates({
  containerRuntime = "containerd",
  reboot = true,
  userData,
  metaData,
  networkConfig,
  ...args
}: CloudInitIsoArgs) {
  const { distro = "debian", sshCaPublicKey, debianMirror, criDockerdUrl, criDockerdSha256 } = args;
  if (
    containerRuntime === "docker" &&
    userData === undefined &&
    (criDockerdUrl === undefined || criDockerdSha256 === undefined)
  ) {
    throw new UserError("docker needs cri-dockerd, which no repository has", {
      hint: "give criDockerdUrl, the address of its .deb, and criDockerdSha256, that file's SHA-256",
    });
  }
  const choice = {
    distro,
    containerRuntime,
    reboot,
    sshCa: sshCaPublicKey !== undefined,
    mirror: debianMirror !== undefined,
  };
  return { ...args, distro, ...readTemplates({ ...choice, userData, metaData, networkConfig }) };
}

/** The templates' names among a resource's inputs. */
export const TEMPLATES = ["userData", "metaData", "networkConfig"] as const satisfies readonly (keyof Templates)[];

/** What a first boot is made of, where the version may be the cluster's to tell. */
type Content = Omit<RenderOptions, "kubernetesVersion"> & { kubernetesVersion?: string };

/**
 * Whether two contents make the same cloud-init files, but for the host key; where the version is not given it stays.
 */
export function isSameFirstBoot(olds: Content, news: Content): boolean {
  if (Object.keys(inputProblems({ ...news, path: undefined })).length > 0) return false;
  const { kubernetesVersion = "" } = olds;
  return isSameRendering(
    { ...olds, kubernetesVersion },
    { ...news, kubernetesVersion: news.kubernetesVersion ?? kubernetesVersion },
  );
}
