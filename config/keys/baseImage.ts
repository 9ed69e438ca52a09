import { argument, boolean } from "../rules";
import { worker } from "../shapes";
import { z } from "zod";
import { key } from "./key";

/** The base image. */
export const baseImage = {
  baseImage: key(worker.baseImage, {
    byDefault: "debian-base-image",
    change: "machine",
    description: "The VM that workers are cloned from.",
  }),
  distro: key(z.enum(["debian", "ubuntu"], "give debian or ubuntu"), {
    byDefault: "debian",
    change: "machine",
    description: "Its distribution: debian or ubuntu.",
  }),
  cloneMode: key(z.enum(["full", "linked"], "give full or linked"), {
    byDefault: "full",
    change: "machine",
    description: "full: a copy of its disks; linked: only the differences from baseSnapshot.",
  }),
  baseSnapshot: key(argument("give a snapshot's name").optional(), {
    byDefault: "",
    change: "machine",
    description: "The base image's snapshot to clone; a linked clone needs one.",
  }),
  adopt: key(boolean, {
    byDefault: false,
    change: "none",
    description:
      "Takes over VMs, ISOs and routes of our names that something else made, or whose state was lost, instead of refusing them.",
  }),
};
