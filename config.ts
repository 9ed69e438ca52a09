import * as pulumi from "@pulumi/pulumi";
import { type Configuration, configurationSchema, type WorkerConfiguration } from "./configSchema";
import { UserError } from "./host/errors";
import { networkOf } from "./host/ipv4";

/**
 * The stack's configuration, whole and typed. Pulumi.yaml has every key's type, default and description.
 * @throws UserError that names every wrong key and says what to give
 */
export function readConfiguration(config = new pulumi.Config()): Configuration {
  const raw = Object.fromEntries(Object.keys(configurationSchema.shape).map((key) => [key, valueOf(config, key)]));
  const { data, error } = configurationSchema.safeParse(raw);
  if (error) throw wrong(error.issues.map((issue) => [pathOf(issue.path), issue.code === "invalid_key" ? issue.issues[0]!.message : issue.message]));
  const problems = contradictions(data);
  if (problems.length > 0) throw wrong(problems);
  return data;
}

const wrong = (problems: readonly (readonly [string, string])[]) =>
  new UserError("the stack's configuration is wrong", {
    said: problems.map(([key, message]) => `${key}: ${message}`).join("\n"),
    todo: "correct it in Pulumi.STACK.yaml, or with `pulumi config set KEY VALUE`",
  });

const pathOf = (path: readonly PropertyKey[]) => path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("").slice(1);

/** Configuration arrives as text: JSON where it is no string. */
function valueOf(config: pulumi.Config, key: string): unknown {
  const text = config.get(key);
  if (text === undefined || text === "") return undefined;
  try {
    return (JSON.parse(text) as unknown) ?? undefined;
  } catch {
    return text;
  }
}

/** What is right by itself and wrong together. */
function contradictions(data: Configuration): [string, string][] {
  const names = workerNames(data);
  const pods = networkOf(data.podSubnet)!;
  const problems: [boolean, string, string][] = [
    [new Set(names).size < names.length, "workerNames", `two workers have one name; give each its own (${names.join(", ")})`],
    [data.cloneMode === "linked" && !data.baseSnapshot, "baseSnapshot", `is needed for cloneMode linked; take one with \`VBoxManage snapshot ${data.baseImage} take NAME\` and give NAME`],
    [data.containerRuntime === "docker" && !(data.criDockerdUrl && data.criDockerdSha256), "criDockerdUrl", "is needed for containerRuntime docker, with criDockerdSha256; give the address of cri-dockerd's .deb"],
    ...data.routes.map(({ destination }, index): [boolean, string, string] => [
      overlaps(networkOf(destination)!, pods),
      `routes[${index}].destination`,
      `${destination} overlaps podSubnet ${data.podSubnet}; give networks that do not`,
    ]),
    ...Object.keys(data.workerOverrides).map((name): [boolean, string, string] => [
      !names.includes(name),
      `workerOverrides.${name}`,
      `there is no such worker; give one of ${names.join(", ")}`,
    ]),
  ];
  return problems.filter(([isProblem]) => isProblem).map(([, key, message]) => [key, message]);
}

type Network = NonNullable<ReturnType<typeof networkOf>>;

/** Two networks overlap where the wider one holds the other's first address. */
function overlaps(a: Network, b: Network): boolean {
  const prefix = Math.min(a.prefix, b.prefix);
  return networkOf(`${a.address}/${prefix}`)!.address === networkOf(`${b.address}/${prefix}`)!.address;
}

/** The workers' names: those given, or the prefix and two digits. */
export function workerNames({ workerNames, workerCount, workerNamePrefix }: Pick<Configuration, "workerNames" | "workerCount" | "workerNamePrefix">) {
  if (workerNames.length > 0) return workerNames;
  return Array.from({ length: workerCount }, (_, index) => `${workerNamePrefix}${String(index + 1).padStart(2, "0")}`);
}

/** What one worker is to be: the common values, and its own over them. */
export function workerConfiguration(configuration: Configuration, name: string): WorkerConfiguration {
  const { cpus, memoryMb, vramMb, nics, disks, labels, taints, kubeletArgs, baseImage, reboot } = configuration;
  return { cpus, memoryMb, vramMb, nics, disks, labels, taints, kubeletArgs, baseImage, reboot, ...configuration.workerOverrides[name] };
}
