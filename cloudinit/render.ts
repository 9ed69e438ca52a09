import { createHash } from "node:crypto";
import { UserError } from "../common/errors";
import type { HostKey } from "./hostKey";
import { fill, ownValues, type Values } from "./placeholders";
import type { Distro, Templates } from "./templates";
import { isMap, parseYaml, printYaml, type Yaml } from "./yaml";

/** What a machine's first boot is made of. The providers' CloudInitIsoArgs says what each value is. */
export interface RenderOptions extends Templates {
  name: string;
  zone: string;
  distro: Distro;
  sshUser: string;
  sshPublicKey: string;
  sshCaPublicKey?: string;
  macAddresses: readonly string[];
  kubernetesVersion: string;
  kubernetesRepository?: string;
  kubernetesKeyUrl?: string;
  kubernetesKeyFingerprint: string;
  containerdPackage: string;
  dockerPackage: string;
  dockerRepository?: string;
  dockerKeyUrl?: string;
  dockerKeyFingerprint: string;
  criDockerdUrl?: string;
  criDockerdSha256?: string;
  sandboxImage?: string;
  debianMirror?: string;
  packageUpgrade: boolean;
  locale: string;
  timezone: string;
  userDataValues?: Readonly<Record<string, string>>;
}

/** The files of a cidata disc, and what a reader of them must know. */
export interface Rendering {
  files: { "user-data": string; "meta-data": string; "network-config": string };
  /** The machine's name and a hash of everything else. */
  instanceId: string;
  /** Whether the first boot ends with a reboot. */
  reboots: boolean;
}

/**
 * Renders a machine's cloud-init files; the same options give the same bytes.
 * @throws UserError for a template that asks for what does not exist or was not given
 */
export function render(options: RenderOptions, hostKey: HostKey): Rendering {
  const values = valuesOf(options, hostKey);
  const userData = filled(options.userData, values, "user-data");
  const networkConfig = printYaml(filled(options.networkConfig, values, "network-config"));
  const text = `#cloud-config\n${printYaml(userData)}`;

  const metaData = (instanceId: string) => filled(options.metaData, { ...values, instanceId }, "meta-data");
  const rest = JSON.stringify([text, networkConfig, metaData("")]);
  const instanceId = `${options.name}-${createHash("sha256").update(rest).digest("hex").slice(0, 16)}`;
  const meta = metaData(instanceId);
  if (!isMap(meta) || meta["instance-id"] !== instanceId) {
    throw new UserError("meta-data does not tell one content from another", {
      hint: "give it the line instance-id: ${instanceId}",
    });
  }
  return {
    files: { "user-data": text, "meta-data": printYaml(meta), "network-config": networkConfig },
    instanceId,
    reboots: isMap(userData) && isMap(userData["power_state"]) && userData["power_state"]["mode"] === "reboot",
  };
}

/**
 * What is wrong with a template, as far as that can be told before its values are known.
 * @param what names it in the answer
 * @param userDataValues undefined where they are not known yet
 */
