import { isLabelKey, isLabelValue, isSelector } from "./labels";
import type { Taint } from "./kubectl";
import { quoteValue } from "../common/quoteValue";

/** The inputs of a join that can be wrong by themselves. */
export interface Checked {
  name?: string;
  masters?: readonly unknown[];
  endpoint?: string;
  criSocket?: string;
  labels?: Record<string, string>;
  taints?: Taint[];
  kubeletArgs?: Record<string, string>;
  requiredPods?: readonly string[];
  cniSelector?: string;
}

/** What is wrong with a join's inputs, by their names. An input that is not known yet is absent. */
export function joinProblems({
  name,
  masters,
  endpoint,
  criSocket,
  labels = {},
  taints = [],
  kubeletArgs = {},
  requiredPods = [],
  cniSelector,
}: Checked): Record<string, string> {
  const problems: Record<string, string | false | undefined> = {
    name:
      name !== undefined &&
      !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name) &&
      `${quoteValue(name)} is no host name; give lower-case letters, digits and "-"`,
    masters: masters?.length === 0 && "is empty; give at least one master",
    endpoint:
      endpoint !== undefined &&
      !isEndpoint(endpoint) &&
      `${quoteValue(endpoint)} is no endpoint; give an address and a port such as 192.168.4.20:6443`,
    criSocket:
      criSocket !== undefined &&
      !/^unix:\/\/\/[\w./-]{1,100}$/.test(criSocket) &&
      `${quoteValue(criSocket)} is no socket; give one such as unix:///run/containerd/containerd.sock`,
    labels: firstProblem(Object.entries(labels), labelProblem),
    taints: firstProblem(taints, taintProblem),
    kubeletArgs: firstProblem(Object.entries(kubeletArgs), argumentProblem),
    requiredPods: firstProblem(requiredPods, (selector) =>
      isSelector(selector) ? undefined : `${quoteValue(selector)} are no labels; give some such as k8s-app=cilium`,
    ),
    cniSelector:
      cniSelector !== undefined &&
      cniSelector !== "" &&
      !isSelector(cniSelector) &&
      `${quoteValue(cniSelector)} are no labels; give some such as app=flannel`,
  };
  return Object.fromEntries(Object.entries(problems).filter((entry): entry is [string, string] => Boolean(entry[1])));
}

const firstProblem = <T>(items: readonly T[], problemOf: (item: T) => string | undefined) =>
  items.map(problemOf).find((problem) => problem !== undefined);

/** Whether it is a host's name or address, perhaps in brackets, and a port. */
export function isEndpoint(text: string): boolean {
  const [, port] = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9.]{0,252})|\[[0-9A-Fa-f:.]{2,45}\]):([1-9]\d{0,4})$/.exec(text) ?? [];
  return port !== undefined && Number(port) <= 65_535;
}

function labelProblem([key, value]: [string, string]): string | undefined {
  if (!isLabelKey(key)) return `${quoteValue(key)} is no label's key; give one such as example.com/disk`;
  return isLabelValue(value)
    ? undefined
    : `${quoteValue(value)} is no label's value; give letters, digits, "-", "_" and ".", at most 63`;
}

const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

function taintProblem({ key, value = "", effect }: Taint): string | undefined {
  return (
    labelProblem([key, value]) ??
    (EFFECTS.includes(effect) ? undefined : `${quoteValue(effect)} is no effect; give one of ${EFFECTS.join(", ")}`)
  );
}

/** Whether kubeadm takes it for a kubelet argument's name. */
export const isKubeletArgument = (name: string) => /^[a-z][a-z0-9-]{0,99}$/.test(name);

/**
 * Whether it reaches the kubelet as it is: kubeadm writes all arguments into one variable of an environment file, and
 * systemd splits that at spaces, and may read quotes, backslashes and dollars in it.
 */
export const isKubeletValue = (value: string) => /^[!-~]{0,4096}$/.test(value) && !/["'\\$]/.test(value);

function argumentProblem([name, value]: [string, string]): string | undefined {
  if (name.startsWith("-")) return `${quoteValue(name)} begins with a dash; give the argument's name alone`;
  if (!isKubeletArgument(name))
    return `${quoteValue(name)} is no kubelet argument; give its name in lower case, such as max-pods`;
  return isKubeletValue(value)
    ? undefined
    : `${quoteValue(value)} does not reach the kubelet as it is; give ${name} a value without spaces, quotes, "\\" and "$"`;
}
