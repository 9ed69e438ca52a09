import { existsSync } from "node:fs";
import { UserError } from "../host/errors";
import { pulumiFolder } from "./binaries";
import { namespaceOf } from "./names";
import { namespaceExists } from "./netns";
import { programFolder, onHost } from "./stack";
import { sshFiles } from "./sshKeys";
import { zone } from "./topology";

/** The programs that work in the lab from outside. */
export type LabTool = "pulumi" | "kubectl" | "ssh" | "VBoxManage";

/**
 * Runs a program in the lab, on our own terminal, and gives its exit code.
 * @throws UserError when the lab is not up
 */
export async function runIn(tool: LabTool, args: readonly string[]): Promise<number> {
  if (!namespaceExists(namespaceOf("host")) || !existsSync(programFolder())) {
    throw new UserError("the lab is not up", { todo: "npm run lab" });
  }
  const pulumi = await pulumiFolder(console.error);
  const [file, ...rest] = commandOf(tool, args);
  return onHost(pulumi, file!, rest);
}

/** The command line of a tool on the lab's workstation. */
export function commandOf(tool: LabTool, args: readonly string[]): string[] {
  const ssh = ["ssh", "-F", sshFiles().config];
  if (tool === "kubectl") return [...ssh, "kube-mast01", "sudo", "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", ...args.map(quoted)];
  if (tool !== "ssh") return [tool, ...args];
  const [name = "busybox", ...command] = args;
  return [...ssh, ...(isOwn(name) ? [name] : workerOptions(name)), ...command];
}

const isOwn = (name: string) => name === "busybox" || name === "kube-mast01";

/** A worker's host key is in the stack's outputs only; the lab's own networks are the only way there. */
const workerOptions = (name: string) => ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-q", `${name}.${zone}`];

/** ssh hands the remote shell one line. */
const quoted = (argument: string) => `'${argument.replaceAll("'", `'\\''`)}'`;
