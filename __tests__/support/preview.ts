import * as pulumi from "@pulumi/pulumi";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateHostKey } from "../../cloudinit/hostKey";
import { load } from "../../providers/engine";
import { configurationOf } from "./configuration";

/** A resource as the program registers it. */
export interface Registered {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  /** Which of these are secret. */
  secrets: string[];
}

/** What the program registers, and its outputs. */
export interface Composition {
  registered: Registered[];
  outputs: Record<string, unknown>;
}

const { isRpcSecret, unwrapRpcSecret } = require("@pulumi/pulumi/runtime/rpc") as {
  isRpcSecret(value: unknown): boolean;
  unwrapRpcSecret(value: unknown): unknown;
};

const { hostPrivateKey, hostPublicKey } = generateHostKey();

/** The public key of every machine and of ourselves. */
export const publicKey = hostPublicKey;

const folder = mkdtempSync(join(tmpdir(), "preview-"));
writeFileSync(join(folder, "id"), hostPrivateKey, { mode: 0o600 });
afterAll(() => rmSync(folder, { recursive: true }));

/** The host keys of every machine. */
export const hostKeys = Object.fromEntries(
  ["busybox", "kube-mast01", "kube-mast02", "kube-mast03"].map((name) => [name, [publicKey]]),
);

/** What a stack needs beside Pulumi.yaml's defaults: keys of our own and of every machine. */
const keys = {
  hostKeys,
  sshPrivateKeyFile: join(folder, "id"),
  sshPublicKey: publicKey,
  // These looks are at this machine; what they find is no matter of the composition.
  checks: "off",
};

/** What index.ts imports. It is run again for each composition; these, which take a second to load, are not. */
const parts = Object.fromEntries(
  [
    "@pulumi/pulumi",
    ...[
      "components/machine",
      "components/resourceArgs",
      "config/environment",
      "common/shell",
      "ssh/address",
      "providers/hostRoute",
      "providers/kubeadmCluster",
      "providers/kubeadmJoinToken",
      "providers/secretValues",
      "providers/stackIdentity",
      "providers/workerJoin",
    ].map((name) => `../../${name}`),
  ].map((path) => [path, require(path) as unknown]),
);

/**
 * Runs index.ts against Pulumi's mocks. What it throws is what the CLI would show.
 * @param secretKeys the keys of the configuration that are secret
 */
export async function compose(values: Record<string, unknown>, secretKeys: string[] = []): Promise<Composition> {
  const registered: Registered[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        const given = inputs as Record<string, unknown>;
        const secrets = Object.keys(given).filter((property) => isRpcSecret(given[property]));
        const plain = Object.fromEntries(
          Object.entries(given).map(([property, value]) => [property, unwrapRpcSecret(value)]),
        );
        registered.push({ type: type.replace("pulumi-nodejs:dynamic/", ""), name, inputs: plain, secrets });
        return { id: `${name}-id`, state: { ...given, ...outputsOf(type, name) } };
      },
      call: () => ({}),
    },
    "vbox-kubeadm",
    "dev",
  );
  configurationOf({ ...keys, ...values }, secretKeys);
  let outputs: Record<string, pulumi.Output<unknown>> = {};
  jest.isolateModules(() => {
    for (const [path, module] of Object.entries(parts)) jest.doMock(path, () => module);
    outputs = require("../../index") as typeof outputs;
  });
  const resolved = await new Promise<Record<string, unknown>>((resolve) =>
    pulumi.output(outputs).apply((value) => resolve(value as Record<string, unknown>)),
  );
  return { registered, outputs: resolved };
}

function outputsOf(type: string, name: string): Record<string, unknown> {
  if (type.endsWith("CloudInitIso")) return { sha256: `sha of ${name}`, hostPublicKey: publicKey, reboots: true };
  if (type.endsWith("vbox:Vm")) return { uuid: `uuid of ${name}`, address: "192.168.2.130" };
  if (type.endsWith("JoinToken")) return { token: "t" };
  if (type.endsWith("kubeadm:Cluster"))
    return { endpoint: "192.168.4.20:6443", caCertHash: "sha256:00", kubeconfig: "k", bastionAddress: "192.168.4.57" };
  if (type.endsWith("WorkerJoin")) return { kubeletVersion: "v1.36.3", internalIp: "192.168.2.130", ready: true };
  if (type.endsWith("StackIdentity")) return { stackId: "0123456789abcdef0123456789abcdef" };
  return {};
}

/** A problem that a provider's check reports. */
export interface Failure {
  resource: string;
  property: string;
  reason: string;
}

/** What the engine calls in a preview: the check of every resource; a component has none. */
export async function check({ registered }: Composition): Promise<Failure[]> {
  const failures = await Promise.all(
    registered.filter(isCustom).map(async ({ name, inputs: { __provider: handler, ...inputs } }) => {
      const module = /load\("(.+)"\)/.exec(handler as string)![1]!;
      const { failures = [] } = await load(module).check!({}, inputs);
      return failures.map(({ property, reason }) => ({ resource: name, property, reason }));
    }),
  );
  return failures.flat();
}

const isCustom = ({ type }: Registered) => !type.startsWith("vbox-kubeadm:");
