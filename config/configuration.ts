import * as pulumi from "@pulumi/pulumi";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { type Configuration, configurationSchema, type WorkerConfiguration } from "./schema";
import { worker } from "./shapes";
import { strandedKeys, unknownKeys } from "./unknownKeys";
import { UserError } from "../common/errors";
import { networkOf } from "../common/ipv4";
import { pick } from "../common/pick";
import { DEFAULT_PODS } from "../kubernetes/nodeReady";
import { shellCommand } from "../common/shell";
import { quoteValue } from "../common/quoteValue";
import { parseSshAddress } from "../ssh/address";

/** The keys whose value is text; those of all others arrive as JSON. */
const textKeys = new Set(
  Object.entries(z.toJSONSchema(configurationSchema).properties!).flatMap(([key, schema]) =>
    typeof schema === "object" && schema.type === "string" ? [key] : [],
  ),
);

const keys = Object.keys(configurationSchema.shape);

/**
 * The stack's configuration, whole and typed. Pulumi.yaml has every key's type, default and description.
 * @throws UserError that names every wrong and every unknown key and says what to give
 */
export function readConfiguration(config = new pulumi.Config()): Configuration {
  const given = Object.keys(pulumi.runtime.allConfig());
  const unknown = unknownKeys(given, config.name, keys);
  const { data, error } = configurationSchema.safeParse(
    Object.fromEntries(keys.map((key) => [key, valueOf(config, key)])),
  );
  const issues = error?.issues ?? [];
  const wrongValues = issues.map((issue): Problem => [
    pathOf(issue.path),
    issue.code === "invalid_key" ? issue.issues[0]!.message : issue.message,
  ]);
  const problems = [...unknown, ...wrongValues, ...(data ? contradictions(data) : [])];
  if (problems.length > 0 || !data) throw wrong(problems);
  const stranded = strandedKeys(given, config.name, keys);
  if (stranded) void pulumi.log.warn(stranded);
  return data;
}

type Problem = [key: string, message: string];

/** More lines than these do not help to find the first. */
const MOST_PROBLEMS = 20;
const MOST_CHARACTERS = 400;

function wrong(problems: readonly (readonly [string, string])[]): UserError {
  const lines = problems.slice(0, MOST_PROBLEMS).map(([key, message]) => shortened(`${key}: ${message}`));
  const more = problems.length > MOST_PROBLEMS ? [`and ${problems.length - MOST_PROBLEMS} more`] : [];
  return new UserError("the stack's configuration is wrong", {
    output: [...lines, ...more].join("\n"),
    hint: "correct it in Pulumi.STACK.yaml, or with `pulumi config set KEY VALUE`",
  });
}

const shortened = (line: string) => (line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)}…` : line);

const pathOf = (path: readonly PropertyKey[]) =>
  path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${keyOf(String(part))}`))
    .join("")
    .slice(1);

/** A key within an object is the user's own, and may be anything. */
const keyOf = (key: string) => (/^[\w./-]{1,80}$/.test(key) ? key : quoteValue(key));

/** Configuration arrives as text: JSON where it is no string. */
function valueOf(config: pulumi.Config, key: string): unknown {
  const text = config.get(key);
  if (text === undefined || text === "") return undefined;
  if (textKeys.has(key)) return text;
  try {
    return (JSON.parse(text) as unknown) ?? undefined;
  } catch {
    return text;
  }
}

