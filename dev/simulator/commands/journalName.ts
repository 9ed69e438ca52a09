import { REPORT_COMMAND } from "../../../cloudinit/report";
import { LOGS_SCRIPT } from "../../../kubernetes/joinReport";
import { CNI_CLEANUP } from "../../../kubernetes/kubeadm";
import { TOKEN_MANAGER } from "../../../kubernetes/bootstrapToken";
import { FACTS_SCRIPT } from "../../../kubernetes/preflight";
import { isAboutBindings } from "./kubectlBindings";
import { type KubectlArguments, kubectlArguments } from "./kubectlArguments";
import { parseCommand } from "./shell";

const SCRIPTS = new Map([
  [REPORT_COMMAND, "cloud-init report"],
  [FACTS_SCRIPT, "worker's facts"],
  [LOGS_SCRIPT, "worker's logs"],
  [CNI_CLEANUP, "CNI cleanup"],
]);

/**
 * What a command is called in the journal: the machine, the program, what it does, and to what; never a value that
 * differs from run to run.
 * @param machine the machine's name
 */
export const journalName = (machine: string, command: string): string => `ssh ${machine} ${what(command)}`;

function what(command: string): string {
  const [program = "unknown", ...args] = parseCommand(command)?.words ?? [];
  const script = SCRIPTS.get(command) ?? (program === "sh" ? SCRIPTS.get(args[1] ?? "") : undefined);
  if (script !== undefined) return script;
  if (program === "kubectl") {
    const parsed = kubectlArguments(args);
    return typeof parsed === "string" ? program : `kubectl ${kubectlName(parsed)}`;
  }
  if (program === "kubeadm") return `kubeadm ${args[0]}`;
  return [program, ...args.filter((arg) => arg.startsWith("/"))].join(" ");
}

/** Verb, kind and names: no labels, taints or annotations, and no token's id; of a node's pods the node. */
function kubectlName({ verb, operands, flags }: KubectlArguments): string {
  // The API server chooses what a request for a certificate is called.
  if (verb === "certificate") return `${verb} ${operands[0]}`;
  if (verb === "apply" && flags["field-manager"] === TOKEN_MANAGER) return `${verb} token`;
  if (verb === "apply" || flags.raw !== undefined || isAboutBindings(operands)) return `${verb} bindings`;
  const names = operands
    .filter((word) => !/[=:]|-$/.test(word))
    .map((word) => word.replace(/^(bootstrap-token)-.*/, "$1"));
  const [, node] = /^spec\.nodeName=(.*)$/.exec(flags["field-selector"] ?? "") ?? [];
  return [verb, ...names, ...(node ? [node] : [])].join(" ");
}
