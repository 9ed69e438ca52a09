import { ADMIN_CONF } from "../../../kubernetes/kubectl";
import { done, type Scene } from "./command";
import { cat, date } from "./files";
import { kubectl } from "./kubectl";
import type { Programs } from "./shell";

/** What a master understands. */
export const master: Programs<Scene> = {
  scripts: new Map(),
  programs: {
    kubectl,
    date,
    hostname: ({ hostname }) => done(hostname),
    cat: cat(({ state }) => ({ [ADMIN_CONF]: { text: state.cluster.kubeconfig, isRoots: true } })),
  },
};

/** What the bastion understands: it is there to go through. */
export const bastion: Programs<Scene> = {
  scripts: new Map(),
  programs: { date, hostname: ({ hostname }) => done(hostname) },
};
