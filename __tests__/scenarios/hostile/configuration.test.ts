import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { resolve } from "node:path";
import { readEnvironment } from "../../../config/environment";
import { expandHome } from "../../../common/userFile";
import { projectKeys } from "../../support/configuration";
import { hostileText, spoilt } from "../../support/hostile";
import { check, compose, type Composition, publicKey } from "../../support/preview";

/** How often each key is given something: more than 700 cases in all. */
const RUNS = 12;

/** A right value of each key that has none by default, or whose default has no parts that could be spoilt. */
const right: Record<string, unknown> = {
  ...Object.fromEntries(Object.entries(projectKeys).map(([key, { default: value }]) => [key, value])),
  workerNames: ["n1"],
  disks: [{ sizeMb: 100, format: "VDI", variant: "Fixed" }],
  labels: { "example.com/disk": "ssd" },
  taints: [{ key: "gpu", value: "yes", effect: "NoSchedule" }],
  kubeletArgs: { "max-pods": "50" },
  workerOverrides: { "kube-node01": { cpus: 4, labels: { disk: "ssd" }, baseImage: "other" } },
  bastion: { vm: "busybox", interface: 1, port: 2222, user: "jump" },
  routes: [{ destination: "192.168.4.0/27", gateway: "192.168.4.30", interface: "vboxnet0" }],
  hostKeys: {
    busybox: [publicKey],
    "kube-mast01": [publicKey],
    "kube-mast02": [publicKey],
    "kube-mast03": [publicKey],
  },
  timeouts: { join: 600, ssh: 60 },
};

/**
 * What is only used to check others, to find them or to count them, or is told the providers by Pulumi: it is in no
 * resource's inputs.
 */
const notCarried = ["podSubnet", "hostKeys", "sshKnownHostsFile", "workerCount", "childEnvironment"];

/** What different spellings of one value have in common. */
const asRead: Record<string, (text: string) => string> = {
  kubernetesKeyFingerprint: (text) => text.toLowerCase(),
  dockerKeyFingerprint: (text) => text.toLowerCase(),
  criDockerdSha256: (text) => text.toLowerCase(),
  isoFolder: (path) => resolve(expandHome(path)),
};

/** Where not only the values but also their keys are the user's own. */
const withKeys = ["labels", "kubeletArgs"];

/** What other keys an error may name: the wrong value makes another key needed, or a machine unknown. */
const alsoNamed: Record<string, RegExp> = {
  bastion: /^no host key of .* is known/,
  masters: /^no host key of .* is known/,
  hostKeys: /^no host key of .* is known/,
  cloneMode: /baseSnapshot: is needed/,
  containerRuntime: /criDockerdUrl: is needed/,
  podSubnet: /routes\[0\]\.destination: .* overlaps podSubnet/,
  workerNames: /workerOverrides/,
};

async function outcome(values: Record<string, unknown>): Promise<Composition | string> {
  try {
    return await compose({ workerCount: 1, routes: [], ...values });
  } catch (error) {
    if (!pulumi.RunError.isInstance(error)) throw error;
    // It is the configuration that is refused, before any resource is there.
    expect(readEnvironment).toThrow(error.message);
    return error.message;
  }
}

function expectClear(key: string, message: string): void {
  expect(message.length).toBeLessThan(9_000);
  expect(message.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cs}]/u);
  expect(message).not.toMatch(/\n\s+at |undefined|\[object Object\]|Invalid input/);
  expect(message).toMatch(/→ /);
  const isNamed = new RegExp(`(^| |\`)${key}\\b`, "m").test(message) || alsoNamed[key]?.test(message);
  expect(isNamed ? "" : `${key}: ${message}`).toBe("");
  const [what, ...lines] = message.split("\n");
  if (what === "the stack's configuration is wrong")
    for (const line of lines) expect(line).toMatch(/: .*(give|need|…)|and \d+ more|→ correct it/);
}

/** The scalars that a value consists of, as text. */
const scalars = (value: unknown, keysToo: boolean): string[] =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, item]) => [...(keysToo ? [key] : []), ...scalars(item, keysToo)])
    : [String(value)];

/**
 * Each of a value's parts is in some input of some resource as it is, or is part of a name, an address or a path there.
 */
function expectCarried(key: string, value: unknown, { registered }: Composition): void {
  if (notCarried.includes(key)) return;
  const carried = [...new Set(registered.flatMap(({ inputs }) => scalars(inputs, true)))];
  const same = asRead[key] ?? ((text: string) => text);
  const lost = scalars(value, withKeys.includes(key)).filter(
    (part) => !carried.some((text) => same(text).includes(same(part))),
  );
  expect({ key, lost: lost.map((part) => part.slice(0, 100)) }).toEqual({ key, lost: [] });
}

let [refused, accepted] = [0, 0];

test.each(Object.keys(projectKeys))("%s: whatever is given is refused by its key, or carried as it is", async (key) => {
  const isText = projectKeys[key]!.type === "string";
  await fc.assert(
    fc.asyncProperty(isText ? hostileText : spoilt(right[key]), async (value) => {
      const result = await outcome({ [key]: value });
      if (typeof result === "string") {
        refused++;
        return expectClear(key, result);
      }
      const failures = await check(result);
      for (const { property, reason } of failures) {
        expectClear(property, `${property}: ${reason} → `);
        expect(reason).toMatch(/give|need|…/);
      }
      if (failures.length > 0) return;
      accepted++;
      if (value !== "" && value !== null) expectCarried(key, value, result);
    }),
    { numRuns: RUNS },
  );
});

test("that were many cases of either kind", () => {
  expect(refused + accepted).toBeGreaterThan(500);
  expect(Math.min(refused, accepted)).toBeGreaterThan(50);
});
