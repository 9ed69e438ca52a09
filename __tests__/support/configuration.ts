import { load } from "js-yaml";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";

interface ProjectKey {
  type: string;
  default?: unknown;
  description?: string;
}

const project = join(__dirname, "../..");

/** The configuration's schema in Pulumi.yaml. */
export const projectKeys = (
  load(readFileSync(join(project, "Pulumi.yaml"), "utf8")) as { config: Record<string, ProjectKey> }
).config;

/** A stack's own values. */
export function stackValues(stack: string): Record<string, unknown> {
  const { config } = load(readFileSync(join(project, `Pulumi.${stack}.yaml`), "utf8")) as {
    config: Record<string, unknown>;
  };
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace("vbox-kubeadm:", ""), value]));
}

/** A configuration as the CLI hands it over: Pulumi.yaml's defaults, then these values; each as text. */
export function configurationOf(values: Record<string, unknown>, secretKeys: string[] = []): pulumi.Config {
  const defaults = Object.fromEntries(Object.entries(projectKeys).map(([key, { default: value }]) => [key, value]));
  const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  const all = Object.entries({ ...defaults, ...values }).map(([key, value]) => [`vbox-kubeadm:${key}`, text(value)]);
  pulumi.runtime.setAllConfig(
    Object.fromEntries(all) as Record<string, string>,
    secretKeys.map((key) => `vbox-kubeadm:${key}`),
  );
  return new pulumi.Config("vbox-kubeadm");
}
