import { ADMIN_CONF } from "../../../kubernetes/kubectl";
import { meetTrouble, troubled } from "../apiTroubles";
import { settleCluster } from "../cluster";
import { failed, type Work } from "./command";
import { kubectlArguments } from "./kubectlArguments";
import { apply } from "./kubectlApply";
import { certificate } from "./kubectlCertificate";
import { deleteResources } from "./kubectlDelete";
import { get, version } from "./kubectlGet";
import { annotate, cordon, drain, label, uncordon } from "./kubectlNode";
import { taint } from "./kubectlTaint";
import type { KubectlVerb } from "./kubectlVerb";

const VERBS: Readonly<Record<string, KubectlVerb>> = {
  get,
  version,
  apply,
  certificate,
  delete: deleteResources,
  label,
  annotate,
  taint,
  cordon,
  uncordon,
  drain,
};

/** kubectl on a master, as its administrator. */
export const kubectl: Work = (scene) => {
  const { state, now, words, isRoot } = scene;
  const args = kubectlArguments(words.slice(1));
  if (typeof args === "string") return failed(args);
  const verb = VERBS[args.verb];
  if (!verb) return failed(`error: unknown command "${args.verb}" for "kubectl"`);
  const { kubeconfig } = args.flags;
  if (kubeconfig !== ADMIN_CONF) return refused(kubeconfig === undefined ? "localhost:8080" : undefined, kubeconfig);
  if (!isRoot) return failed(`error: error loading config file "${ADMIN_CONF}": open ${ADMIN_CONF}: permission denied`);
  if (state.cluster.apiDown) return refused(state.cluster.endpoint);
  const trouble = meetTrouble(state.cluster, args.verb);
  if (trouble) return troubled(trouble);
  settleCluster(state, now);
  return verb(scene, args);
};

const refused = (server: string | undefined, kubeconfig?: string) =>
  server === undefined
    ? failed(`error: stat ${kubeconfig}: no such file or directory`)
    : failed(`The connection to the server ${server} was refused - did you specify the right host or port?`);