export function templateProblem(
  template: string,
  what: string,
  userDataValues?: RenderOptions["userDataValues"],
): string | undefined {
  try {
    checkTemplate(template, what, userDataValues ?? anyOwn(template));
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/**
 * @throws UserError for a template that asks for what does not exist, or for a value of the user's own that was not
 * given
 */
export function checkTemplate(template: string, what: string, userDataValues: RenderOptions["userDataValues"]): void {
  filled(
    template,
    { ...valuesOf({ ...sample, userDataValues }, { hostPrivateKey: "", hostPublicKey: "" }), instanceId: "" },
    what,
  );
}

const anyOwn = (template: string) =>
  Object.fromEntries([...template.matchAll(/\$\{userDataValues\.([\w-]+)\}/g)].map(([, name]) => [name!, ""]));

/** A value for every placeholder; there are 36 NICs at most. */
const sample: RenderOptions = {
  ...{ name: "", zone: "", distro: "debian", sshUser: "", sshPublicKey: "", sshCaPublicKey: "", kubernetesVersion: "" },
  ...{
    kubernetesKeyFingerprint: "",
    containerdPackage: "",
    dockerPackage: "",
    dockerKeyFingerprint: "",
    criDockerdUrl: "",
    criDockerdSha256: "",
  },
  ...{
    debianMirror: "",
    packageUpgrade: true,
    locale: "",
    timezone: "",
    userData: "",
    metaData: "",
    networkConfig: "",
  },
  macAddresses: Array.from({ length: 36 }, () => "000000000000"),
};

const filled = (template: string, values: Values, what: string) => fill(parseYaml(template, what), values, what);

/** Every placeholder and its value: the options themselves, and what follows from them. */
export function valuesOf(options: RenderOptions, hostKey: HostKey): Values {
  const macs = options.macAddresses.map(withColons);
  const minor = options.kubernetesVersion.split(".").slice(0, 2).join(".");
  const kubernetesRepository = options.kubernetesRepository ?? `https://pkgs.k8s.io/core:/stable:/v${minor}/deb/`;
  const dockerRepository = options.dockerRepository ?? `https://download.docker.com/linux/${options.distro}`;
  return {
    name: options.name,
    zone: options.zone,
    fqdn: `${options.name}.${options.zone}`,
    distro: options.distro,
    sshUser: options.sshUser,
    sshPublicKey: options.sshPublicKey,
    sshCaPublicKey: options.sshCaPublicKey,
    hostPrivateKey: hostKey.hostPrivateKey,
    hostPublicKey: hostKey.hostPublicKey,
    kubernetesVersion: options.kubernetesVersion,
    kubernetesRepository,
    kubernetesKeyUrl: options.kubernetesKeyUrl ?? pathIn(kubernetesRepository, "Release.key"),
    kubernetesKeyFingerprint: options.kubernetesKeyFingerprint,
    containerdPackage: options.containerdPackage,
    dockerPackage: options.dockerPackage,
    dockerRepository,
    dockerKeyUrl: options.dockerKeyUrl ?? pathIn(dockerRepository, "gpg"),
    dockerKeyFingerprint: options.dockerKeyFingerprint,
    criDockerdUrl: options.criDockerdUrl,
    criDockerdSha256: options.criDockerdSha256,
    sandboxImage: options.sandboxImage ?? "",
    debianMirror: options.debianMirror,
    securityMirror: options.debianMirror && securityMirror(options.debianMirror),
    packageUpgrade: options.packageUpgrade,
    locale: options.locale,
    timezone: options.timezone,
    ethernets: ethernets(macs),
    macAddresses: macs.join(" "),
    ...Object.fromEntries(macs.map((mac, index) => [`mac${index + 1}`, mac])),
    ...ownValues(options.userDataValues),
  };
}

const pathIn = (folder: string, file: string) => `${folder.replace(/\/+$/, "")}/${file}`;

/**
 * Debian's mirrors have its security updates in a folder beside the main one; other layouts, such as Ubuntu's, have
 * them in the same.
 */
const securityMirror = (mirror: string) => mirror.replace(/\/debian\/?$/, "/debian-security");

/** `080027A1B2C3` → `08:00:27:a1:b2:c3`. */
const withColons = (mac: string) => mac.toLowerCase().match(/../g)!.join(":");

/**
 * The `ethernets` of a network configuration, version 2: nic1, nic2 … as VirtualBox counts them, by MAC address, with
 * DHCP. The first has the default route; the others' routes are not taken, and the boot does not wait for them. The
 * lease goes by the MAC address, so that a machine that is recreated gets its address again. Only netplan keeps all of
 * that: templates/network.yaml does the rest for the others.
 */
function ethernets(macs: readonly string[]): Yaml {
  const further = { "dhcp4-overrides": { "use-routes": false }, optional: true };
  const entry = (macaddress: string, index: number) => ({
    match: { macaddress },
    dhcp4: true,
    "dhcp-identifier": "mac",
    ...(index === 0 ? {} : further),
  });
  return Object.fromEntries(macs.map((mac, index) => [`nic${index + 1}`, entry(mac, index)]));
}
