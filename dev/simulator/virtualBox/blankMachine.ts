import type { Machine } from "../state";

/** A machine as `createvm` makes it, but for its NICs. */
export const blankMachine = ({
  osType,
  ...identity
}: Pick<Machine, "uuid" | "name" | "settingsFile"> & { osType: string }): Machine => ({
  ...identity,
  state: "poweroff",
  settings: {
    ostype: osType,
    cpus: "1",
    memory: "1024",
    vram: "8",
    boot1: "floppy",
    boot2: "dvd",
    boot3: "disk",
    boot4: "none",
  },
  nics: {},
  controllers: [],
  drives: [],
  snapshots: [],
  extraData: {},
  guestProperties: {},
  obeysAcpi: true,
});
