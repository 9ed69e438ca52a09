import { isIPv4 } from "node:net";
import { z } from "zod";

/** Where a machine is on its way to the end of its first boot. */
export interface CloudInitReport {
  /** Differs in each boot. */
  bootId: string;
  /** The one of the boot in which cloud-init made the machine; undefined before the user-data has written it down. */
  firstBootId?: string;
  /**
   * How far the machine is, by what only the last step of all leaves: `installed` when the user-data came to its end,
   * `joined` when it is in a cluster, and `-` before.
   */
  reached: "installed" | "joined" | "-";
  /** `not started`, `not run`, `running`, `done`, `error` or `disabled`. */
  status: string;
  /** What cloud-init calls errors. */
  errors: string[];
  /** Errors in spite of which it went on. */
  warnings: string[];
  /** The machine's own IPv4 addresses, by MAC address in lower case with colons. */
  addresses: Map<string, string>;
}

/** Written by the last step of every user-data, see cloudinit/templates/first-boot.yaml. */
export const FIRST_BOOT_MARK = "/var/lib/cloud/instance/installed";

// `cloud-init status` starts a Python, which takes seconds from an emulated guest's boot: it is asked when there is an
// end to tell.
const STATUS = `if [ -e /run/cloud-init/result.json ] || [ -e /run/cloud-init/disabled ] || systemctl --quiet is-failed 'cloud-*.service'
then cloud-init status --format json; else echo '{"status": "running"}'; fi`;

// A sudo that fails prints nothing, and so the report is not whole.
const REACHED = `if [ -e ${FIRST_BOOT_MARK} ]; then echo installed; elif [ -e /run/cloud-init/result.json ]
then sudo -n sh -c 'if [ -e /etc/kubernetes/kubelet.conf ]; then echo joined; else echo -; fi'; else echo -; fi`;

/** The addresses of a node with a thousand interfaces are longer than all the rest, and shorter than this. */
const MOST_BYTES = 1_000_000;

/**
 * Prints, line by line: boot id, the first boot's id or "-", how far the machine is, addresses as JSON, cloud-init's
 * status, which may be several lines, and `end`.
 */
export const REPORT_COMMAND = `{ ${[
  "cat /proc/sys/kernel/random/boot_id",
  "cat /var/lib/cloud/instance/first-boot-id 2>/dev/null || echo -",
  REACHED,
  // Not with -4, which leaves the MAC addresses out.
  "ip -j address | tr -d '\\n'; echo",
  STATUS,
  "echo end",
].join("; ")}; } | head -c ${MOST_BYTES}`;

const BOOT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const FEW_LINES = z.array(z.string()).default([]);

/** What cloud-init 22.4 and later print; everything else in it is of no interest. */
const statusFormat = z.object({
  status: z.enum(["not run", "not started", "running", "done", "error", "disabled"]),
  errors: FEW_LINES,
  recoverable_errors: z.record(z.string(), z.array(z.string())).default({}),
});

/** What `ip -json address` prints. An empty object is an interface of another network namespace. */
const linksFormat = z.array(
  z.object({
    address: z.string().optional(),
    addr_info: z
      .array(z.object({ family: z.string().optional(), scope: z.string().optional(), local: z.string().optional() }))
      .default([]),
  }),
);

/**
 * Reads what {@link REPORT_COMMAND} printed; undefined where that is not whole, as on a machine that is going down, or
 * not what these programs print. Cloud-init's exit code says no more than the status does (2: errors in spite of which
 * it went on).
 */
export function readReport(output: string): CloudInitReport | undefined {
  const [bootId = "", firstBootId = "", reached = "", links = "", ...status] = output.trimEnd().split(/\r?\n/);
  if (
    output.length > MOST_BYTES ||
    !BOOT_ID.test(bootId) ||
    !(firstBootId === "-" || BOOT_ID.test(firstBootId)) ||
    status.pop() !== "end"
  )
    return undefined;
  if (reached !== "installed" && reached !== "joined" && reached !== "-") return undefined;
  const read = statusFormat.safeParse(parsed(status.join("\n")));
  const addresses = addressesOf(linksFormat.safeParse(parsed(links)).data);
  if (!read.success || !addresses) return undefined;
  return {
    bootId,
    ...(firstBootId !== "-" && { firstBootId }),
    reached,
    status: read.data.status,
    errors: read.data.errors,
    warnings: Object.values(read.data.recoverable_errors).flat(),
    addresses,
  };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** Undefined where an interface has an address that is none. */
function addressesOf(links: z.infer<typeof linksFormat> | undefined): Map<string, string> | undefined {
  const addresses = new Map<string, string>();
  for (const { address, addr_info } of links ?? []) {
    const inet = addr_info.find(({ family, scope }) => family === "inet" && scope === "global");
    if (!address || !inet) continue;
    if (inet.local === undefined || !isIPv4(inet.local)) return undefined;
    addresses.set(address.toLowerCase(), inet.local);
  }
  return links && addresses;
}
