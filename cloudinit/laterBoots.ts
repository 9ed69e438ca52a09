import type { HostKey } from "./hostKey";
import { fill, hasPlaceholder } from "./placeholders";
import { type Rendering, type RenderOptions, valuesOf } from "./render";
import { isMap, parseYaml, printYaml, type Yaml } from "./yaml";

/**
 * What cloud-init looks at in every boot: the keys of the modules whose frequency is `always`, and those that choose
 * and steer modules. All else in user-data is for the first boot of an instance, and stays on the machine
 * (/var/lib/cloud/instance).
 *
 * Source: cloud-init 25.1's `meta["frequency"]` of each module (__tests__/cloudinit/laterBoots.system.test.ts), but for
 * chef and zypper.
 */
export const EVERY_BOOT: readonly string[] = [
  ...["bootcmd", "disable_ec2_metadata", "final_message", "growpart", "resize_rootfs"],
  ...["hostname", "fqdn", "prefer_fqdn_over_hostname", "preserve_hostname", "create_hostname_file", "manage_etc_hosts"],
  ...[
    "cloud_init_modules",
    "cloud_config_modules",
    "cloud_final_modules",
    "manual_cache_clean",
    "merge_how",
    "merge_type",
    "output",
    "reporting",
    "updates",
  ],
];

/** In the first lines of user-data; of the host key there is nothing else. */
const HOST_KEY = "# SSH host key of this machine: ";

/**
 * Renders a machine's cloud-init files for all boots after its first: of the same instance, so that cloud-init repeats
 * nothing, and without what was the first's alone. What holds the private host key is left out wherever it is.
 */
export function renderLater(options: RenderOptions, hostPublicKey: string, instanceId: string): Rendering["files"] {
  const values = { ...valuesOf(options, { hostPrivateKey: "", hostPublicKey }), instanceId };
  const filled = (template: string, what: string, keys?: readonly string[]) =>
    fill(kept(parseYaml(template, what), keys), values, what);
  return {
    "user-data": `#cloud-config\n${HOST_KEY}${hostPublicKey}\n${printYaml(filled(options.userData, "user-data", EVERY_BOOT))}`,
    "meta-data": printYaml(filled(options.metaData, "meta-data")),
    "network-config": printYaml(filled(options.networkConfig, "network-config")),
  };
}

function kept(template: Yaml, keys?: readonly string[]): Yaml {
  if (!isMap(template)) return template;
  const isKept = ([key, value]: [string, Yaml]) =>
    (keys?.includes(key) ?? true) && !hasPlaceholder({ [key]: value }, "hostPrivateKey");
  return Object.fromEntries(Object.entries(template).filter(isKept));
}

/** What can be told of a machine by the content that {@link renderLater} made. */
export interface LaterBoots extends Pick<HostKey, "hostPublicKey"> {
  instanceId: string;
}

/** Reads it back from a disc's text; undefined where that is other content. */
export function laterBootsIn(text: string): LaterBoots | undefined {
  const hostPublicKey = new RegExp(`#cloud-config\\n${HOST_KEY}(ssh-ed25519 [A-Za-z0-9+/=]{1,200})$`, "m").exec(
    text,
  )?.[1];
  const instanceId = instanceIdIn(text);
  return hostPublicKey !== undefined && instanceId !== undefined ? { hostPublicKey, instanceId } : undefined;
}

/** cloud-init's instance id in a disc's text, also in that of the first boot; undefined where it cannot be told. */
export const instanceIdIn = (text: string): string | undefined =>
  /(?:^|\0)instance-id: ['"]?([a-z0-9-]{1,100})['"]?$/m.exec(text)?.[1];
