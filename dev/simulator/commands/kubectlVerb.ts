import type { ExecResult } from "../../../common/exec";
import { failed, type Scene } from "./command";
import type { KubectlArguments } from "./kubectlArguments";

/** A kubectl command, over a cluster that is settled. */
export type KubectlVerb = (scene: Scene, args: KubectlArguments) => ExecResult;

/** Kubernetes' words for what is not there. */
export const notFound = (kind: string, name: string): ExecResult =>
  failed(`Error from server (NotFound): ${kind} "${name}" not found`);
