import { rules } from "../../cloudinit/problems";
import { digits, refined, boolean, path, record, checked } from "../rules";
import { url, worker } from "../shapes";
import { z } from "zod";
import { key } from "./key";

/** The first boot. */
export const firstBoot = {
  userData: key(path("give a file").optional(), {
    byDefault: "",
    change: "content",
    description: "Path of a user-data template of your own. Empty: the one in cloudinit/templates.",
  }),
  metaData: key(path("give a file").optional(), {
    byDefault: "",
    change: "content",
    description: "Path of a meta-data template of your own.",
  }),
  networkConfig: key(path("give a file").optional(), {
    byDefault: "",
    change: "content",
    description: "Path of a network-config template of your own.",
  }),
  userDataValues: key(
    record(
      z.string().regex(/^[A-Za-z_][\w-]{0,62}$/, "give a name such as password: letters, digits, _ and -"),
      refined(
        "give a text of at most 16384 characters",
        (value) => rules.userDataValues[0].safeParse({ value }).success,
      ),
      100,
      "give texts by their names",
    ),
    {
      byDefault: {},
      change: { content: "`userDataValues` (where a template has it)" },
      description:
        "Texts for the placeholders ${userDataValues.NAME} in your own templates, by name. Set them as secrets.",
    },
  ),
  debianMirror: key(url("debianMirror"), {
    byDefault: "",
    change: "content",
    description: "The distribution's mirror. Empty: cloud-init's own default.",
  }),
  packageUpgrade: key(boolean, {
    byDefault: true,
    change: "content",
    description: "Whether the first boot upgrades all packages.",
  }),
  reboot: key(worker.reboot, {
    byDefault: true,
    change: "content",
    description: "Whether the first boot ends with a reboot.",
  }),
  locale: key(checked("locale"), {
    byDefault: "en_US.UTF-8",
    change: "content",
    description: "Locale of the workers.",
  }),
  timezone: key(checked("timezone"), {
    byDefault: "UTC",
    change: "content",
    description: "Time zone of the workers.",
  }),
  kubernetesRepository: key(url("kubernetesRepository"), {
    byDefault: "",
    change: "content",
    description: "The apt repository with kubelet, kubeadm and kubectl. Empty: pkgs.k8s.io's for the version.",
  }),
  kubernetesKeyUrl: key(url("kubernetesKeyUrl"), {
    byDefault: "",
    change: "content",
    description: "Where its signing key is. Empty: Release.key in the repository.",
  }),
  kubernetesKeyFingerprint: key(digits(40).toUpperCase().optional(), {
    byDefault: "",
    change: "content",
    description: "The signing key that is accepted, 40 hexadecimal digits. Empty: pkgs.k8s.io's.",
  }),
  containerdPackage: key(z.enum(["containerd.io", "containerd"], "give containerd.io or containerd"), {
    byDefault: "containerd.io",
    change: "content",
    description: "containerd.io, from Docker's repository, or containerd, the distribution's own.",
  }),
  dockerPackage: key(z.enum(["docker-ce", "docker.io"], "give docker-ce or docker.io"), {
    byDefault: "docker-ce",
    change: "content",
    description:
      "Docker Engine, with containerRuntime docker: docker-ce, from Docker's repository, or docker.io, the distribution's own.",
  }),
  dockerRepository: key(url("dockerRepository"), {
    byDefault: "",
    change: "content",
    description: "Docker's apt repository. Empty: download.docker.com's.",
  }),
  dockerKeyUrl: key(url("dockerKeyUrl"), {
    byDefault: "",
    change: "content",
    description: "Where its signing key is. Empty: gpg in the repository.",
  }),
  dockerKeyFingerprint: key(digits(40).toUpperCase().optional(), {
    byDefault: "",
    change: "content",
    description: "The signing key that is accepted, 40 hexadecimal digits. Empty: Docker's.",
  }),
  criDockerdUrl: key(url("criDockerdUrl"), {
    byDefault: "",
    change: "content",
    description: "Address of cri-dockerd's .deb; needed with containerRuntime docker.",
  }),
  criDockerdSha256: key(digits(64).toLowerCase().optional(), {
    byDefault: "",
    change: "content",
    description: "SHA-256 of that .deb; needed with containerRuntime docker.",
  }),
  sandboxImage: key(checked("sandboxImage").optional(), {
    byDefault: "",
    change: "content",
    description: "The pause image. Empty: the runtime's own default.",
  }),
};
