/** Where a machine is on its way to the end of its first boot. */
export interface CloudInitReport {
  /** Differs in each boot. */
  bootId: string;
  /** The one of the boot in which cloud-init made the machine; undefined before the user-data has written it down. */
  firstBootId?: string;
  /** `not started`, `running`, `done`, `error` or `disabled`. */
  status: string;
  /** What cloud-init calls errors. */
  errors: string[];
  /** Errors in spite of which it went on. */
  warnings: string[];
  /** The machine's own IPv4 addresses, by MAC address in lower case with colons. */
  addresses: Map<string, string>;
}

// `cloud-init status` starts a Python, which takes seconds from an emulated guest's boot: it is asked when there is an end to tell.
const STATUS = `if [ -e /run/cloud-init/result.json ] || [ -e /run/cloud-init/disabled ] || systemctl --quiet is-failed 'cloud-*.service'
then cloud-init status --format json; else echo '{"status": "running"}'; fi`;

/** Prints, line by line: boot id, the first boot's id or "-", addresses as JSON, and cloud-init's status, which may be several lines. */
export const REPORT_COMMAND = [
  "cat /proc/sys/kernel/random/boot_id",
  "cat /var/lib/cloud/instance/first-boot-id 2>/dev/null || echo -",
  // Not with -4, which leaves the MAC addresses out.
  "ip -j address | tr -d '\\n'; echo",
  STATUS,
].join("; ");

/**
 * Reads what {@link REPORT_COMMAND} printed; undefined where that is not whole, as on a machine that is going down. Cloud-init's exit code
 * says no more than the status does (2: errors in spite of which it went on).
 */
export function readReport(output: string): CloudInitReport | undefined {
  const [bootId = "", firstBootId = "", links = "", ...status] = output.split(/\r?\n/);
  try {
    const json = JSON.parse(status.join("\n")) as { status?: string; errors?: string[]; recoverable_errors?: Record<string, string[]> };
    return {
      bootId: bootId.trim(),
      ...(firstBootId.trim() !== "-" && { firstBootId: firstBootId.trim() }),
      status: json.status ?? "unknown",
      errors: json.errors ?? [],
      warnings: Object.values(json.recoverable_errors ?? {}).flat(),
      addresses: addressesOf(JSON.parse(links) as Link[]),
    };
  } catch {
    return undefined;
  }
}

interface Link {
  address?: string;
  addr_info?: { family?: string; scope?: string; local?: string }[];
}

const addressesOf = (links: Link[]) =>
  new Map(
    links.flatMap(({ address, addr_info = [] }) => {
      const local = addr_info.find(({ family, scope }) => family === "inet" && scope === "global")?.local;
      return address && local ? [[address.toLowerCase(), local] as const] : [];
    }),
  );
