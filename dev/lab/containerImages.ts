import { basename, join } from "node:path";
import { ensureBinaries } from "./binaries";
import { cached } from "./cache";
import { cacheKey } from "./cacheKey";
import { libraryClosure } from "./libraryClosure";
import { writeOciImage, type OciImage } from "./ociImage";
import { withProgress, type Log } from "./progress";
import { versions } from "./versions";

/** The guest root's programs in the images: kube-proxy works by nft. */
const kubeProxyTools = ["/usr/sbin/nft"];

/**
 * flannel works by nft, too, but insists on finding iptables; a shell script in its container writes the CNI
 * configuration.
 */
const flannelTools = [
  "/usr/sbin/nft",
  "/usr/sbin/iptables",
  "/usr/sbin/ip6tables",
  "/bin/sh",
  "/bin/cat",
  "/bin/mv",
  "/bin/sleep",
];

const names = {
  pause: `registry.lab/pause:${versions.pause}`,
  kubeProxy: `registry.lab/kube-proxy:${versions.kubernetes}`,
  flannel: `registry.lab/flannel:${versions.flannel}`,
};

/**
 * The container images that every worker needs, as tar files in a folder of the cache; made first when they are
 * missing. Their names are in
 * `registry.lab/`, a registry that does not exist: they are imported, never pulled.
 *
 * @param guestRoot the Debian root that nft and the shell are taken from
 * @returns the folder
 */
export async function ensureContainerImages(guestRoot: string, log: Log): Promise<string> {
  const programs = await ensureBinaries(["kubernetes", "flannel", "pause"], log);
  const folders = Object.values(programs).map((folder) => basename(folder));
  const key = cacheKey(guestRoot, ...folders, ...kubeProxyTools, "", ...flannelTools, ...Object.values(names));
  return cached(
    `images-${key}`,
    (part) =>
      withProgress("making container images", log, async () => {
        await writeOciImage(join(part, "pause.tar"), pause(programs.pause));
        await writeOciImage(join(part, "kube-proxy.tar"), await kubeProxy(programs.kubernetes, guestRoot));
        await writeOciImage(join(part, "flannel.tar"), await flannel(programs.flannel, guestRoot));
      }),
    log,
  );
}

const pause = (folder: string): OciImage => ({
  name: names.pause,
  entries: [{ path: "/pause", source: join(folder, "pause") }],
  entrypoint: ["/pause"],
  user: "65535:65535",
});

const kubeProxy = async (folder: string, guestRoot: string): Promise<OciImage> => ({
  name: names.kubeProxy,
  entries: [
    { path: "/usr/local/bin/kube-proxy", source: join(folder, "kube-proxy") },
    ...(await libraryClosure(guestRoot, kubeProxyTools)),
  ],
});

const flannel = async (folder: string, guestRoot: string): Promise<OciImage> => ({
  name: names.flannel,
  entries: [
    { path: "/opt/bin/flanneld", source: join(folder, "flanneld") },
    ...(await libraryClosure(guestRoot, flannelTools)),
  ],
});