/** What is right by itself and wrong together. */
function contradictions(data: Configuration): [string, string][] {
  const names = workerNames(data);
  const namedBy = data.workerNames.length > 0 ? "workerNames" : "workerNamePrefix";
  const pods = networkOf(data.podSubnet)!;
  // A template of the user's own installs what it likes.
  const isForDocker =
    data.userData === undefined && names.some((name) => workerConfiguration(data, name).containerRuntime === "docker");
  const problems: [boolean, string, string][] = [
    [
      new Set(names).size < names.length,
      "workerNames",
      `two workers have one name; give each its own (${some(names)})`,
    ],
    ...names.flatMap((name) =>
      othersOf(data, name).map((other): [boolean, string, string] => [
        true,
        namedBy,
        `${name} is ${other}; give it another name`,
      ]),
    ),
    [
      data.cloneMode === "linked" && !data.baseSnapshot,
      "baseSnapshot",
      `is needed for cloneMode linked; take one with \`${shellCommand(["VBoxManage", "snapshot", data.baseImage, "take", "NAME"])}\` and give NAME`,
    ],
    [
      isForDocker && !data.criDockerdUrl,
      "criDockerdUrl",
      "is needed for containerRuntime docker; give the address of cri-dockerd's .deb, from https://github.com/Mirantis/cri-dockerd/releases",
    ],
    [
      isForDocker && !data.criDockerdSha256,
      "criDockerdSha256",
      "is needed for containerRuntime docker; give the SHA-256 of cri-dockerd's .deb, which its release page shows beside it",
    ],
    [
      data.cniSelector !== undefined && !isDeepStrictEqual(data.requiredPods, DEFAULT_PODS),
      "cniSelector",
      "says the same as requiredPods, which is given too; give one of them",
    ],
    ...natProblems(data, names),
    ...data.routes.map(({ destination }, index): [boolean, string, string] => [
      overlaps(networkOf(destination)!, pods),
      `routes[${index}].destination`,
      `${destination} overlaps podSubnet ${data.podSubnet}; give networks that do not`,
    ]),
    ...Object.keys(data.workerOverrides).map((name): [boolean, string, string] => [
      !names.includes(name),
      `workerOverrides.${name}`,
      `there is no such worker; give one of ${some(names)}`,
    ]),
  ];
  return problems.filter(([isProblem]) => isProblem).map(([, key, message]) => [key, message]);
}

/** VirtualBox's NAT gives every machine the same address, and the first adapter's is the Node's. */
function natProblems(data: Configuration, names: readonly string[]): [boolean, string, string][] {
  const first = (nics: Configuration["nics"] | undefined, key: string): [boolean, string, string] => [
    data.autostart && nics?.[0]?.type === "nat",
    `${key}[0].type`,
    "nat gives every machine the address 10.0.2.15, which would be each Node's; give another type first, such as intnet, and nat after it",
  ];
  return [
    first(data.nics, "nics"),
    ...names.map((name) =>
      first(
        Object.hasOwn(data.workerOverrides, name) ? data.workerOverrides[name]?.nics : undefined,
        `workerOverrides.${name}.nics`,
      ),
    ),
  ];
}

/** What a worker of this name would be mistaken for, or taken over from with `adopt`. */
function othersOf({ baseImage, bastion, masters, workerOverrides, zone }: Configuration, name: string): string[] {
  const images = [baseImage, ...Object.values(workerOverrides).map((worker) => worker.baseImage)];
  const others: [boolean, string][] = [
    [images.includes(name), "a base image"],
    [bastion.vm === name || [name, `${name}.${zone}`].includes(bastion.address ?? ""), "the bastion"],
    [masters.some((master) => [name, `${name}.${zone}`].includes(parseSshAddress(master)!.address)), "a master"],
  ];
  return others.filter(([isOther]) => isOther).map(([, other]) => other);
}

/** The first of some names. */
const some = (names: readonly string[]) => (names.length > 5 ? `${names.slice(0, 5).join(", ")} …` : names.join(", "));

type Network = NonNullable<ReturnType<typeof networkOf>>;

/** Two networks overlap where the wider one holds the other's first address. */
function overlaps(a: Network, b: Network): boolean {
  const prefix = Math.min(a.prefix, b.prefix);
  return networkOf(`${a.address}/${prefix}`)!.address === networkOf(`${b.address}/${prefix}`)!.address;
}

/** The workers' names: those given, or the prefix and two digits. */
export function workerNames({
  workerNames,
  workerCount,
  workerNamePrefix,
}: Pick<Configuration, "workerNames" | "workerCount" | "workerNamePrefix">) {
  if (workerNames.length > 0) return workerNames;
  return Array.from({ length: workerCount }, (_, index) => `${workerNamePrefix}${String(index + 1).padStart(2, "0")}`);
}

/** What one worker is to be: the common values, and its own over them. */
export const workerConfiguration = (configuration: Configuration, name: string): WorkerConfiguration => ({
  ...pick(configuration, Object.keys(worker) as (keyof typeof worker)[]),
  ...(Object.hasOwn(configuration.workerOverrides, name) && configuration.workerOverrides[name]),
});
