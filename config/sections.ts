import { pick } from "../common/pick";
import { firstBoot } from "./keys/firstBoot";
import type { Configuration, WorkerConfiguration } from "./schema";

// The parts of the configuration that the composition hands on as they are.

/** What is in the section "The first boot", by its keys. */
export const firstBootOf = (config: Configuration) =>
  pick(config, Object.keys(firstBoot) as (keyof typeof firstBoot)[]);

/** What a worker's machine is made of, but for its network adapters, which get MAC addresses. */
export const hardwareOf = (worker: Omit<WorkerConfiguration, "nics">) =>
  pick(worker, ["baseImage", "cpus", "memoryMb", "vramMb", "disks", "keepOpen"]);
