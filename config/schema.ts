import { z } from "zod";
import { baseImage } from "./keys/baseImage";
import { cluster } from "./keys/cluster";
import { firstBoot } from "./keys/firstBoot";
import { joining } from "./keys/joining";
import { machines } from "./keys/machines";
import { workers } from "./keys/workers";
import type { worker } from "./shapes";

/** Every configuration key, in the order of Pulumi.yaml and docs/configuration.md. */
export const sections = {
  "The cluster": cluster,
  "The workers": workers,
  "The base image": baseImage,
  "The way to the machines": machines,
  "The first boot": firstBoot,
  Joining: joining,
};

const keys = { ...cluster, ...workers, ...baseImage, ...machines, ...firstBoot, ...joining };

type Shape = { [Name in keyof typeof keys]: (typeof keys)[Name]["rule"] };

/**
 * The shape of the whole configuration. A key's default is given by the CLI, from Pulumi.yaml; only those inside an
 * object are filled in here.
 */
export const configurationSchema = z.object(
  Object.fromEntries(Object.entries(keys).map(([name, { rule }]) => [name, rule])) as Shape,
);

/** The stack's configuration. */
export type Configuration = z.infer<typeof configurationSchema>;

/** What `workerOverrides` may change of one worker. */
export type WorkerConfiguration = Pick<Configuration, keyof typeof worker>;
