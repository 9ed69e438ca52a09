import { isAbsolute } from "node:path";
import { z } from "zod";
import { isPublicKey } from "../ssh/hostKey";
import { quoteValue } from "../common/quoteValue";
import { templateProblem } from "./render";

/**
 * Property → the values that it may have, and what to give. What passes is safe in YAML, in a shell's word and in an
 * apt source.
 */
export const rules = {
  name: [
    z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/),
    "a host name of RFC 1123: lower-case letters, digits and -, at most 63",
  ],
  zone: [
    z
      .string()
      .max(189)
      .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/),
    "a domain like kube.demo",
  ],
  path: [z.string().refine(isIsoPath), "an absolute path that ends with .iso"],
  intact: [z.literal(true), "nothing: it is the provider's own"],
  distro: [z.enum(["debian", "ubuntu"]), "debian or ubuntu"],
  sshUser: [z.string().regex(/^(?!root$)[a-z_][a-z0-9_-]{0,31}$/), "a user name like debian, other than root"],
  sshPublicKey: [z.string().refine(isPublicKey), "the one line of an id_….pub file: ssh-ed25519 AAAA…"],
  sshCaPublicKey: [z.string().refine(isPublicKey), "the one line of the authority's .pub file: ssh-ed25519 AAAA…"],
  macAddresses: [
    z
      .array(z.string().regex(/^[0-9A-F]{12}$/))
      .min(1)
      .max(36)
      .refine(distinct),
    "a different 080027A1B2C3 for each NIC, 1 to 36",
  ],
  kubernetesVersion: [z.string().regex(/^1\.\d{1,3}\.\d{1,3}$/), "the full version, like 1.36.3"],
  kubernetesRepository: [url(), "the address of a flat apt repository: https://…"],
  kubernetesKeyUrl: [url(), "the address of its key: https://…"],
  kubernetesKeyFingerprint: [fingerprint(), "a key's fingerprint: 40 upper-case hexadecimal digits, without spaces"],
  containerdPackage: [
    z.enum(["containerd.io", "containerd"]),
    "containerd.io (Docker's) or containerd (the distribution's)",
  ],
  dockerPackage: [z.enum(["docker-ce", "docker.io"]), "docker-ce (Docker's) or docker.io (the distribution's)"],
  dockerRepository: [url(), "the address of an apt repository: https://…"],
  dockerKeyUrl: [url(), "the address of its key: https://…"],
  dockerKeyFingerprint: [fingerprint(), "a key's fingerprint: 40 upper-case hexadecimal digits, without spaces"],
  criDockerdUrl: [url(), "the address of cri-dockerd's .deb: https://…"],
  criDockerdSha256: [z.string().regex(/^[0-9a-f]{64}$/), "64 lower-case hexadecimal digits, as sha256sum prints them"],
  sandboxImage: [z.string().regex(/^[a-z0-9][A-Za-z0-9._:/@-]{0,254}$/), "an image like registry.k8s.io/pause:3.10"],
  debianMirror: [url(), "the address of a mirror: https://…"],
  packageUpgrade: [z.boolean(), "true or false"],
  locale: [z.string().regex(/^[A-Za-z]{1,3}(_[A-Z]{2})?\.UTF-8$/), "a UTF-8 locale like en_US.UTF-8"],
  timezone: [
    z
      .string()
      .max(64)
      .regex(/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/),
    "a time zone like UTC or Europe/Vienna",
  ],
  userDataValues: [
    z.record(
      z.string().regex(/^[A-Za-z_][\w-]{0,62}$/),
      z
        .string()
        .max(16_384)
        .regex(/^[^\p{Cs}\0]*$/u),
    ),
    "names such as password, each with a text of at most 16384 characters",
  ],
} as const satisfies Readonly<Record<string, readonly [values: z.ZodType, give: string]>>;

const templates = { userData: "user-data", metaData: "meta-data", networkConfig: "network-config" };

/**
 * Property → what is wrong with it, and what to give. A property that is absent is not known yet, or has its default.
 */
export function inputProblems(inputs: Readonly<Record<string, unknown>>): Record<string, string> {
  const wrong = Object.entries(rules)
    .filter(([property, [values]]) => inputs[property] !== undefined && !values.safeParse(inputs[property]).success)
    .map(
      ([property, [, give]]) =>
        [
          property,
          `${property === "userDataValues" ? "what is there" : quoteValue(inputs[property])} will not do; give ${give}`,
        ] as const,
    );
  const broken = Object.entries(templates).flatMap(([property, what]) => {
    const template = inputs[property];
    const problem =
      typeof template === "string"
        ? templateProblem(template, what, inputs.userDataValues as Record<string, string> | undefined)
        : undefined;
    return problem === undefined ? [] : [[property, problem] as const];
  });
  return Object.fromEntries([...wrong, ...broken]);
}

/** No control character, which no program's argument list and no listing would bring back. */
function isIsoPath(path: string): boolean {
  return path.length <= 1024 && isAbsolute(path) && path.endsWith(".iso") && !/[\p{Cc}\p{Cs}]/u.test(path);
}

function distinct(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}

/** Without the `#` of a fragment, which would make a comment of the rest of an apt source's line. */
function url() {
  return z.string().regex(/^(https?|file):\/\/[A-Za-z0-9._~:/?@!&()*+,;=%-]{1,2048}$/);
}

function fingerprint() {
  return z.string().regex(/^[0-9A-F]{40}$/);
}
